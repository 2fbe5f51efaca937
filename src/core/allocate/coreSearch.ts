import { maximizeDual } from "./dual.ts";
import { type Instance, minimize, type Sums } from "./instance.ts";

export interface CoreSearchOptions {
  readonly objective: "loss" | "excess";
  /** Limits for the groups of the instance (what the rest uses is taken off). */
  readonly limit: Float64Array;
  /** Loss of the groups outside the instance. */
  readonly baseLoss: number;
  /** Multipliers whose bounds prune; grown during the search. */
  readonly cuts: Float64Array[];
  /** States kept per level. */
  readonly width: number;
  /** Value to beat. */
  readonly upper: number;
  /** A complete choice (flat index per group) that beats `upper`; true when it holds up in the caller's own numbers. */
  readonly accept: (picks: Int32Array, value: number) => boolean;
  /** Asked now and then; true stops the search. */
  readonly stop: () => boolean;
}

export interface CoreSearchResult {
  /** Nothing was left out: no choice is better than the last accepted one (or than `upper`). */
  readonly complete: boolean;
  /** No choice that was left out is better than this. */
  readonly bound: number;
}

/** Bounds within this (relative to the value to beat) of it count as reaching it: rounding of sums. */
const closeness = 1e-11;
/** Cuts in use; beyond some tens the checking costs more than it prunes. Our choice, by measurement. */
const maxCuts = 40;
/** Rounds of the dual for one state: a few are enough from a good start. */
const cutRounds = 10;
/** States examined between two looks at the clock. */
const statesPerCheck = 2048;

/**
 * Exact search over the groups that reduced costs could not fix, level by level: every state is a partial choice with its
 * sums, pruned by Lagrangian bounds under several multipliers at once ("cuts", valid for every state of a level, as in
 * dynamic programming with bounds: Marsten and Morin, 1978) and by dominance. A state with the remaining groups at their
 * first choice (the Lagrangian minimizer) is a complete choice, so the value to beat falls as the search goes on. When a
 * level has more than `width` states the least promising are left out, and their bound is what the result can promise.
 */
export function searchCore(instance: Instance, options: CoreSearchOptions): CoreSearchResult {
  const { n, m, start, loss, cost } = instance;
  const { limit, width } = options;
  const excess = options.objective === "excess";
  let upper = options.upper;
  let target = lower(upper);
  // node 0 is the root: everything at its first choice.
  let nodeParent = new Int32Array(1024);
  let nodeChoice = new Int32Array(1024);
  let nodes = 1;
  const leastSuffix = new Float64Array((n + 1) * m);
  const baseCost = new Float64Array(m);
  for (let g = n - 1; g >= 0; g--) {
    const first = start[g] as number;
    for (let k = 0; k < m; k++) {
      let least = Number.POSITIVE_INFINITY;
      for (let c = first; c < (start[g + 1] as number); c++) {
        least = Math.min(least, (cost[c * m + k] as number) - (cost[first * m + k] as number));
      }
      leastSuffix[g * m + k] = (leastSuffix[(g + 1) * m + k] as number) + least;
      baseCost[k] = (baseCost[k] as number) + (cost[first * m + k] as number);
    }
  }
  let baseLoss = options.baseLoss;
  for (let g = 0; g < n; g++) baseLoss += loss[start[g] as number] as number;

  interface Cut {
    readonly weights: Float64Array;
    readonly suffix: Float64Array;
    uses: number;
  }
  const cuts: Cut[] = [];
  const addCut = (weights: Float64Array): void => {
    const suffix = new Float64Array(n + 1);
    for (let g = n - 1; g >= 0; g--) {
      const first = start[g] as number;
      let least = 0;
      for (let c = first + 1; c < (start[g + 1] as number); c++) {
        let score = (loss[c] as number) - (loss[first] as number);
        for (let k = 0; k < m; k++) {
          score += (weights[k] as number) * ((cost[c * m + k] as number) - (cost[first * m + k] as number));
        }
        if (score < least) least = score;
      }
      suffix[g] = (suffix[g + 1] as number) + least;
    }
    cuts.unshift({ weights, suffix, uses: 1 });
  };
  for (const weights of options.cuts) addCut(weights);

  // States of the current level and of the next: sums with all remaining groups at their first choice.
  let count = 1;
  let stateNode = new Int32Array(1);
  let stateLoss = Float64Array.of(baseLoss);
  let stateCost = Float64Array.from(baseCost);
  let nextNode = new Int32Array(1024);
  let nextLoss = new Float64Array(1024);
  let nextCost = new Float64Array(1024 * m);
  let nextBound = new Float64Array(1024);
  let bound = Number.POSITIVE_INFINITY;
  let examined = 0;
  let stopped = false;

  const picksOf = (node: number): Int32Array => {
    const picks = start.slice(0, n);
    for (let at = node; at > 0; at = nodeParent[at] as number) {
      const choice = nodeChoice[at] as number;
      let g = 0;
      while ((start[g + 1] as number) <= choice) g++;
      picks[g] = choice;
    }
    return picks;
  };
  const offer = (picks: Int32Array, value: number): void => {
    if (options.accept(picks, value)) {
      upper = value;
      target = lower(upper);
    }
  };
  const trial = new Float64Array(m);
  /** Largest lower bound over the cuts for sums (stateLoss, trial) when groups from g on are free. */
  const boundOf = (sumLoss: number, g: number): number => {
    let best = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < cuts.length; i++) {
      const cut = cuts[i] as Cut;
      let value = sumLoss + (cut.suffix[g] as number);
      for (let k = 0; k < m; k++) value += (cut.weights[k] as number) * ((trial[k] as number) - (limit[k] as number));
      if (value > best) {
        best = value;
        if (best >= target) {
          cut.uses++;
          if (i > 0) {
            cuts[i] = cuts[i - 1] as Cut;
            cuts[i - 1] = cut;
          }
          return best;
        }
      }
    }
    return best;
  };

  /** Adds the multipliers that are best for one state to the cuts; complete choices met on the way are offered. */
  const learn = (s: number, g: number): void => {
    const rest = new Float64Array(m);
    const gone: Float64Array = new Float64Array(m);
    let goneLoss = stateLoss[s] as number;
    for (let k = 0; k < m; k++) gone[k] = stateCost[s * m + k] as number;
    for (let h = g; h < n; h++) {
      const first = start[h] as number;
      goneLoss -= loss[first] as number;
      for (let k = 0; k < m; k++) gone[k] = (gone[k] as number) - (cost[first * m + k] as number);
    }
    for (let k = 0; k < m; k++) {
      rest[k] = (limit[k] as number) - (gone[k] as number);
      trial[k] = stateCost[s * m + k] as number;
    }
    let startCut: Cut | undefined;
    let startBound = Number.NEGATIVE_INFINITY;
    for (const cut of cuts) {
      let value = (stateLoss[s] as number) + (cut.suffix[g] as number);
      for (let k = 0; k < m; k++) value += (cut.weights[k] as number) * ((trial[k] as number) - (limit[k] as number));
      if (value > startBound) {
        startBound = value;
        startCut = cut;
      }
    }
    const spare: Sums = { loss: 0, cost: new Float64Array(m) };
    const dual = maximizeDual(instance, g, rest, {
      objective: options.objective,
      maxRounds: cutRounds,
      tolerance: 1e-3 * Math.max(1e-12, upper - startBound),
      enough: target - goneLoss,
      ...(startCut ? { start: startCut.weights } : {}),
      onPoint: (multipliers, _value, sums) => {
        let value = goneLoss + sums.loss;
        if (excess) value = Number.NEGATIVE_INFINITY;
        for (let k = 0; k < m; k++) {
          const over = (sums.cost[k] as number) - (rest[k] as number);
          if (excess) value = Math.max(value, over);
          else if (over > 0) return;
        }
        if (value >= target) return;
        const picks = picksOf(stateNode[s] as number);
        minimize(instance, g, multipliers, spare, picks);
        offer(picks, value);
      },
    });
    if (dual.value + goneLoss > startBound + 1e-4 * Math.abs(upper - startBound)) {
      if (cuts.length >= maxCuts) {
        let worst = 0;
        for (let i = 1; i < cuts.length; i++) if ((cuts[i] as Cut).uses < (cuts[worst] as Cut).uses) worst = i;
        cuts.splice(worst, 1);
      }
      for (const cut of cuts) cut.uses *= 0.7;
      addCut(dual.multipliers);
      (cuts[0] as Cut).uses = 10;
    }
  };

  for (let g = 0; g < n && count > 0 && !stopped; g++) {
    learn(0, g);
    if (count > 8) learn(count >> 1, g);
    const first = start[g] as number;
    const end = start[g + 1] as number;
    let made = 0;
    for (let s = 0; s < count && !stopped; s++) {
      if (++examined % statesPerCheck === 0 && options.stop()) stopped = true;
      for (let c = first; c < end; c++) {
        const sumLoss = (stateLoss[s] as number) + (loss[c] as number) - (loss[first] as number);
        let possible = true;
        let value = excess ? Number.NEGATIVE_INFINITY : sumLoss;
        let fits = true;
        for (let k = 0; k < m; k++) {
          const sum = (stateCost[s * m + k] as number) + (cost[c * m + k] as number) - (cost[first * m + k] as number);
          trial[k] = sum;
          const over = sum - (limit[k] as number);
          if (excess) value = Math.max(value, over);
          else if (over > 0) {
            fits = false;
            if (over + (leastSuffix[(g + 1) * m + k] as number) > 0) possible = false;
          }
        }
        if (!possible) continue;
        const lowest = boundOf(sumLoss, g + 1);
        if (lowest >= target) continue;
        let node = stateNode[s] as number;
        if (c !== first) {
          if (nodes === nodeParent.length) {
            nodeParent = grownInt(nodeParent);
            nodeChoice = grownInt(nodeChoice);
          }
          nodeParent[nodes] = node;
          nodeChoice[nodes] = c;
          node = nodes++;
          if (fits && value < target) {
            offer(picksOf(node), value);
            if (lowest >= target) continue;
          }
        }
        if (made === nextNode.length) {
          nextNode = grownInt(nextNode);
          nextLoss = grown(nextLoss);
          nextCost = grown(nextCost);
          nextBound = grown(nextBound);
        }
        nextNode[made] = node;
        nextLoss[made] = sumLoss;
        nextBound[made] = lowest;
        for (let k = 0; k < m; k++) nextCost[made * m + k] = trial[k] as number;
        made++;
      }
    }
    if (stopped) break;
    // Sort by bound, keep `width`.
    let order = new Int32Array(made);
    let left = 0;
    for (let i = 0; i < made; i++) if ((nextBound[i] as number) < target) order[left++] = i;
    order = order.subarray(0, left).sort((a, b) => (nextBound[a] as number) - (nextBound[b] as number));
    if (left > width) {
      bound = Math.min(bound, nextBound[order[width] as number] as number);
      left = width;
    }
    if (stateNode.length < left) {
      stateNode = new Int32Array(2 * left);
      stateLoss = new Float64Array(2 * left);
      stateCost = new Float64Array(2 * left * m);
    }
    count = left;
    for (let i = 0; i < left; i++) {
      const from = order[i] as number;
      stateNode[i] = nextNode[from] as number;
      stateLoss[i] = nextLoss[from] as number;
      for (let k = 0; k < m; k++) stateCost[i * m + k] = nextCost[from * m + k] as number;
    }
    if (trace) trace.push(left);
  }
  options.cuts.length = 0;
  for (const cut of cuts) options.cuts.push(cut.weights);
  if (stopped) return { complete: false, bound: Number.NEGATIVE_INFINITY };
  return { complete: bound === Number.POSITIVE_INFINITY, bound: Math.min(bound, upper) };

  function lower(value: number): number {
    return value - closeness * Math.abs(value);
  }
}
export let trace: number[] | undefined = [];
export function setTrace(t: number[] | undefined): void { trace = t; }

function grown(array: Float64Array): Float64Array<ArrayBuffer> {
  const next = new Float64Array(array.length * 2);
  next.set(array);
  return next;
}

function grownInt(array: Int32Array): Int32Array<ArrayBuffer> {
  const next = new Int32Array(array.length * 2);
  next.set(array);
  return next;
}
