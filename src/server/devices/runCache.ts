import type { DeviceFigures } from "../../core/plan/deviceFigures.ts";
import type { Baseline } from "../../core/plan/types.ts";
import { isDeviceFigures } from "../../protocol/devicesGuards.ts";
import { isListOf, isRecord, isTextList } from "../../protocol/guardParts.ts";
import { isBaseline } from "../../protocol/snapshotGuard.ts";
import { DiskCache } from "../diskCache.ts";

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
  private readonly disk: DiskCache<DeviceRun>;

  constructor(folder: string) {
    this.disk = new DiskCache(folder, maxEntries, isRun);
  }

  /** Undefined when there is none, or the file is damaged: it is then run again. @param key text that says all that a run depends on */
  read(key: string): Promise<DeviceRun | undefined> {
    return this.disk.read(textOf(key));
  }

  write(key: string, run: DeviceRun): Promise<void> {
    return this.disk.write(textOf(key), JSON.stringify(run));
  }
}

function textOf(key: string): string {
  return JSON.stringify([methodVersion, key]);
}
