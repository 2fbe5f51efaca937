import { createHash } from "node:crypto";
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import type { Bits } from "../core/hardware/profile.ts";
import type { RecoveryMethod } from "../core/recovery/methods.ts";
import type { Measurement, WeightStatistics } from "../core/sensitivity/types.ts";
import { readText, writeTextAtomic } from "../node/files.ts";
import { removeLeftovers } from "../node/leftovers.ts";
import { isCachedAnalysis } from "./cachedGuard.ts";
import type { Decision } from "./sessionState.ts";

/** Part of every key: raised when the way in which something is measured changes, so that older figures are not taken for it. */
const methodVersion = 4;

/** Analyses that are kept; the longest unused go first. Our choice: each takes some 100 kB. */
const maxEntries = 200;

/** What is kept of an analysis; also of one that was interrupted. */
export interface CachedAnalysis {
  readonly statistics: Readonly<Record<string, WeightStatistics>>;
  readonly measurements: Readonly<Record<string, Readonly<Partial<Record<Bits, Measurement>>>>>;
  /** Samples the measurements were made on; 0 before the first run was complete. */
  readonly measuredSamples: number;
  readonly decided?: Decision;
}

/** Everything that measurements depend on. */
export interface AnalysisKey {
  readonly modelHash: string;
  /** Hash of the samples; "" for weights alone. */
  readonly samplesHash: string;
  readonly samples: number;
  readonly dims: Readonly<Record<string, number>>;
  readonly recovery: readonly RecoveryMethod[];
}

/** Analyses on disk, by the hashes of what they were made from; a second opening is then instant. */
export class AnalysisCache {
  private cleared: Promise<void> | undefined;

  constructor(private readonly folder: string) {}

  /** Undefined when there is none, or the file is damaged: it is then measured again. */
  async read(key: AnalysisKey): Promise<CachedAnalysis | undefined> {
    const file = this.file(key);
    try {
      const value: unknown = JSON.parse(await readText(file));
      if (!isCachedAnalysis(value)) return undefined;
      const now = new Date();
      await utimes(file, now, now);
      return value;
    } catch {
      return undefined;
    }
  }

  async write(key: AnalysisKey, analysis: CachedAnalysis): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    // What servers before this one were killed over.
    this.cleared ??= removeLeftovers(this.folder);
    await this.cleared;
    await writeTextAtomic(this.file(key), JSON.stringify(analysis, finite));
    await this.prune();
  }

  private file(key: AnalysisKey): string {
    const { modelHash, samplesHash, samples, dims, recovery } = key;
    const text = JSON.stringify([methodVersion, modelHash, samplesHash, samples, sorted(dims), recovery]);
    return path.join(this.folder, `${createHash("sha256").update(text).digest("hex").slice(0, 32)}.json`);
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

/** JSON has no infinity; an exact SQNR is written as a number that no measurement reaches. */
function finite(_key: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? Number.MAX_VALUE : value;
}

function sorted(record: Readonly<Record<string, number>>): unknown {
  return Object.entries(record).sort(([a], [b]) => a.localeCompare(b));
}
