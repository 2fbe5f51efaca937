import type { Bits } from "../core/hardware/profile.ts";
import type { AnalysisCache, AnalysisKey } from "./analysisCache.ts";
import type { SessionState } from "./sessionState.ts";

/** With the settings that the figures are of, and not those of the moment: what a job leaves that new ones end is of the old. */
function keyOf({ modelHash, calibration, figuresOf }: SessionState): AnalysisKey | undefined {
  if (modelHash === undefined || figuresOf === undefined) return undefined;
  const { samples, dims, recovery } = figuresOf;
  return { modelHash, samplesHash: calibration?.facts?.hash ?? "", samples, dims, recovery };
}

/** Takes what was analyzed before into the state; false when there is nothing. */
export async function readCached(cache: AnalysisCache, state: SessionState): Promise<boolean> {
  const key = keyOf(state);
  const cached = key && (await cache.read(key));
  if (!cached) return false;
  for (const [layer, statistics] of Object.entries(cached.statistics)) state.statistics.set(layer, statistics);
  for (const [layer, row] of Object.entries(cached.measurements)) {
    const known = Object.entries(row).map(([bits, value]) => [Number(bits) as Bits, value] as const);
    state.measurements.set(layer, new Map(known));
  }
  state.measuredSamples = cached.measuredSamples;
  if (cached.decided) state.decided = cached.decided;
  return true;
}

/** Keeps what is analyzed so far; nothing before there is anything. */
export async function writeCached(cache: AnalysisCache, state: SessionState): Promise<void> {
  const key = keyOf(state);
  const { statistics, measurements, measuredSamples, decided } = state;
  if (!key || statistics.size === 0) return;
  const rows = [...measurements].map(([layer, row]) => [layer, Object.fromEntries(row)] as const);
  await cache.write(key, {
    statistics: Object.fromEntries(statistics),
    measurements: Object.fromEntries(rows),
    measuredSamples,
    ...(decided && { decided }),
  });
}
