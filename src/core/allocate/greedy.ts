import type { Instance } from "./instance.ts";

/** Each repair step takes the largest excess down; more steps than this means that the start was hopeless. */
const maxRepairs = 400;
/** Improvements after a repair: each fills slack that is left, and there is little of it. */
const maxImprovements = 60;

/**
 * Makes a choice per group feasible (every limit of the instance is 1) and then better, one group at a time: while a
 * limit is exceeded, the move that costs least loss per excess removed; then the move that saves most loss and fits.
 * Changes `picks` in place; false when no single move leads on.
 */
export function repair(instance: Instance, picks: Int32Array): boolean {
  const { n, m, start, loss, cost } = instance;
  const used = new Float64Array(m);
  for (let g = 0; g < n; g++) {
    for (let k = 0, at = (picks[g] as number) * m; k < m; k++) used[k] = (used[k] as number) + (cost[at + k] as number);
  }
  const move = (g: number, to: number): void => {
    const from = (picks[g] as number) * m;
    for (let k = 0; k < m; k++) {
      used[k] = (used[k] as number) + (cost[to * m + k] as number) - (cost[from + k] as number);
    }
    picks[g] = to;
  };
  for (let step = 0; used.some((value) => value > 1); step++) {
    let bestGroup = -1;
    let bestChoice = -1;
    let bestScore = Number.POSITIVE_INFINITY;
    if (step === maxRepairs) return false;
    for (let g = 0; g < n; g++) {
      const from = picks[g] as number;
      const end = start[g + 1] as number;
      for (let c = start[g] as number; c < end; c++) {
        if (c === from) continue;
        let removed = 0;
        for (let k = 0; k < m; k++) {
          const before = used[k] as number;
          const after = before + (cost[c * m + k] as number) - (cost[from * m + k] as number);
          removed += Math.max(0, before - 1) - Math.max(0, after - 1);
        }
        if (removed <= 0) continue;
        const harm = (loss[c] as number) - (loss[from] as number);
        // A move that removes excess and saves loss comes first; else least harm per excess removed.
        const score = harm > 0 ? harm / removed : harm * removed;
        if (score < bestScore) {
          bestScore = score;
          bestGroup = g;
          bestChoice = c;
        }
      }
    }
    if (bestGroup < 0) return false;
    move(bestGroup, bestChoice);
  }
  for (let step = 0; step < maxImprovements; step++) {
    let bestGroup = -1;
    let bestChoice = -1;
    let bestGain = 0;
    for (let g = 0; g < n; g++) {
      const from = picks[g] as number;
      const end = start[g + 1] as number;
      for (let c = start[g] as number; c < end; c++) {
        const gain = (loss[from] as number) - (loss[c] as number);
        if (gain <= bestGain) continue;
        let fits = true;
        for (let k = 0; fits && k < m; k++) {
          fits = (used[k] as number) + (cost[c * m + k] as number) - (cost[from * m + k] as number) <= 1;
        }
        if (!fits) continue;
        bestGain = gain;
        bestGroup = g;
        bestChoice = c;
      }
    }
    if (bestGroup < 0) break;
    move(bestGroup, bestChoice);
  }
  return true;
}
