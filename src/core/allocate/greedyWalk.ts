import type { Walk } from "./walk.ts";

/** Groups that keep their choice. */
export type Frozen = ReadonlySet<number>;

/**
 * Lowers groups until all limits hold: each time the change with the least loss per excess removed, those that lose
 * nothing first. False when no single change removes any excess; the walk is then where that was found.
 *
 * @param maxLoss gives up, false, once the loss is above it
 */
export function lowerUntilFits(walk: Walk, frozen?: Frozen, maxLoss = Number.POSITIVE_INFINITY): boolean {
  // Each change takes the excess down, so none comes back; the bound is for rounding errors, by which two might alternate.
  for (let left = walk.choices; !walk.fits; left--) {
    if (left === 0) return false;
    let best = -1;
    let bestScore = Number.POSITIVE_INFINITY;
    for (let c = 0; c < walk.choices; c++) {
      const g = walk.groupOf[c] as number;
      if (c === walk.at[g] || frozen?.has(g)) continue;
      const relief = walk.relief(c);
      if (relief <= 0) continue;
      const loss = walk.lossBy(c);
      const score = loss > 0 ? loss / relief : loss * relief;
      if (score >= bestScore) continue;
      best = c;
      bestScore = score;
    }
    if (best < 0) return false;
    walk.take(best);
    if (walk.loss > maxLoss) return false;
  }
  return true;
}

/**
 * Raises groups as long as all limits hold: each time the change that saves most loss per use of the budget it burdens
 * most, those that burden none first.
 */
export function raiseWhileFits(walk: Walk, frozen?: Frozen): void {
  for (;;) {
    let best = -1;
    let bestScore = 0;
    for (let c = 0; c < walk.choices; c++) {
      const g = walk.groupOf[c] as number;
      if (c === walk.at[g] || frozen?.has(g)) continue;
      const gain = -walk.lossBy(c);
      if (gain <= 0 || !walk.fitsWith(c)) continue;
      const demand = walk.demand(c);
      const score = demand > 0 ? gain / demand : Number.POSITIVE_INFINITY;
      if (score < bestScore || (best >= 0 && score === bestScore)) continue;
      best = c;
      bestScore = score;
    }
    if (best < 0) return;
    walk.take(best);
  }
}
