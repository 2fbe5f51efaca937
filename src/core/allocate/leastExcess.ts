import { type DualPoint, maximizeDual, rootRounds, rootTolerance } from "./dual.ts";
import { Incumbent } from "./incumbent.ts";
import { minimize, type Sums } from "./instance.ts";
import { climb } from "./ladder.ts";
import type { AllocationProblem } from "./problem.ts";
import { expand, reduceForExcess } from "./reduce.ts";
import { allChoices, allowed, rangesOf, totalsOf } from "./totals.ts";

/** The choice nearest to the limits that was found. */
export interface LeastExcess {
  readonly choice: readonly number[];
  /** Largest relative excess over a limit; <= 0 when the choice fits. */
  readonly excess: number;
  /** A proven lower bound on the excess of any choice (0 or less says nothing). Above 0: no choice fits. */
  readonly bound: number;
}

/** Share of the largest reachable cost that is a unit of excess where a limit of zero can be met: as good as never. */
const nearlyNothing = 1e-6;

/**
 * What one unit of relative excess is for each limit: the limit itself. A budget of which nothing is left has no such
 * measure. Where costs of nothing are possible it should not be exceeded at all; where not (less than nothing may be
 * left), the largest reachable cost is the unit, so that the other limits still count.
 */
export function excessUnits(problem: AllocationProblem): readonly number[] {
  const { least, most } = rangesOf(problem, allChoices(problem));
  return problem.limits.map((limit, k) => {
    if (limit === Number.POSITIVE_INFINITY) return 1;
    if (limit > 0) return limit;
    const whole = Math.max(most[k] as number, -limit) || 1;
    return (least[k] as number) <= limit ? nearlyNothing * whole : whole;
  });
}

/** By how much each cost exceeds its limit, in the given units; -Infinity for a budget that is unlimited. */
export function excesses(
  costs: readonly number[],
  limits: readonly number[],
  units: readonly number[],
): readonly number[] {
  return costs.map((cost, k) => (cost - (limits[k] as number)) / (units[k] as number));
}

/**
 * Minimizes the largest relative excess over the limits, whatever the loss. Ends early with the first choice that fits.
 *
 *     min over choices of  max over k of  (cost_k - limit_k) / unit_k
 */
export function leastExcess(problem: AllocationProblem, stop: () => boolean): LeastExcess {
  const units = excessUnits(problem);
  const roofs = problem.limits.map(allowed);
  const { least, most } = rangesOf(problem, allChoices(problem));
  const active = [...roofs.keys()].filter((k) => (most[k] as number) > (roofs[k] as number));
  const reduced = reduceForExcess(problem, active, units);
  const best = new Incumbent((choice) => Math.max(...excesses(totalsOf(problem, choice).costs, roofs, units)));
  const { n, m } = reduced.instance;
  const picks = new Int32Array(n);
  const sums: Sums = { loss: 0, cost: new Float64Array(m) };
  const offerMinimizer = (multipliers: Float64Array): void => {
    minimize(reduced.instance, 0, multipliers, sums, picks);
    best.offer(expand(reduced, picks));
  };
  offerMinimizer(new Float64Array(m).fill(1));
  if (best.value <= 0) return { choice: best.choice ?? reduced.settled, excess: best.value, bound: 0 };

  // Scaled by a first excess, so that the tolerances hold for a byte too many as for a budget of next to nothing.
  const scale = best.value;
  const instance = { ...reduced.instance, cost: reduced.instance.cost.map((cost) => cost / scale) };
  const limit = Float64Array.from(
    active,
    (k) => ((roofs[k] as number) - (least[k] as number)) / (units[k] as number) / scale,
  );
  const points: DualPoint[] = [];
  maximizeDual(instance, 0, limit, {
    objective: "excess",
    maxRounds: rootRounds,
    tolerance: rootTolerance,
    onPoint: (multipliers, value) => {
      points.push({ multipliers: multipliers.slice(), value });
      offerMinimizer(multipliers);
    },
    stop,
  });
  const below = climb(instance, {
    objective: "excess",
    limit,
    points: points.sort((a, b) => b.value - a.value),
    upper: best.value / scale,
    enough: () => 0,
    accept: (found) => best.offer(expand(reduced, found)),
    stop,
  });
  return { choice: best.choice ?? reduced.settled, excess: best.value, bound: Math.min(best.value, below * scale) };
}
