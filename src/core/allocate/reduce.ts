import type { Instance } from "./instance.ts";
import type { AllocationProblem, Choice } from "./problem.ts";

/**
 * Sums of a few thousand doubles differ by about 1e-13 of their size with the order of addition; a budget that was itself
 * added up ("as much memory as uniform 4 bits") must admit the point it came from. Far below one byte in a gigabyte.
 */
export const roundingAllowance = 1e-12;

/** The largest total that counts as within `limit`: the limit, plus what adding in another order may change. */
export function allowed(limit: number): number {
  return limit + Math.abs(limit) * roundingAllowance;
}

/** An allocation problem without what cannot matter, scaled: every limit is 1, losses and costs start at 0 per group. */
export interface Reduced {
  readonly instance: Instance;
  /** Original index of each flat choice. */
  readonly source: Int32Array;
  /** loss = offset + scale * the instance's loss. */
  readonly offset: number;
  readonly scale: number;
}

/** Smallest (or largest) reachable value of one cost, every group on its own. */
export function extreme(problem: AllocationProblem, limit: number, pick: (...values: number[]) => number): number {
  let total = 0;
  for (const group of problem.groups) total += pick(...group.map((choice) => choice.costs[limit] as number));
  return total;
}

/**
 * Drops limits that no choice can exceed, choices that another one beats or equals in everything, and choices that do
 * not fit even with all other groups at their cheapest. Undefined when that proves the problem infeasible: one limit out
 * of reach, or a group left without a choice.
 */
export function reduce(problem: AllocationProblem): Reduced | undefined {
  const active: number[] = [];
  const capacity: number[] = [];
  for (const [k, limit] of problem.limits.entries()) {
    const least = extreme(problem, k, Math.min);
    const most = allowed(limit);
    if (least > most) return undefined;
    if (extreme(problem, k, Math.max) > most) {
      active.push(k);
      // With nothing to spare only the cheapest choices fit; any positive capacity below their differences says so.
      capacity.push(Math.max(most - least, Number.MIN_VALUE));
    }
  }
  const n = problem.groups.length;
  const m = active.length;
  const start = new Int32Array(n + 1);
  const source: number[] = [];
  const loss: number[] = [];
  const cost: number[] = [];
  let offset = 0;
  let range = 0;
  for (const [g, group] of problem.groups.entries()) {
    const low = active.map((k) => Math.min(...group.map((choice) => choice.costs[k] as number)));
    const fits = (choice: Choice): boolean =>
      active.every((k, i) => (choice.costs[k] as number) - (low[i] as number) <= (capacity[i] as number));
    const kept = undominated(group, active, fits);
    if (kept.length === 0) return undefined;
    const losses = kept.map((c) => (group[c] as Choice).loss);
    const base = Math.min(...losses);
    offset += base;
    range += Math.max(...losses) - base;
    for (const [i, c] of kept.entries()) {
      source.push(c);
      loss.push((losses[i] as number) - base);
      for (const [j, k] of active.entries()) {
        cost.push((((group[c] as Choice).costs[k] as number) - (low[j] as number)) / (capacity[j] as number));
      }
    }
    start[g + 1] = source.length;
  }
  const scale = range > 0 ? range : 1;
  const instance: Instance = {
    n,
    m,
    start,
    loss: Float64Array.from(loss, (value) => value / scale),
    cost: Float64Array.from(cost),
  };
  return { instance, source: Int32Array.from(source), offset, scale };
}

/** Indices of the choices that no other one beats or equals; of equal ones the first stays. */
function undominated(group: readonly Choice[], limits: readonly number[], fits: (choice: Choice) => boolean): number[] {
  const candidates = group.map((_, c) => c).filter((c) => fits(group[c] as Choice));
  return candidates.filter((c) => {
    const mine = group[c] as Choice;
    return !candidates.some((d) => {
      const other = group[d] as Choice;
      if (d === c || other.loss > mine.loss) return false;
      let same = other.loss === mine.loss;
      for (const k of limits) {
        const difference = (other.costs[k] as number) - (mine.costs[k] as number);
        if (difference > 0) return false;
        if (difference < 0) same = false;
      }
      return !same || d < c;
    });
  });
}
