import { createHash } from "node:crypto";
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import type { DeviceFigures } from "../../core/plan/deviceFigures.ts";
import type { Baseline } from "../../core/plan/types.ts";
import { readText, writeTextAtomic } from "../../node/files.ts";
import { removeLeftovers } from "../../node/leftovers.ts";
import { isDeviceFigures } from "../../protocol/devicesGuards.ts";
import { isListOf, isRecord, isTextList } from "../../protocol/guardParts.ts";
import { isBaseline } from "../../protocol/snapshotGuard.ts";

/** Part of every key: raised when what a run means changes, so that older ones are not taken for it. */
const methodVersion = 1;

/** Runs that are kept; the longest unused go first. Our choice: each takes some kilobytes. */
const maxEntries = 1000;

/** A plan that was decided for a device and run: what is shown of it, and what others are told from. */
export interface DeviceRun {
  readonly figures: DeviceFigures;
  readonly baselines: readonly Baseline[];
  readonly notes: readonly string[];
  /** How long it took. */
  readonly seconds: number;
}

/** Baselines and notes of a run: some. */
const maxList = 1000;

/** Whether what a file of the cache holds is a run: it may have been damaged, or written by somebody else. */
function isRun(value: unknown): value is DeviceRun {
  return (
    isRecord(value) &&
    isDeviceFigures(value.figures) &&
    isListOf(value.baselines, maxList, isBaseline) &&
    isTextList(value.notes, maxList) &&
    typeof value.seconds === "number"
  );
}

/** Runs on disk, by all that they depend on: a comparison that is opened again has them at once. */
export class RunCache {
  private cleared: Promise<void> | undefined;

  constructor(private readonly folder: string) {}

  /** Undefined when there is none, or the file is damaged: it is then run again. @param key text that says all that a run depends on */
  async read(key: string): Promise<DeviceRun | undefined> {
    const file = this.file(key);
    try {
      const value: unknown = JSON.parse(await readText(file));
      if (!isRun(value)) return undefined;
      const now = new Date();
      await utimes(file, now, now);
      return value;
    } catch {
      return undefined;
    }
  }

  async write(key: string, run: DeviceRun): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    // What servers before this one were killed over.
    this.cleared ??= removeLeftovers(this.folder);
    await this.cleared;
    await writeTextAtomic(this.file(key), JSON.stringify(run));
    await this.prune();
  }

  private file(key: string): string {
    const hash = createHash("sha256")
      .update(JSON.stringify([methodVersion, key]))
      .digest("hex");
    return path.join(this.folder, `${hash.slice(0, 32)}.json`);
  }

  private async prune(): Promise<void> {
    const names = (await readdir(this.folder)).filter((name) => name.endsWith(".json"));
    if (names.length <= maxEntries) return;
    // Another server may have removed one since.
    const usedAt = async (name: string) =>
      (await stat(path.join(this.folder, name)).catch(() => undefined))?.mtimeMs ?? 0;
    const aged = await Promise.all(names.map(async (name) => ({ name, used: await usedAt(name) })));
    aged.sort((a, b) => a.used - b.used);
    for (const { name } of aged.slice(0, names.length - maxEntries)) {
      await rm(path.join(this.folder, name), { force: true });
    }
  }
}
