import { SigmaQuantError } from "../errors.ts";
import { excesses, excessUnits, leastExcess } from "./leastExcess.ts";
import { leastLoss } from "./leastLoss.ts";
import type { Allocation, AllocationProblem } from "./problem.ts";
import { allChoices, checkProblem, rangesOf, totalsOf } from "./totals.ts";

export interface ExactOptions {
  /** The search ends when the gap, (loss - bound) / loss, is at most this. Default 0: proven optimal. */
  readonly maxGap?: number;
  /** About how long the search may take, ms. Then the gap is what it is. Default `defaultMillis`. */
  readonly maxMillis?: number;
  /** A choice known already (index per group); the result is at least as good if it fits. */
  readonly incumbent?: readonly number[];
}

/**
 * Most networks are solved to optimality in milliseconds to tenths of a second. What takes longer has had the 0.01 %
 * for long; two seconds are what a person waits for the rest without wondering. Our choice.
 */
export const defaultMillis = 2000;
/** A longer pause between two looks at the clock was not the search's: the process was stopped, or its machine slept. */
const longestStepMs = 500;
/** Below this a loss is zero for the sake of the quotient. */
const tiny = 1e-300;

/**
 * Solves the allocation to proven optimality, or as far as the time goes with the gap stated; or proves that no choice
 * meets all limits and says which is nearest. Deterministic unless the time runs out.
 *
 * Sums within 1e-12 (relative) of a limit meet it: see `allowed`.
 *
 * @throws SQ5205 when the time was too short to tell whether any choice fits, SQ9301 for a malformed problem, and the
 *   signal's reason
 */
export function solveExact(problem: AllocationProblem, options: ExactOptions = {}, signal?: AbortSignal): Allocation {
  checkProblem(problem);
  const maxGap = Math.min(Math.max(options.maxGap ?? 0, 0), 1 - 1e-9);
  const maxMillis = options.maxMillis ?? defaultMillis;
  const stop = outOfTime(maxMillis, signal);
  signal?.throwIfAborted();
  const search = (within: AllocationProblem, incumbent?: readonly number[]) =>
    leastLoss(within, { maxGap, stop, ...(incumbent ? { incumbent } : {}) });

  const found = search(problem, options.incumbent);
  if (found) return feasible(problem, found);
  const near = leastExcess(problem, stop);
  if (near.excess <= 0) return feasible(problem, search(problem, near.choice) ?? { choice: near.choice, bound: 0 });
  if (near.bound <= 0) {
    throw new SigmaQuantError(
      "SQ5205",
      "allocation-undecided",
      `${maxMillis} ms were too short to tell whether any choice of bits meets all budgets`,
      {
        remedy: "Loosen one of the budgets a little, or allow fewer bitwidths",
      },
    );
  }
  return infeasible(problem, near.choice, (widened) => search(widened, near.choice)?.choice);
}

/** @param search least loss within widened limits, which the given choice meets */
function infeasible(
  problem: AllocationProblem,
  closest: readonly number[],
  search: (widened: AllocationProblem) => readonly number[] | undefined,
): Allocation {
  const units = excessUnits(problem);
  const over = (choice: readonly number[]) => excesses(totalsOf(problem, choice).costs, problem.limits, units);
  const excess = Math.max(...over(closest));
  // Of all choices that exceed no limit by more, the one that loses least.
  const limits = problem.limits.map((limit, k) => limit + excess * (units[k] as number));
  const nearest = search({ ...problem, limits }) ?? closest;
  const excessOf = over(nearest);
  return {
    feasible: false,
    binding: excessOf.indexOf(Math.max(...excessOf)),
    nearest: { choice: nearest, ...totalsOf(problem, nearest) },
    minimum: rangesOf(problem, allChoices(problem)).least,
  };
}

function feasible(
  problem: AllocationProblem,
  { choice, bound }: { readonly choice: readonly number[]; readonly bound: number },
): Allocation {
  const { loss, costs } = totalsOf(problem, choice);
  return { feasible: true, choice, loss, costs, bound, gap: (loss - bound) / Math.max(loss, tiny) };
}

/** Tells whether a search has had its time. What passes while nothing is computed does not count: the result is then the same. */
function outOfTime(maxMillis: number, signal?: AbortSignal): () => boolean {
  let [spent, last] = [0, performance.now()];
  return () => {
    signal?.throwIfAborted();
    const now = performance.now();
    spent += Math.min(now - last, longestStepMs);
    last = now;
    return spent > maxMillis;
  };
}
