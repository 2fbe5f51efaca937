import type { Bits } from "../core/hardware/profile.ts";
import type { RecoveryMethod } from "../core/recovery/methods.ts";
import type { Measurement, WeightStatistics } from "../core/sensitivity/types.ts";
import { isCachedAnalysis } from "./cachedGuard.ts";
import { DiskCache } from "./diskCache.ts";
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
  private readonly disk: DiskCache<CachedAnalysis>;

  constructor(folder: string) {
    this.disk = new DiskCache(folder, maxEntries, isCachedAnalysis);
  }

  /** Undefined when there is none, or the file is damaged: it is then measured again. */
  read(key: AnalysisKey): Promise<CachedAnalysis | undefined> {
    return this.disk.read(textOf(key));
  }

  write(key: AnalysisKey, analysis: CachedAnalysis): Promise<void> {
    return this.disk.write(textOf(key), JSON.stringify(analysis, finite));
  }
}

function textOf({ modelHash, samplesHash, samples, dims, recovery }: AnalysisKey): string {
  return JSON.stringify([methodVersion, modelHash, samplesHash, samples, sorted(dims), recovery]);
}

/** JSON has no infinity; an exact SQNR is written as a number that no measurement reaches. */
function finite(_key: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? Number.MAX_VALUE : value;
}

function sorted(record: Readonly<Record<string, number>>): unknown {
  return Object.entries(record).sort(([a], [b]) => a.localeCompare(b));
}
