import { raiseWhileFits } from "./greedyWalk.ts";
import type { AllocationProblem } from "./problem.ts";
import { descend } from "./swapSearch.ts";
import { standAtBest } from "./twoPhaseRefine.ts";
import type { TwoPhaseRun } from "./twoPhaseRun.ts";
import { Walk } from "./walk.ts";

/**
 * Runs of the model that the bisection takes at most: 8 halvings leave 1/256 of the range of losses, on a log scale.
 */
const maxHalvings = 8;
/** Losses below this share of the largest are one and the same for the bisection. */
const lossFloor = 1e-6;

/**
 * Ends phase 2 where there is an accuracy target but no budget: with the least weight memory whose accuracy meets the
 * target. What a network can bear is a total sensitivity that no one knows beforehand; it is bisected. For each total
 * the memory is minimized over all configurations below it (see `descend`), and the model is run with the result.
 */
export async function shrink(run: TwoPhaseRun): Promise<void> {
  standAtBest(run);
  if (run.shortfall(run.point) > 0) return;
  const { problem } = run.space;
  const smallest = problem.groups.map((group) => {
    const sizes = group.map((choice) => choice.costs[0] as number);
    return sizes.indexOf(Math.min(...sizes));
  });
  const bottom = await run.run(smallest);
  run.record(2, bottom, run.better(bottom, run.point));
  const floor = Math.max(bottom.loss * lossFloor, Number.MIN_VALUE);
  let low = Math.log(Math.max(run.point.loss, floor));
  let high = Math.log(Math.max(bottom.loss, floor));
  for (let i = 0; i < maxHalvings && low < high; i++) {
    const middle = (low + high) / 2;
    const choice = leastMemory(problem, run.point.choice, Math.exp(middle), run.signal);
    const known = run.wasRun(choice);
    const point = await run.run(choice);
    if (!known) run.record(2, point, run.better(point, run.point));
    if (run.shortfall(point) > 0) high = middle;
    else low = middle;
  }
  standAtBest(run);
}

/**
 * The least memory that swaps reach at a total sensitivity of at most `maxLoss`, from `start` or from no loss at all.
 */
function leastMemory(
  problem: AllocationProblem,
  start: readonly number[],
  maxLoss: number,
  signal: AbortSignal | undefined,
): readonly number[] {
  const turned: AllocationProblem = {
    groups: problem.groups.map((group) =>
      group.map(({ loss, costs }) => ({ loss: costs[0] as number, costs: [loss] })),
    ),
    limits: [maxLoss],
  };
  const flat = turned.groups.map((group) => {
    const losses = group.map((choice) => choice.costs[0] as number);
    return losses.indexOf(Math.min(...losses));
  });
  const starts = [start, flat].flatMap((choice) => {
    const walk = new Walk(turned, choice);
    if (!walk.fits) return [];
    raiseWhileFits(walk);
    return [descend(turned, walk.choice, {}, signal)];
  });
  const [first, ...others] = starts;
  if (first === undefined) return start;
  return others.reduce((best, other) => (other.loss < best.loss ? other : best), first).choice;
}
