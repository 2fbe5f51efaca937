import { createHash } from "node:crypto";
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import { readText, writeTextAtomic } from "../node/files.ts";
import { removeLeftovers } from "../node/leftovers.ts";

/** JSON values of one kind in a folder, a file each, named by the hash of its key. Several servers may share the folder. */
export class DiskCache<T> {
  private cleared: Promise<void> | undefined;

  /** @param maxEntries values that are kept; the longest unused go first. @param isValue a file may have been damaged, or written by somebody else */
  constructor(
    private readonly folder: string,
    private readonly maxEntries: number,
    private readonly isValue: (value: unknown) => value is T,
  ) {}

  /** Undefined when there is none, or the file is damaged. @param key text that says all that the value depends on */
  async read(key: string): Promise<T | undefined> {
    const file = this.file(key);
    try {
      const value: unknown = JSON.parse(await readText(file));
      if (!this.isValue(value)) return undefined;
      const now = new Date();
      await utimes(file, now, now);
      return value;
    } catch {
      return undefined;
    }
  }

  /** @param text JSON of the value */
  async write(key: string, text: string): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    // What servers before this one were killed over.
    this.cleared ??= removeLeftovers(this.folder);
    await this.cleared;
    await writeTextAtomic(this.file(key), text);
    await this.prune();
  }

  private file(key: string): string {
    return path.join(this.folder, `${createHash("sha256").update(key).digest("hex").slice(0, 32)}.json`);
  }

  private async prune(): Promise<void> {
    const names = (await readdir(this.folder)).filter((name) => name.endsWith(".json"));
    if (names.length <= this.maxEntries) return;
    // Another server may have removed one since.
    const usedAt = async (name: string) =>
      (await stat(path.join(this.folder, name)).catch(() => undefined))?.mtimeMs ?? 0;
    const aged = await Promise.all(names.map(async (name) => ({ name, used: await usedAt(name) })));
    aged.sort((a, b) => a.used - b.used);
    for (const { name } of aged.slice(0, names.length - this.maxEntries)) {
      await rm(path.join(this.folder, name), { force: true });
    }
  }
}
