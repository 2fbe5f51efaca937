import type { AllocationProblem } from "./problem.ts";
import { descend } from "./swapSearch.ts";
import { interactingHarm, type TwoPhaseRun } from "./twoPhaseRun.ts";
import { Walk } from "./walk.ts";

/** Changes that are probed at most: what that takes grows with the layers, as the sweep does. Our choice. */
const maxProbes = 200;

/**
 * Where the harm of a mix is no longer the sum of its layers' (at 2 to 3 bits without recovery it is half or double),
 * measures again what changes to a mix do: from where the search stands, every group one choice up and one down, the others
 * staying as they are. Then looks for swaps that lower the sum of these, within `lossBand` of the least sum of
 * sensitivities, and runs them: all of them, half, a quarter, one, as these do not quite add up either.
 */
export async function remeasure(run: TwoPhaseRun): Promise<void> {
  const { probe } = run.input;
  const { point, signal } = run;
  if (probe === undefined || !run.sums || !((point.harm ?? 0) > interactingHarm)) return;
  const { problem, bitsOf } = run.space;
  const base = await probe(point.bits, signal);
  if (!Number.isFinite(base)) return;
  const harms = new Map<number, number>();
  const walk = new Walk(problem, point.choice, run.allowance);
  for (const c of neighbours(walk)) {
    signal?.throwIfAborted();
    const group = walk.groupOf[c] as number;
    const choice = point.choice.with(group, c - (walk.first[group] as number));
    const harm = (await probe(bitsOf(choice), signal)) - base;
    if (Number.isFinite(harm)) harms.set(c, harm);
  }
  const local = localProblem(problem, walk, harms, run.lossLimit / run.allowance);
  const { moves } = descend(local.problem, local.start, { allowance: run.allowance }, signal);
  for (const count of new Set([1, 1 / 2, 1 / 4, 0].map((part) => Math.max(1, Math.ceil(part * moves.length))))) {
    if (moves.length === 0) break;
    const choice = [...point.choice];
    for (const { group, to } of moves.slice(0, count).flat()) choice[group] = local.choices[group]?.[to] as number;
    if (run.wasRun(choice)) continue;
    const next = await run.run(choice);
    run.record(2, next, run.better(next, run.point));
  }
}

/** Each group's next choice up and down; in large networks those that promise most. */
function neighbours(walk: Walk): readonly number[] {
  const raises: number[] = [];
  const lowers: number[] = [];
  for (let group = 0; group < walk.groups; group++) {
    const at = walk.at[group] as number;
    for (const c of [at - 1, at + 1]) {
      if (c < (walk.first[group] as number) || c >= (walk.first[group + 1] as number)) continue;
      (walk.lossBy(c) < 0 ? raises : lowers).push(c);
    }
  }
  raises.sort((a, b) => walk.lossBy(a) - walk.lossBy(b));
  lowers.sort((a, b) => walk.lossBy(a) - walk.lossBy(b));
  return [...raises.slice(0, maxProbes / 2), ...lowers.slice(0, maxProbes / 2)];
}

/** The allocation with the choices that were probed alone, and the sum of the sensitivities as one more limit. */
function localProblem(
  { groups, limits }: AllocationProblem,
  walk: Walk,
  harms: ReadonlyMap<number, number>,
  lossLimit: number,
): { problem: AllocationProblem; choices: readonly (readonly number[])[]; start: readonly number[] } {
  const choices = groups.map((group, g) =>
    [...group.keys()].filter((c) => {
      const flat = (walk.first[g] as number) + c;
      return flat === walk.at[g] || harms.has(flat);
    }),
  );
  const local = groups.map((group, g) => {
    const values = (choices[g] as number[]).map((c) => harms.get((walk.first[g] as number) + c) ?? 0);
    const least = Math.min(...values);
    return (choices[g] as number[]).map((c, i) => ({
      loss: (values[i] as number) - least,
      costs: [...(group[c]?.costs ?? []), group[c]?.loss ?? 0],
    }));
  });
  const start = choices.map((list, g) => list.indexOf((walk.at[g] as number) - (walk.first[g] as number)));
  return { problem: { groups: local, limits: [...limits, lossLimit] }, choices, start };
}
