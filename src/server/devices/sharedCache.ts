import { AnalysisCache, type AnalysisKey, type CachedAnalysis } from "../analysisCache.ts";

/**
 * The cache of analyses for one who looks on: an open editor of the same model may have written meanwhile, and what it knows more (its
 * decision, other bitwidths) is kept. The same key means the same figures, so that neither side's can be wrong.
 */
export class SharedAnalysisCache extends AnalysisCache {
  override async write(key: AnalysisKey, analysis: CachedAnalysis): Promise<void> {
    const there = await this.read(key);
    await super.write(key, there === undefined ? analysis : merged(there, analysis));
  }
}

function merged(there: CachedAnalysis, own: CachedAnalysis): CachedAnalysis {
  const measurements = { ...there.measurements };
  for (const [layer, row] of Object.entries(own.measurements))
    measurements[layer] = { ...there.measurements[layer], ...row };
  return {
    statistics: { ...there.statistics, ...own.statistics },
    measurements,
    measuredSamples: Math.max(there.measuredSamples, own.measuredSamples),
    ...((there.decided ?? own.decided) && { decided: there.decided ?? own.decided }),
  };
}
