import { SigmaQuantError } from "../errors.ts";
import type { AllocationProblem } from "./problem.ts";

/**
 * Sums of a few thousand doubles differ by about 1e-13 of their size with the order of addition; a budget that was
 * itself added up ("as much memory as uniform 4 bits") must admit the point it came from. Far below one byte in a
 * gigabyte.
 */
const roundingAllowance = 1e-12;

/** What one choice per group adds up to: loss, and one cost per limit, in the problem's own units. */
export interface Totals {
  readonly loss: number;
  readonly costs: readonly number[];
}

/** The largest total that counts as within `limit`: the limit, plus what adding in another order may change. */
export function allowed(limit: number): number {
  return limit + Math.abs(limit) * roundingAllowance;
}

/** Sums of a choice, added up in the order of the groups. */
export function totalsOf(problem: AllocationProblem, choice: readonly number[]): Totals {
  let loss = 0;
  const costs = problem.limits.map(() => 0);
  for (const [g, group] of problem.groups.entries()) {
    const picked = group[choice[g] as number];
    if (picked === undefined) throw malformed(`group ${g} has no choice ${choice[g]}`);
    loss += picked.loss;
    for (let k = 0; k < costs.length; k++) costs[k] = (costs[k] as number) + (picked.costs[k] as number);
  }
  return { loss, costs };
}

/** Whether totals are within every limit. */
export function fits(problem: AllocationProblem, totals: Totals): boolean {
  return totals.costs.every((cost, k) => cost <= allowed(problem.limits[k] as number));
}

/** What can be reached when every limit is looked at on its own. */
export interface Ranges {
  /** Lowest cost k of the choices of group g, at g * limits + k. */
  readonly low: Float64Array;
  /** Smallest and largest total of each cost. */
  readonly least: readonly number[];
  readonly most: readonly number[];
}

/** Ranges of the costs, over the choices of each group that `groups` names. */
export function rangesOf(problem: AllocationProblem, groups: readonly (readonly number[])[]): Ranges {
  const m = problem.limits.length;
  const low = new Float64Array(groups.length * m);
  const least = problem.limits.map(() => 0);
  const most = problem.limits.map(() => 0);
  for (const [g, kept] of groups.entries()) {
    for (let k = 0; k < m; k++) {
      let lowest = Number.POSITIVE_INFINITY;
      let highest = 0;
      for (const c of kept) {
        const cost = problem.groups[g]?.[c]?.costs[k] as number;
        if (cost < lowest) lowest = cost;
        if (cost > highest) highest = cost;
      }
      low[g * m + k] = lowest;
      least[k] = (least[k] as number) + lowest;
      most[k] = (most[k] as number) + highest;
    }
  }
  return { low, least, most };
}

/** Every choice of every group. */
export function allChoices(problem: AllocationProblem): readonly (readonly number[])[] {
  return problem.groups.map((group) => [...group.keys()]);
}

/**
 * Holds a problem to its contract, so that a NaN doesn't come out as a plan.
 * @throws SQ9301 a group without choices, a loss or cost that is negative or not finite, a missing cost, a limit NaN
 */
export function checkProblem(problem: AllocationProblem): void {
  for (const [k, limit] of problem.limits.entries()) if (Number.isNaN(limit)) throw malformed(`limit ${k} is NaN`);
  for (const [g, group] of problem.groups.entries()) {
    if (group.length === 0) throw malformed(`group ${g} has no choices`);
    for (const [c, { loss, costs }] of group.entries()) {
      if (costs.length !== problem.limits.length)
        throw malformed(`choice ${c} of group ${g} has ${costs.length} costs`);
      if (!isAmount(loss) || !costs.every(isAmount)) {
        throw malformed(`choice ${c} of group ${g} has a loss or cost that is negative or not finite`);
      }
    }
  }
}

function isAmount(value: number): boolean {
  return value >= 0 && value < Number.POSITIVE_INFINITY;
}

function malformed(what: string): SigmaQuantError {
  return new SigmaQuantError("SQ9301", "allocation-problem", `the allocation problem is malformed: ${what}`, {
    remedy: "Report this as a bug, with the model and the profile",
  });
}
