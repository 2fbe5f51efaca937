import type { Instance } from "./instance.ts";
import type { AllocationProblem, Choice } from "./problem.ts";
import { allChoices, allowed, rangesOf } from "./totals.ts";

/** An allocation problem without what cannot matter. Losses and costs are scaled and start at 0 in each group. */
export interface Reduced {
  /** The groups that are still open. */
  readonly instance: Instance;
  /** Original index of each of them. */
  readonly group: Int32Array;
  /** Original index of each flat choice, within its group. */
  readonly source: Int32Array;
  /** A choice for every group of the problem; right for those that are no longer open. */
  readonly settled: readonly number[];
  /** The problem's loss = offset + scale * the instance's loss. */
  readonly offset: number;
  readonly scale: number;
}

/** What the groups of the instance choose, as a choice for every group of the problem. */
export function expand(reduced: Reduced, picks: Int32Array): number[] {
  const choice = [...reduced.settled];
  for (let g = 0; g < picks.length; g++) {
    choice[reduced.group[g] as number] = reduced.source[picks[g] as number] as number;
  }
  return choice;
}

/**
 * The instance of "least loss within the limits", every limit scaled to 1. Left out are choices that do not fit even
 * with all other groups at their cheapest, limits that what remains cannot exceed, and choices that another one beats
 * or equals in everything. Undefined when that proves that nothing fits.
 */
export function reduceForLoss(problem: AllocationProblem): Reduced | undefined {
  const { limits } = problem;
  let groups = allChoices(problem);
  for (;;) {
    const { low, least, most } = rangesOf(problem, groups);
    const spare = limits.map((limit, k) => allowed(limit) - (least[k] as number));
    if (spare.some((left) => left < 0)) return undefined;
    const fitting = groups.map((kept, g) => {
      const group = problem.groups[g] as readonly Choice[];
      return kept.filter((c) => {
        const { costs } = group[c] as Choice;
        return costs.every((cost, k) => cost - (low[g * limits.length + k] as number) <= (spare[k] as number));
      });
    });
    if (fitting.some((kept) => kept.length === 0)) return undefined;
    if (fitting.every((kept, g) => kept.length === groups[g]?.length)) {
      const active = [...limits.keys()].filter((k) => (most[k] as number) > allowed(limits[k] as number));
      return build(problem, groups, low, active, spare, "loss");
    }
    // Without a choice that was the cheapest of its group there is less to spare for the others.
    groups = fitting;
  }
}

/**
 * The instance of "least excess", each cost in the given unit, losses left out: what remains of a group are the choices
 * that no other one undercuts in every cost of an active limit.
 */
export function reduceForExcess(
  problem: AllocationProblem,
  active: readonly number[],
  unit: readonly number[],
): Reduced {
  const groups = allChoices(problem);
  return build(problem, groups, rangesOf(problem, groups).low, active, unit, "excess");
}

/**
 * The same instance for the search of losses below `upper` (> 0): scaled so that `upper` becomes 1, and without the
 * choices that alone lose more. Measured losses span six orders of magnitude and more; at the scale of the worst
 * choices the good ones would vanish in the tolerances.
 */
export function rescale(reduced: Reduced, upper: number): Reduced {
  const { instance, source } = reduced;
  const { n, m } = instance;
  const start = new Int32Array(n + 1);
  const kept: number[] = [];
  for (let g = 0; g < n; g++) {
    for (let c = instance.start[g] as number; c < (instance.start[g + 1] as number); c++) {
      if ((instance.loss[c] as number) <= upper) kept.push(c);
    }
    start[g + 1] = kept.length;
  }
  const cost = new Float64Array(kept.length * m);
  for (const [to, from] of kept.entries()) cost.set(instance.cost.subarray(from * m, from * m + m), to * m);
  const loss = Float64Array.from(kept, (c) => (instance.loss[c] as number) / upper);
  return {
    ...reduced,
    instance: { n, m, start, loss, cost },
    source: Int32Array.from(kept, (c) => source[c] as number),
    scale: reduced.scale * upper,
  };
}

/** Flattens what is left of each group over the active limits; groups with a single choice left are settled. */
function build(
  problem: AllocationProblem,
  groups: readonly (readonly number[])[],
  low: Float64Array,
  active: readonly number[],
  unit: readonly number[],
  objective: "loss" | "excess",
): Reduced {
  const start = [0];
  const group: number[] = [];
  const source: number[] = [];
  const loss: number[] = [];
  const cost: number[] = [];
  const settled: number[] = [];
  let offset = 0;
  let range = 0;
  for (const [g, candidates] of groups.entries()) {
    const choices = problem.groups[g] as readonly Choice[];
    const kept = undominated(choices, candidates, active, objective);
    const losses = kept.map((c) => (choices[c] as Choice).loss);
    const base = Math.min(...losses);
    settled.push(kept[0] as number);
    offset += base;
    if (kept.length === 1) continue;
    range += Math.max(...losses) - base;
    for (const [i, c] of kept.entries()) {
      source.push(c);
      loss.push(objective === "loss" ? (losses[i] as number) - base : 0);
      for (const k of active) {
        cost.push(
          (((choices[c] as Choice).costs[k] as number) - (low[g * problem.limits.length + k] as number)) /
            (unit[k] as number),
        );
      }
    }
    group.push(g);
    start.push(source.length);
  }
  const scale = objective === "loss" && range > 0 ? range : 1;
  const instance: Instance = {
    n: group.length,
    m: active.length,
    start: Int32Array.from(start),
    loss: Float64Array.from(loss, (value) => value / scale),
    cost: Float64Array.from(cost),
  };
  return { instance, group: Int32Array.from(group), source: Int32Array.from(source), settled, offset, scale };
}

/** Those of the candidates that no other one beats or equals; of equal ones the first stays. */
function undominated(
  group: readonly Choice[],
  candidates: readonly number[],
  limits: readonly number[],
  objective: "loss" | "excess",
): readonly number[] {
  const beats = (other: number, mine: number): boolean => {
    const { loss, costs } = group[other] as Choice;
    const than = group[mine] as Choice;
    if (objective === "loss" && loss > than.loss) return false;
    let cheaper = false;
    for (const k of limits) {
      const difference = (costs[k] as number) - (than.costs[k] as number);
      if (difference > 0) return false;
      if (difference < 0) cheaper = true;
    }
    return cheaper || loss < than.loss || (loss === than.loss && other < mine);
  };
  return candidates.filter((mine) => !candidates.some((other) => other !== mine && beats(other, mine)));
}
