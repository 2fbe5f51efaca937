import { targetOf } from "./core.ts";
import { Cuts } from "./cuts.ts";
import { maximizeDual, type Objective } from "./dual.ts";
import { type Instance, minimize, type Sums } from "./instance.ts";
import { type OpenGroups, openGroups } from "./openGroups.ts";
import { States, Trail } from "./states.ts";

export interface CoreSearchOptions {
  readonly objective: Objective;
  /** Limits for the groups of the instance (what the rest uses is taken off). */
  readonly limit: Float64Array;
  /** Loss of the groups outside the instance. */
  readonly baseLoss: number;
  /** Multipliers whose bounds prune, the most promising first; the search finds more. */
  readonly multipliers: readonly Float64Array[];
  /** States kept per level. */
  readonly width: number;
  /** Value to beat. */
  readonly upper: number;
  /** The search ends with the first choice whose value is not above this. */
  readonly enough: number;
  /** A complete choice (flat index per group) that beats `upper`; true when it holds up in the caller's own numbers. */
  readonly accept: (picks: Int32Array, value: number) => boolean;
  /** Asked now and then; true stops the search. */
  readonly stop: () => boolean;
}

export interface CoreSearchResult {
  /** No choice is better than this: the value of the best one, unless something was left out. */
  readonly bound: number;
  /** The multipliers in use at the end. */
  readonly multipliers: readonly Float64Array[];
}

/** Rounds of the dual for one state: a few are enough from a good start. */
const cutRounds = 10;
/** Where a state's dual stops, as a share of the distance between its bound and the value to beat. Our choice. */
const cutTolerance = 1e-3;
/** States examined between two looks at the clock: a fraction of a millisecond. */
const statesPerCheck = 2048;
/**
 * A state's choice is priced by up to dozens of cuts, a choice in the dual once a round. Our choice, by measurement.
 */
const worthOfCredit = 4;
/** Levels of fewer states than this are served by the multipliers of their best one. Our choice. */
const fewStates = 8;
/** States in the trail: 128 MB. Beyond it the search stops with what it can promise. */
const maxTrail = 2 ** 24;
/** A new cut must raise the bound of its state by this share of the distance to the value to beat. Our choice. */
const worthwhile = 1e-4;

/**
 * Exact search over the groups that reduced costs could not fix, level by level: every state is a partial choice with
 * its sums, pruned by Lagrangian bounds under several multipliers at once (dynamic programming with bounds: Marsten and
 * Morin, "A hybrid approach to discrete mathematical programming", 1978). The groups still open stand at their first
 * choice, the Lagrangian minimizer, so that every state is a complete choice too and the value to beat falls as the
 * search goes on. When a level has more than `width` states, those with the largest bounds are left out, and the least
 * of these bounds is what the result can promise.
 *
 * For "excess", losses are zero and the value is the largest excess over a limit.
 */
export function searchCore(instance: Instance, options: CoreSearchOptions): CoreSearchResult {
  return new CoreSearch(instance, options).run();
}

class CoreSearch {
  private readonly cuts: Cuts;
  private readonly open: OpenGroups;
  private readonly trail = new Trail();
  /** The states of the current level, and those made of them for the next. */
  private readonly states: States;
  private readonly made: States;
  /** Costs of the state at hand, and its choices. */
  private readonly trial: Float64Array;
  private readonly picks: Int32Array;
  private upper: number;
  private target: number;
  private examined = 0;
  /** States times choices examined since multipliers were last looked for. */
  private credit = Number.POSITIVE_INFINITY;

  constructor(
    private readonly instance: Instance,
    private readonly options: CoreSearchOptions,
  ) {
    this.cuts = new Cuts(instance, options.limit, options.multipliers);
    this.open = openGroups(instance);
    this.states = new States(instance.m);
    this.made = new States(instance.m);
    this.trial = new Float64Array(instance.m);
    this.picks = new Int32Array(instance.n);
    this.upper = options.upper;
    this.target = targetOf(options.upper);
  }

  run(): CoreSearchResult {
    const { instance, options, states, made } = this;
    const rootLoss = options.baseLoss + (this.open.firstLoss[0] as number);
    states.push(0, 0, rootLoss, Number.NEGATIVE_INFINITY, this.open.firstCost.subarray(0, instance.m));
    this.offerRoot(rootLoss);
    let left = Number.POSITIVE_INFINITY;
    for (let g = 0; g < instance.n && states.count > 0; g++) {
      this.learnIfPaid(g);
      const reached = this.expand(g);
      if (reached < states.count || this.trail.size > maxTrail) {
        // Whatever is not examined is part of a state of this level or of the next.
        left = Math.min(left, states.leastBound(reached), made.leastBound(0));
        break;
      }
      left = Math.min(left, states.takeBest(made, options.width, this.target));
      this.trail.push(states);
    }
    return { bound: Math.min(left, this.upper), multipliers: this.cuts.multipliers };
  }

  /** Makes the states of the next level; returns how many states of this one were examined before a stop. */
  private expand(g: number): number {
    const { instance, options, states, made, trial } = this;
    const { m, start, loss, cost } = instance;
    const excess = options.objective === "excess";
    const first = start[g] as number;
    const end = start[g + 1] as number;
    made.count = 0;
    for (let s = 0; s < states.count; s++) {
      if (this.upper <= options.enough || (++this.examined % statesPerCheck === 0 && options.stop())) return s;
      for (let c = first; c < end; c++) {
        const sumLoss = (states.loss[s] as number) + (loss[c] as number) - (loss[first] as number);
        let possible = true;
        let fits = true;
        let value = excess ? Number.NEGATIVE_INFINITY : sumLoss;
        for (let k = 0; k < m; k++) {
          const sum =
            (states.cost[s * m + k] as number) + (cost[c * m + k] as number) - (cost[first * m + k] as number);
          trial[k] = sum;
          const over = sum - (options.limit[k] as number);
          if (excess) value = Math.max(value, over);
          else if (over > 0) {
            fits = false;
            if (over + (this.open.leastCost[(g + 1) * m + k] as number) > 0) possible = false;
          }
        }
        if (!possible) continue;
        const bound = this.cuts.bound(sumLoss, trial, 0, g + 1, this.target);
        if (bound >= this.target) continue;
        // With the first choice the state is the same complete choice as its parent, which has been offered.
        if (c !== first && fits && value < this.target) {
          this.recall(s, g);
          this.picks[g] = c;
          this.offer(value);
        }
        made.push(s, c, sumLoss, bound, trial);
      }
    }
    return states.count;
  }

  /** Looks for new multipliers when the levels since the last time were as much work as that is. */
  private learnIfPaid(g: number): void {
    const { start, loss } = this.instance;
    const open = loss.length - (start[g] as number);
    if (this.credit * worthOfCredit >= cutRounds * open) {
      this.learn(0, g);
      // The middle of a level needs other multipliers than its best state.
      if (this.states.count > fewStates) this.learn(this.states.count >> 1, g);
      this.credit = 0;
    }
    this.credit += this.states.count * ((start[g + 1] as number) - (start[g] as number));
  }

  /**
   * Adds the multipliers that are best for one state of level g to the cuts. Complete choices met on the way are
   * offered.
   */
  private learn(s: number, g: number): void {
    const { instance, options, states, open, picks } = this;
    const { m } = instance;
    const excess = options.objective === "excess";
    const decidedLoss = (states.loss[s] as number) - (open.firstLoss[g] as number);
    const rest = new Float64Array(m);
    for (let k = 0; k < m; k++) {
      const decided = (states.cost[s * m + k] as number) - (open.firstCost[g * m + k] as number);
      rest[k] = (options.limit[k] as number) - decided;
    }
    const known = this.cuts.strongest(states.loss[s] as number, states.cost, s * m, g);
    const spare: Sums = { loss: 0, cost: new Float64Array(m) };
    const dual = maximizeDual(instance, g, rest, {
      objective: options.objective,
      maxRounds: cutRounds,
      tolerance: cutTolerance * (this.upper - known.bound),
      enough: this.target - decidedLoss,
      ...(known.multipliers ? { start: known.multipliers } : {}),
      onPoint: (multipliers, _value, sums) => {
        let value = excess ? Number.NEGATIVE_INFINITY : decidedLoss + sums.loss;
        for (let k = 0; k < m; k++) {
          const over = (sums.cost[k] as number) - (rest[k] as number);
          if (excess) value = Math.max(value, over);
          else if (over > 0) return;
        }
        if (value >= this.target) return;
        this.recall(s, g);
        minimize(instance, g, multipliers, spare, picks);
        this.offer(value);
      },
    });
    if (dual.value + decidedLoss > known.bound + worthwhile * Math.abs(this.upper - known.bound)) {
      this.cuts.add(dual.multipliers);
    }
  }

  private offerRoot(rootLoss: number): void {
    let over = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < this.instance.m; k++) {
      over = Math.max(over, (this.open.firstCost[k] as number) - (this.options.limit[k] as number));
    }
    const value = this.options.objective === "excess" ? over : rootLoss;
    if (value >= this.target || (this.options.objective === "loss" && over > 0)) return;
    this.recall(0, 0);
    this.offer(value);
  }

  /** Sets `picks` to the choices behind a state of level g, the open groups at their first choice. */
  private recall(s: number, g: number): void {
    for (let h = g; h < this.instance.n; h++) this.picks[h] = this.instance.start[h] as number;
    this.trail.write(s, this.picks);
  }

  private offer(value: number): void {
    if (!this.options.accept(this.picks, value)) return;
    this.upper = value;
    this.target = targetOf(value);
  }
}
