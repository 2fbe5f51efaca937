import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { explainFileError } from "../node/errors.ts";
import { fileHash } from "../node/files.ts";
import { ended, removeLeftovers, temporaryPath } from "../node/leftovers.ts";
import type { Blob, FileDescription } from "./description.ts";

/** What was not used for longest is removed above this: some dozens of models with their samples. Our choice. */
const maxCacheBytes = 20 * 2 ** 30;

/** Writes a blob's bytes to a file. */
export type Fetch = (blob: Blob, write: (bytes: Uint8Array) => Promise<void>) => Promise<void>;

/** The user's cache folder, by the platform's convention. */
export function usualCacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  const home = os.homedir();
  if (XDG_CACHE_HOME) return path.join(XDG_CACHE_HOME, "sigmaquant", "worker");
  if (process.platform === "darwin") return path.join(home, "Library/Caches", "sigmaquant", "worker");
  if (process.platform === "win32") return path.join(LOCALAPPDATA ?? home, "sigmaquant", "worker");
  return path.join(home, ".cache", "sigmaquant", "worker");
}

/**
 * A worker's folder of models and samples, each in a folder named by its content, whole or not there. Workers of a machine may share
 * it.
 */
export class WorkerCache {
  /** Folders whose content this process has seen to be what they are named by. */
  private readonly checked = new Set<string>();

  /** @param fetch gets what is not there, checked */
  constructor(
    private readonly folder: string,
    private readonly fetch: Fetch,
  ) {}

  /** Makes the folder, and removes what killed workers have begun in it. @throws SigmaQuantError SQ1010-SQ1013 */
  async prepare(): Promise<void> {
    try {
      await mkdir(this.folder, { recursive: true });
    } catch (error) {
      throw explainFileError(error, this.folder, "write");
    }
    await removeLeftovers(this.folder);
  }

  /**
   * Files that lie together, fetched if they are not there.
   * @param files whose paths are safe below a folder (see the guards)
   * @returns path of the first
   */
  async files(files: readonly FileDescription[]): Promise<string> {
    const name = createHash("sha256").update(JSON.stringify(files)).digest("hex");
    const place = path.join(this.folder, name);
    if (!(await this.isThere(place, files))) await this.fill(place, files);
    this.checked.add(place);
    const now = new Date();
    await utimes(place, now, now).catch(() => undefined);
    await this.trim(place);
    return path.join(place, files[0]?.path ?? "");
  }

  private async isThere(place: string, files: readonly FileDescription[]): Promise<boolean> {
    for (const { path: name, sha256, bytes } of files) {
      const file = path.join(place, name);
      const found = await stat(file).catch(() => undefined);
      if (found?.size !== bytes) return false;
      if (!this.checked.has(place) && (await fileHash(file)) !== sha256) return false;
    }
    return true;
  }

  private async fill(place: string, files: readonly FileDescription[]): Promise<void> {
    const draft = temporaryPath(this.folder, "draft");
    try {
      for (const file of files) await this.write(path.join(draft, file.path), file);
      await rename(draft, place).catch(async () => {
        // What another worker has put there meanwhile is as good, and may be in use; what is damaged makes room.
        if (await this.isThere(place, files)) return;
        await rm(place, { recursive: true, force: true });
        await rename(draft, place);
      });
    } catch (error) {
      throw explainFileError(error, this.folder, "write");
    } finally {
      await rm(draft, { recursive: true, force: true });
      ended(draft);
    }
  }

  private async write(file: string, blob: Blob): Promise<void> {
    await mkdir(path.dirname(file), { recursive: true });
    const handle = await open(file, "wx");
    try {
      await this.fetch(blob, async (bytes) => {
        await handle.writeFile(bytes);
      });
    } finally {
      await handle.close();
    }
  }

  private async trim(used: string): Promise<void> {
    const names = (await readdir(this.folder)).filter((name) => /^[0-9a-f]{64}$/.test(name));
    const entries = await Promise.all(names.map((name) => entryOf(path.join(this.folder, name))));
    let left = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { place, bytes } of entries.sort((a, b) => a.time - b.time)) {
      if (left <= maxCacheBytes) return;
      if (place === used) continue;
      await rm(place, { recursive: true, force: true }).catch(() => undefined);
      this.checked.delete(place);
      left -= bytes;
    }
  }
}

async function entryOf(
  place: string,
): Promise<{ readonly place: string; readonly bytes: number; readonly time: number }> {
  const own = await stat(place).catch(() => undefined);
  const names = await readdir(place, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(names.map((name) => stat(path.join(place, name)).catch(() => undefined)));
  const bytes = sizes.reduce((sum, found) => sum + (found?.isFile() ? found.size : 0), 0);
  return { place, bytes, time: own?.mtimeMs ?? 0 };
}
