import { type Instance, minimize, type Sums } from "./instance.ts";
import { Master } from "./master.ts";

export interface Dual {
  /** Best lower bound found on the loss (or on the shared excess). */
  readonly value: number;
  /** Where it was found (m). */
  readonly multipliers: Float64Array;
}

export interface DualOptions {
  /** "loss": least loss within the limits. "excess": least shared excess over the limits, losses ignored. */
  readonly objective: "loss" | "excess";
  readonly maxRounds: number;
  /** Stops when the bound is within this (absolute) of the master's value. */
  readonly tolerance: number;
  /** Stops as soon as the bound reaches this: the caller needs no more. */
  readonly enough?: number;
  readonly start?: Float64Array;
  /** Told of every point visited. */
  readonly onPoint?: (multipliers: Float64Array, value: number, sums: Sums) => void;
}

/**
 * Weight of the master's proposal against the best multipliers so far when choosing where to look next (Ben-Ameur and
 * Neto's in-out stabilization, 2007). Half way halves the interval of doubt in the worst case: our choice.
 */
const outward = 0.5;
/** First penalty per unit of excess; losses and limits are scaled to about 1. Raised as long as the limits give way. */
const firstPenalty = 16;
const penaltyGrowth = 16;
/** Beyond this the multipliers drown the losses in rounding. */
const maxPenalty = 1e9;

/**
 * Maximizes the Lagrangian dual  L(u) = sum_g min_c (loss + u . cost) - u . limit  over u >= 0 by cutting planes: the
 * bound of the linear relaxation, and a valid lower bound wherever it stops. For "excess", u is on the simplex.
 */
export function maximizeDual(instance: Instance, from: number, limit: ArrayLike<number>, options: DualOptions): Dual {
  const { m } = instance;
  const shared = options.objective === "excess";
  let penalty = firstPenalty;
  const master = new Master(m, shared ? "shared" : "each", shared ? 1 : penalty);
  const sums: Sums = { loss: 0, cost: new Float64Array(m) };
  const excess = new Float64Array(m);
  const best = new Float64Array(m);
  const trial = new Float64Array(m);
  let value = Number.NEGATIVE_INFINITY;
  const look = (multipliers: Float64Array): number => {
    let total = minimize(instance, from, multipliers, sums);
    for (let k = 0; k < m; k++) {
      total -= (multipliers[k] as number) * (limit[k] as number);
      excess[k] = (sums.cost[k] as number) - (limit[k] as number);
    }
    options.onPoint?.(multipliers, total, sums);
    master.add(shared ? 0 : sums.loss, excess);
    if (total > value) {
      value = total;
      best.set(multipliers);
    }
    return total;
  };
  if (shared) trial.fill(1 / m);
  look(trial);
  if (options.start) look(options.start);
  for (let round = 0; round < options.maxRounds; round++) {
    master.solve();
    const top = master.value;
    if (value >= top - options.tolerance) {
      if (shared || !master.exceeds || penalty >= maxPenalty) break;
      penalty *= penaltyGrowth;
      master.raise(penalty);
      continue;
    }
    if (options.enough !== undefined && value >= options.enough) break;
    for (let k = 0; k < m; k++) {
      trial[k] = (best[k] as number) + outward * ((master.multipliers[k] as number) - (best[k] as number));
    }
    const before = value;
    const seen = look(trial);
    // Seen from half way nothing new: look at the master's own proposal, which always cuts.
    if (seen <= before && round + 1 < options.maxRounds) {
      round++;
      look(master.multipliers);
    }
  }
  return { value, multipliers: best };
}
