import type { Instance } from "./instance.ts";

/**
 * Each repair step takes the largest excess down; more steps than this mean that the start was hopeless. Our choice.
 */
const maxRepairs = 400;
/** Improvements after a repair: each fills slack that is left, and there is little of it. Our choice. */
const maxImprovements = 60;

/**
 * Makes a choice per group feasible (every limit of the instance is 1) and then better, one group at a time: while a
 * limit is exceeded, the move that costs least loss per excess removed (Toyoda's measure, 1975, over the exceeded
 * limits); then the move that saves most loss and fits. Changes `picks` in place; false when no single move leads on.
 */
export function repair(instance: Instance, picks: Int32Array): boolean {
  const { n, m, cost } = instance;
  const used = new Float64Array(m);
  for (let g = 0; g < n; g++) {
    for (let k = 0, at = (picks[g] as number) * m; k < m; k++) used[k] = (used[k] as number) + (cost[at + k] as number);
  }
  for (let step = 0; used.some((value) => value > 1); step++) {
    if (step === maxRepairs) return false;
    const move = cheapestRelief(instance, picks, used);
    if (move === undefined) return false;
    apply(instance, picks, used, move);
  }
  for (let step = 0; step < maxImprovements; step++) {
    const move = largestSaving(instance, picks, used);
    if (move === undefined) break;
    apply(instance, picks, used, move);
  }
  return true;
}

/** Another choice (flat index) for a group. */
interface Move {
  readonly group: number;
  readonly to: number;
}

function apply({ m, cost }: Instance, picks: Int32Array, used: Float64Array, { group, to }: Move): void {
  const from = picks[group] as number;
  for (let k = 0; k < m; k++) {
    used[k] = (used[k] as number) + (cost[to * m + k] as number) - (cost[from * m + k] as number);
  }
  picks[group] = to;
}

/** The move that removes excess at least loss per unit. Moves that remove excess and save loss come first. */
function cheapestRelief(instance: Instance, picks: Int32Array, used: Float64Array): Move | undefined {
  const { n, m, start, loss, cost } = instance;
  let best: Move | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let g = 0; g < n; g++) {
    const from = picks[g] as number;
    const end = start[g + 1] as number;
    for (let c = start[g] as number; c < end; c++) {
      let removed = 0;
      for (let k = 0; k < m; k++) {
        const before = used[k] as number;
        const after = before + (cost[c * m + k] as number) - (cost[from * m + k] as number);
        removed += Math.max(0, before - 1) - Math.max(0, after - 1);
      }
      if (removed <= 0) continue;
      const harm = (loss[c] as number) - (loss[from] as number);
      const score = harm > 0 ? harm / removed : harm * removed;
      if (score >= least) continue;
      least = score;
      best = { group: g, to: c };
    }
  }
  return best;
}

/** The move that saves most loss among those that stay within the limits. */
function largestSaving(instance: Instance, picks: Int32Array, used: Float64Array): Move | undefined {
  const { n, m, start, loss, cost } = instance;
  let best: Move | undefined;
  let most = 0;
  for (let g = 0; g < n; g++) {
    const from = picks[g] as number;
    const end = start[g + 1] as number;
    for (let c = start[g] as number; c < end; c++) {
      const saving = (loss[from] as number) - (loss[c] as number);
      if (saving <= most) continue;
      let fits = true;
      for (let k = 0; fits && k < m; k++) {
        fits = (used[k] as number) + (cost[c * m + k] as number) - (cost[from * m + k] as number) <= 1;
      }
      if (!fits) continue;
      most = saving;
      best = { group: g, to: c };
    }
  }
  return best;
}
