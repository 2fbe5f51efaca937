import { type Frozen, lowerUntilFits, raiseWhileFits } from "./greedyWalk.ts";
import type { AllocationProblem } from "./problem.ts";
import { Walk } from "./walk.ts";

/** Groups that change together, with the index of their new choice: some raised, others lowered to make room. */
export type Move = readonly { readonly group: number; readonly to: number }[];

export interface Descent {
  readonly choice: readonly number[];
  readonly loss: number;
  /** The moves that led there, in order; the loss falls and all limits hold after each. */
  readonly moves: readonly Move[];
}

/** A move must gain this share of the loss at the start: the search is to come within percents, not within rounding. */
const minGain = 1e-6;
/** Pairs looked at in one pass, about 10 ms; larger networks try the most promising of them. */
const maxPairs = 1_000_000;
/** Networks with so few choices try every exchange among three groups: 70^3 / 2 of them at most, a few milliseconds. */
const maxTripleChoices = 70;
/**
 * First changes for which a chain is tried, of either direction; the others promise less. In large networks fewer, as a
 * chain looks at every choice: there pairs alone come close.
 */
const maxChains = 60;
const maxChainWork = 60_000;
/** What a chain must gain, as `minGain`: a chain takes longer to find than a pair. */
const minChainGain = 1e-4;
/** Each move lowers the loss; searches of 1,000 groups end after a few hundred. */
const maxMoves = 5000;

/**
 * Swap refinement: from a choice within the limits downhill in total loss until no move helps. A move raises one group,
 * if need be with others lowered to make room, or lowers one and raises others in the room it leaves: one group alone,
 * every pair, every three in small networks, and chains of any length, which are completed greedily.
 *
 * @param frozen groups that keep their choice
 * @param allowance of each limit, see `Walk`
 */
export function descend(
  problem: AllocationProblem,
  start: readonly number[],
  options: { readonly frozen?: Frozen; readonly allowance?: number } = {},
  signal?: AbortSignal,
): Descent {
  const walk = new Walk(problem, start, options.allowance);
  const frozen = options.frozen ?? new Set();
  const least = minGain * walk.loss;
  const moves: Move[] = [];
  while (moves.length < maxMoves) {
    signal?.throwIfAborted();
    const found = nextMoves(walk, frozen, least);
    if (found.length === 0) break;
    for (const choices of found) {
      moves.push(
        choices.map((c) => {
          const group = walk.groupOf[c] as number;
          return { group, to: c - (walk.first[group] as number) };
        }),
      );
    }
  }
  return { choice: walk.choice, loss: walk.loss, moves };
}

/** Takes moves of the first kind that gains more than `least`, and returns them: the choices gone to. */
function nextMoves(walk: Walk, frozen: Frozen, least: number): readonly (readonly number[])[] {
  const raises: number[] = [];
  const lowers: number[] = [];
  for (let c = 0; c < walk.choices; c++) {
    const g = walk.groupOf[c] as number;
    if (c === walk.at[g] || frozen.has(g)) continue;
    if (walk.lossBy(c) < 0) raises.push(c);
    else lowers.push(c);
  }
  const byLoss = (a: number, b: number) => walk.lossBy(a) - walk.lossBy(b);
  raises.sort(byLoss);
  const single = raises.find((c) => walk.fitsWith(c));
  if (single !== undefined && walk.lossBy(single) < -least) {
    walk.take(single);
    return [[single]];
  }
  if (walk.limits === 0) return [];
  lowers.sort(byLoss);
  const pairs = takePairs(walk, raises, lowers, least);
  if (pairs.length > 0) return pairs;
  const few = raises.length + lowers.length <= maxTripleChoices;
  const move =
    (few ? bestTriple(walk, raises, lowers, least) : undefined) ??
    bestChain(walk, raises, lowers, frozen, (least * minChainGain) / minGain);
  for (const c of move ?? []) walk.take(c);
  return move ? [move] : [];
}

/**
 * One raised, one lowered: for each raise, the largest first, the lower that gains most with it. Both lists ascend in
 * loss, so that a loop ends where its pairs can't beat the best. Takes the pairs; a group changes once.
 */
function takePairs(walk: Walk, raises: readonly number[], lowers: readonly number[], least: number): number[][] {
  const pairs: number[][] = [];
  const changed = new Uint8Array(walk.groups);
  let left = maxPairs;
  for (const raise of raises) {
    const group = walk.groupOf[raise] as number;
    if (changed[group]) continue;
    const saved = -walk.lossBy(raise);
    if (saved <= least || left <= 0) break;
    let best = -1;
    let bestGain = least;
    for (const lower of lowers) {
      const other = walk.groupOf[lower] as number;
      if (changed[other]) continue;
      left--;
      const gain = saved - walk.lossBy(lower);
      if (gain <= bestGain) break;
      if (other === group || !walk.fitsWith(raise, lower)) continue;
      best = lower;
      bestGain = gain;
    }
    if (best < 0) continue;
    changed[group] = 1;
    changed[walk.groupOf[best] as number] = 1;
    walk.take(best);
    walk.take(raise);
    pairs.push([best, raise]);
  }
  return pairs;
}

/** One raised and two lowered, or two raised and one lowered. */
function bestTriple(walk: Walk, raises: readonly number[], lowers: readonly number[], least: number) {
  let best: readonly number[] | undefined;
  let bestGain = least;
  const attempt = (a: number, b: number, c: number): void => {
    const gain = -walk.lossBy(a) - walk.lossBy(b) - walk.lossBy(c);
    if (gain <= bestGain) return;
    const [ga, gb, gc] = [walk.groupOf[a], walk.groupOf[b], walk.groupOf[c]];
    if (ga === gb || ga === gc || gb === gc || !walk.fitsWith(a, b, c)) return;
    best = [a, b, c];
    bestGain = gain;
  };
  for (const [i, raise] of raises.entries()) {
    for (const [j, lower] of lowers.entries()) {
      for (let other = i + 1; other < raises.length; other++) attempt(lower, raise, raises[other] as number);
      for (let other = j + 1; other < lowers.length; other++) attempt(lower, lowers[other] as number, raise);
    }
  }
  return best;
}

/** One change, then whatever lowering it takes to fit and whatever raising then fits, greedily. */
function bestChain(
  walk: Walk,
  raises: readonly number[],
  lowers: readonly number[],
  frozen: Frozen,
  least: number,
): readonly number[] | undefined {
  const tries = Math.min(maxChains, Math.ceil(maxChainWork / walk.choices));
  const cheap = lowers.filter((c) => walk.demand(c) <= 0).slice(0, tries);
  const before = Int32Array.from(walk.at);
  const atMost = walk.loss;
  let best: readonly number[] | undefined;
  let target = walk.loss - least;
  for (const start of [...raises.slice(0, tries), ...cheap]) {
    const fixed = new Set([...frozen, walk.groupOf[start] as number]);
    walk.take(start);
    // Lowering that costs more than was gained is given up: the raises that follow seldom win it back.
    if (lowerUntilFits(walk, fixed, Math.max(atMost, walk.loss))) {
      raiseWhileFits(walk, fixed);
      if (walk.loss < target) {
        target = walk.loss;
        best = [...walk.at].filter((c, g) => c !== before[g]);
      }
    }
    for (const [g, c] of before.entries()) if (walk.at[g] !== c) walk.take(c);
  }
  return best;
}
