import { SigmaQuantError } from "../errors.ts";
import type { Bits } from "../hardware/profile.ts";
import { solveExact } from "./exact.ts";
import { lowerUntilFits, raiseWhileFits } from "./greedyWalk.ts";
import type { AllocationProblem } from "./problem.ts";
import { type Descent, descend, type Move } from "./swapSearch.ts";
import { remeasure } from "./twoPhaseRemeasure.ts";
import type { TwoPhaseRun } from "./twoPhaseRun.ts";
import { Walk } from "./walk.ts";

/** Runs of the model that refinement takes at most. Ours: a quarter of phase 2's 40. */
const maxRefinements = 10;

/**
 * Ends phase 2 within the limits: from the best configuration that meets them, or, where none does, by lowering the
 * least sensitive groups on, without running the model in between. Then refines it by swaps (see `descend`): each
 * lowers the sum of the sensitivities within the limits, is run on the real model and kept if it is no worse. It
 * then runs the least sum that is known, and, where harms do not add up, mixes around it (see `remeasure`). Leaves the search at the best configuration that was run.
 */
export async function refine(run: TwoPhaseRun): Promise<void> {
  const { problem } = run.space;
  if (!run.fits(run.best())) {
    const fit = fitted(problem, run.point.choice, run.signal);
    const point = await run.run(fit);
    run.allowance = Math.max(1, point.pressure);
    run.record(2, point, true);
  }
  standAtBest(run);
  const goal = goalOf(run);
  run.goalLoss = goal.loss;
  const frozen = new Set<number>();
  let moves: readonly Move[] = [];
  for (let left = maxRefinements; left > 1; left--) {
    const { allowance, signal } = run;
    if (moves.length === 0) moves = descend(problem, run.point.choice, { frozen, allowance }, signal).moves;
    if (moves.length === 0) break;
    const count = Math.ceil(moves.length / (left - 1));
    const batch = moves.slice(0, count).flat();
    const choice = [...run.point.choice];
    for (const { group, to } of batch) choice[group] = to;
    const point = await run.run(choice);
    const kept = !run.better(run.point, point);
    run.record(2, point, kept);
    // What was refused isn't tried again; the swaps after it were found on top of it.
    if (!kept) for (const { group } of batch) frozen.add(group);
    moves = kept ? moves.slice(count) : [];
  }
  if (!run.wasRun(goal.choice)) {
    const point = await run.run(goal.choice);
    run.record(2, point, run.better(point, run.point));
  }
  standAtBest(run);
  await remeasure(run);
}

/** Goes back to the best configuration that was run, unless the search stands there. */
export function standAtBest(run: TwoPhaseRun): void {
  const best = run.best();
  if (run.better(best, run.point)) run.record(2, best, true);
}

/** The least sum of sensitivities that swaps reach within the limits, from several starts; the exact solver's, where it is known. */
function goalOf(run: TwoPhaseRun): Descent {
  const { problem, choiceOf } = run.space;
  const { allowance, signal } = run;
  const starts: (readonly number[])[] = [run.point.choice];
  const { optimum } = run.input;
  if (optimum) starts.push(choiceOf(decided(optimum)));
  const fromTop = new Walk(problem, leastLoss(problem), allowance);
  if (lowerUntilFits(fromTop)) starts.push(filled(fromTop));
  const fromBottom = new Walk(problem, cheapest(problem), allowance);
  if (fromBottom.fits) starts.push(filled(fromBottom));
  return starts
    .map((start) => descend(problem, start, { allowance }, signal))
    .reduce((best, other) => (other.loss < best.loss ? other : best));
}

function decided(bits: ReadonlyMap<string, Bits | null>): ReadonlyMap<string, Bits> {
  return new Map([...bits].filter((entry): entry is [string, Bits] => entry[1] !== null));
}

function filled(walk: Walk): readonly number[] {
  raiseWhileFits(walk);
  return walk.choice;
}

/**
 * A choice within all limits whenever there is one, else the nearest: the one with the smallest excess. Lowering group
 * by group finds it where narrower bits cost less of everything. Where a device is slower at some narrower bits that
 * may fail; the exact solver then looks for any choice that fits, all losses being equal.
 */
function fitted(problem: AllocationProblem, start: readonly number[], signal: AbortSignal | undefined) {
  const walk = new Walk(problem, start);
  if (lowerUntilFits(walk)) return walk.choice;
  const least = cheapest(problem);
  if (new Walk(problem, least).fits) return least;
  const indifferent = problem.groups.map((group) => group.map(({ costs }) => ({ loss: 0, costs })));
  try {
    const found = solveExact({ groups: indifferent, limits: problem.limits }, {}, signal);
    return found.feasible ? found.choice : found.nearest.choice;
  } catch (error) {
    // Undecided in the solver's time, which takes limits met by a hair: the least of everything is as near as is known.
    if (error instanceof SigmaQuantError && error.code === "SQ5205") return least;
    throw error;
  }
}

/** Each group at the choice that takes least of the budget it burdens most. */
function cheapest(problem: AllocationProblem): readonly number[] {
  const walk = new Walk(
    problem,
    problem.groups.map(() => 0),
  );
  return leastBy(walk, (c) => {
    let use = 0;
    for (let k = 0; k < walk.limits; k++) use = Math.max(use, walk.uses[c * walk.limits + k] as number);
    return use;
  });
}

/** Each group at the choice with the least loss: what there would be without limits. */
function leastLoss(problem: AllocationProblem): readonly number[] {
  const walk = new Walk(
    problem,
    problem.groups.map(() => 0),
  );
  return leastBy(walk, (c) => walk.losses[c] as number);
}

function leastBy(walk: Walk, value: (c: number) => number): readonly number[] {
  return Array.from({ length: walk.groups }, (_, g) => {
    const first = walk.first[g] as number;
    let best = first;
    for (let c = first; c < (walk.first[g + 1] as number); c++) if (value(c) < value(best)) best = c;
    return best - first;
  });
}
