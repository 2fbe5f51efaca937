import type { TwoPhaseRun } from "./twoPhaseRun.ts";
import { Walk } from "./walk.ts";

/** Bits that a step of phase 2 gives to a layer or takes from it (paper, phase 2). */
const stepBits = 2;

/**
 * The next configuration of phase 2: the search's own with the `raise` groups raised that gain most and the `lower`
 * groups lowered that lose least, by two bits each, or to the neighbouring bits where the group may not have those.
 * Where the best of them lead to a configuration that was run before, the next best ones. Undefined when there is no
 * further one.
 *
 * The paper raises what is most sensitive and lowers what is least. Where costs are limited, a group's sensitivity
 * counts per share of the budget that the change takes or frees: for the same use of the budget that saves more.
 */
export function nextStep(run: TwoPhaseRun, raise: number, lower: number): readonly number[] | undefined {
  const walk = new Walk(run.space.problem, run.point.choice);
  const raises = raise > 0 ? ranked(walk, (g) => raisedTo(run, g), raiseScore) : [];
  const lowers = lower > 0 ? ranked(walk, (g) => loweredTo(run, g), lowerScore(walk)) : [];
  for (let skip = 0; skip < Math.max(raises.length, lowers.length); skip++) {
    const choice = [...run.point.choice];
    const changed = new Set<number>();
    const take = (changes: readonly number[], count: number): void => {
      for (const c of changes.slice(skip)) {
        const group = walk.groupOf[c] as number;
        if (count <= 0 || changed.has(group)) continue;
        choice[group] = c - (walk.first[group] as number);
        changed.add(group);
        count--;
      }
    };
    take(raises, raise);
    take(lowers, lower);
    if (changed.size > 0 && !run.wasRun(choice)) return choice;
  }
  return undefined;
}

/** Changes by score, highest first; those without a score are left out. */
function ranked(
  walk: Walk,
  target: (group: number) => number | undefined,
  score: (walk: Walk, c: number) => number | undefined,
): readonly number[] {
  const scored: { readonly c: number; readonly score: number }[] = [];
  for (let group = 0; group < walk.groups; group++) {
    const to = target(group);
    if (to === undefined) continue;
    const c = (walk.first[group] as number) + to;
    const value = score(walk, c);
    if (value !== undefined) scored.push({ c, score: value });
  }
  return scored.sort((a, b) => b.score - a.score).map(({ c }) => c);
}

function raiseScore(walk: Walk, c: number): number | undefined {
  const gain = -walk.lossBy(c);
  if (gain <= 0) return undefined;
  if (walk.limits === 0) return gain;
  const demand = walk.demand(c);
  return demand > 0 ? gain / demand : Number.POSITIVE_INFINITY;
}

/** Lowering helps if it frees what is short: of the limits that are exceeded, or of any where none is. */
function lowerScore(walk: Walk): (walk: Walk, c: number) => number | undefined {
  const over = [...walk.used.keys()].filter((k) => (walk.used[k] as number) > 1);
  const short = over.length > 0 ? over : [...walk.used.keys()];
  return (_, c) => {
    let freed = 0;
    for (const k of short) freed += Math.max(0, -walk.useBy(c, k));
    if (freed <= 0) return undefined;
    const harm = walk.lossBy(c);
    return harm > 0 ? -harm / freed : -harm * freed;
  };
}

/** The group's choice two bits wider, or the next wider it has; undefined at its widest. */
function raisedTo(run: TwoPhaseRun, group: number): number | undefined {
  const bits = choicesOf(run, group);
  const from = run.point.choice[group] as number;
  const exact = bits.indexOf((bits[from] as number) + stepBits);
  if (exact >= 0) return exact;
  return from + 1 < bits.length ? from + 1 : undefined;
}

function loweredTo(run: TwoPhaseRun, group: number): number | undefined {
  const bits = choicesOf(run, group);
  const from = run.point.choice[group] as number;
  const exact = bits.indexOf((bits[from] as number) - stepBits);
  if (exact >= 0) return exact;
  return from > 0 ? from - 1 : undefined;
}

/** Bits of a group's choices, ascending; NaN for the group of what is fixed, which has one choice. */
function choicesOf(run: TwoPhaseRun, group: number): readonly number[] {
  const { problem, bitsAt } = run.space;
  const count = problem.groups[group]?.length ?? 0;
  return Array.from({ length: count }, (_, c) => (count > 1 ? bitsAt(group, c) : Number.NaN));
}
