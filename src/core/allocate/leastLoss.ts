import { type DualPoint, maximizeDual, rootRounds, rootTolerance } from "./dual.ts";
import { repair } from "./greedy.ts";
import { Incumbent } from "./incumbent.ts";
import { type Instance, minimize, type Sums } from "./instance.ts";
import { climb } from "./ladder.ts";
import type { AllocationProblem } from "./problem.ts";
import { expand, reduceForLoss, rescale } from "./reduce.ts";
import { fits, totalsOf } from "./totals.ts";

export interface LeastLossOptions {
  /** The relative gap at which the search ends. */
  readonly maxGap: number;
  /** A choice that fits: the search starts below its loss. */
  readonly incumbent?: readonly number[];
  readonly stop: () => boolean;
}

/** The best choice that was found and a proven lower bound on the loss of any choice that fits. */
export interface LeastLoss {
  readonly choice: readonly number[];
  readonly loss: number;
  readonly bound: number;
}

/** Multipliers whose minimizers are repaired into choices that fit; the best are close together. Our choice. */
const repairs = 5;
/** When the best loss falls below this share of what the instance was scaled by, it is scaled anew. Our choice. */
const worthRescaling = 0.1;

/**
 * Solves the multiple-choice knapsack: a Lagrangian bound, repaired minimizers, reduced-cost fixing, exact search of
 * the core. Undefined when no choice that fits was met on the way to the search, be it that there is none or that it is
 * hard to find: the least excess tells.
 */
export function leastLoss(problem: AllocationProblem, options: LeastLossOptions): LeastLoss | undefined {
  const reduced = reduceForLoss(problem);
  if (reduced === undefined) return undefined;
  const { offset } = reduced;
  const best = new Incumbent((choice) => {
    const totals = totalsOf(problem, choice);
    return fits(problem, totals) ? totals.loss : undefined;
  });
  if (options.incumbent) best.offer(options.incumbent);
  if (reduced.instance.n === 0) best.offer(reduced.settled);
  else scanSharedPrices(reduced.instance, (picks) => best.offer(expand(reduced, picks)));

  for (let scaled = reduced; ; ) {
    if (best.choice && (reduced.instance.n === 0 || best.value <= offset)) {
      return { choice: best.choice, loss: best.value, bound: best.value };
    }
    if (best.choice) scaled = rescale(scaled, (best.value - offset) / scaled.scale);
    const { instance, scale } = scaled;
    const points = rootPoints(instance, options.stop);
    for (const { multipliers } of points.slice(0, repairs)) {
      const picks = new Int32Array(instance.n);
      minimize(instance, 0, multipliers, { loss: 0, cost: new Float64Array(instance.m) }, picks);
      if (repair(instance, picks)) best.offer(expand(scaled, picks));
      if (best.choice && options.stop()) break;
    }
    if (best.choice === undefined) return undefined;
    const upper = (best.value - offset) / scale;
    if (upper < worthRescaling && !options.stop()) continue;
    const below = climb(instance, {
      objective: "loss",
      limit: new Float64Array(instance.m).fill(1),
      points,
      upper,
      // (upper - bound) / (upper + offset) <= maxGap, in the instance's units.
      enough: (bound) => (bound + (options.maxGap * offset) / scale) / (1 - options.maxGap),
      accept: (picks) => best.offer(expand(scaled, picks)),
      stop: options.stop,
    });
    const bound = Math.min(best.value, Math.max(offset, offset + scale * below));
    return { choice: best.choice, loss: best.value, bound };
  }
}

/** The dual's points, best first. */
function rootPoints(instance: Instance, stop: () => boolean): DualPoint[] {
  const points: DualPoint[] = [];
  maximizeDual(instance, 0, new Float64Array(instance.m).fill(1), {
    objective: "loss",
    maxRounds: rootRounds,
    tolerance: rootTolerance,
    onPoint: (multipliers, value) => points.push({ multipliers: multipliers.slice(), value }),
    stop,
  });
  return points.sort((a, b) => b.value - a.value);
}

/** Exponents of 2 between which the shared price is looked for, and the steps: losses and limits are about 1. */
const priceRange = { low: -60, high: 30, steps: 10 } as const;

/**
 * Minimizers at one price for all limits alike, halving the range towards the lowest price whose minimizer fits: a
 * first choice, often good to a few percent, that sets the scale.
 */
function scanSharedPrices(instance: Instance, offer: (picks: Int32Array) => void): void {
  const sums: Sums = { loss: 0, cost: new Float64Array(instance.m) };
  const picks = new Int32Array(instance.n);
  let low: number = priceRange.low;
  let high: number = priceRange.high;
  for (let step = 0; step < priceRange.steps; step++) {
    const exponent = (low + high) / 2;
    minimize(instance, 0, new Float64Array(instance.m).fill(2 ** exponent), sums, picks);
    if (sums.cost.every((cost) => cost <= 1)) {
      offer(picks);
      high = exponent;
    } else low = exponent;
  }
}
