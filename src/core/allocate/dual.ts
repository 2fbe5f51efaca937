import { type Instance, minimize, type Sums } from "./instance.ts";
import { Master } from "./master.ts";

/**
 * "loss": least loss within the limits. "excess": least excess over the limits, the largest one counting; losses are 0.
 */
export type Objective = "loss" | "excess";

/** Multipliers (one per limit) and the value of the dual there: a lower bound. */
export interface DualPoint {
  readonly multipliers: Float64Array;
  readonly value: number;
}

export interface DualOptions {
  readonly objective: Objective;
  readonly maxRounds: number;
  /** Stops when the bound is within this (absolute) of the best possible one. */
  readonly tolerance: number;
  /** Stops as soon as the bound reaches this: the caller needs no more. */
  readonly enough?: number;
  readonly start?: Float64Array;
  /** Asked once a round; true ends it with what there is. */
  readonly stop?: () => boolean;
  /** Told of every point visited; the arrays are reused. */
  readonly onPoint?: (multipliers: Float64Array, value: number, sums: Sums) => void;
}

/**
 * Weight of the master's proposal against the best multipliers so far when choosing where to look next (in-out
 * stabilization: Ben-Ameur and Neto, "Acceleration of cutting-plane and column generation algorithms", 2007). Half way
 * halves the interval of doubt in the worst case: our choice.
 */
const outward = 0.5;
/** First penalty per unit of excess; losses and limits are scaled to about 1. Raised as long as the limits give way. */
const firstPenalty = 16;
const penaltyGrowth = 16;
/** Beyond this the multipliers drown the losses in rounding. */
const maxPenalty = 1e9;

/** Rounds for a whole instance: a dozen or two per limit suffice, and a bound from fewer is valid too. */
export const rootRounds = 200;
/** Distance from the best bound for a whole instance, whose values are scaled to about 1. */
export const rootTolerance = 1e-9;

/**
 * Maximizes the Lagrangian dual over u >= 0 by cutting planes (Kelley, 1960, in the form of Dantzig and Wolfe):
 *
 *     L(u) = sum over groups of min over choices (loss + u . cost)  -  u . limit
 *
 * the bound of the linear relaxation, and a valid lower bound wherever it stops. For "excess" the sum of u is 1.
 *
 * @param from the groups before this one are left out
 */
export function maximizeDual(instance: Instance, from: number, limit: Float64Array, options: DualOptions): DualPoint {
  const { m } = instance;
  const shared = options.objective === "excess";
  let penalty = shared ? 1 : firstPenalty;
  const master = new Master(m, shared ? "shared" : "each", penalty);
  const sums: Sums = { loss: 0, cost: new Float64Array(m) };
  const excess = new Float64Array(m);
  const best = new Float64Array(m);
  let value = Number.NEGATIVE_INFINITY;
  const look = (multipliers: Float64Array): void => {
    let total = minimize(instance, from, multipliers, sums);
    for (let k = 0; k < m; k++) {
      total -= (multipliers[k] as number) * (limit[k] as number);
      excess[k] = (sums.cost[k] as number) - (limit[k] as number);
    }
    options.onPoint?.(multipliers, total, sums);
    master.add(sums.loss, excess);
    if (total > value) {
      value = total;
      best.set(multipliers);
    }
  };
  const trial = new Float64Array(m).fill(shared ? 1 / m : 0);
  look(trial);
  if (options.start) look(options.start);
  for (let round = 0; round < options.maxRounds && !options.stop?.(); round++) {
    master.solve();
    if (value >= master.value - options.tolerance) {
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
    look(trial);
    // Nothing gained half way: look at the master's own proposal, which always cuts.
    if (value === before && round + 1 < options.maxRounds) {
      round++;
      look(master.multipliers);
    }
  }
  return { value, multipliers: best };
}
