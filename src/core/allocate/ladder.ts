import { coreOf, targetOf } from "./core.ts";
import { searchCore } from "./coreSearch.ts";
import type { DualPoint, Objective } from "./dual.ts";
import type { Instance } from "./instance.ts";

export interface LadderOptions {
  readonly objective: Objective;
  readonly limit: Float64Array;
  /** Multipliers and their dual values, best first. At least one. */
  readonly points: readonly DualPoint[];
  /** Value to beat. */
  readonly upper: number;
  /** Largest value that is good enough given a bound. */
  readonly enough: (bound: number) => number;
  /** A choice (flat index per group) that beats `upper`; true when it holds up in the caller's own numbers. */
  readonly accept: (picks: Int32Array, value: number) => boolean;
  readonly stop: () => boolean;
}

/**
 * States per level, one search after the other: a narrow one costs next to nothing and finds a good choice, after which
 * reduced costs fix more and the next one has less to do. The last, at some 150 MB, is what we are ready to spend.
 */
const widths = [32, 256, 2048, 16384, 131072] as const;
/**
 * The pilot: a search of the groups most in doubt alone, for a good choice to begin with. It proves nothing, and takes
 * a millisecond where the narrowest search of a large core takes tens. Our choice, by measurement.
 */
const pilot = { groups: 24, width: 64 } as const;
/** Points that fix by reduced cost: the bound is nearly the same at the best ones, what they fix is not. Our choice. */
const fixingPoints = 24;
/** Points whose multipliers start the cuts. Our choice. */
const cutPoints = 16;

/**
 * Searches the core with growing width until the best choice is proven to be good enough, or the widest search is done.
 * Returns a lower bound on the value of every choice that would beat the last accepted one, or `upper`: Infinity when
 * it is proven that there is none.
 */
export function climb(instance: Instance, options: LadderOptions): number {
  const { points, limit, objective, stop } = options;
  let { upper } = options;
  let bound = (points[0] as DualPoint).value;
  let multipliers: readonly Float64Array[] = points.slice(0, cutPoints).map((point) => point.multipliers);
  const search = (width: number, groups?: number): number => {
    const core = coreOf(instance, limit, points.slice(0, fixingPoints), upper, groups);
    if (core === undefined) return upper;
    const found = searchCore(core.instance, {
      objective,
      limit: core.limit,
      baseLoss: core.baseLoss,
      multipliers,
      width,
      upper,
      enough: options.enough(bound),
      accept: (picks, value) => {
        const whole = core.settled.slice();
        for (const [g, c] of picks.entries()) whole[core.group[g] as number] = core.choice[c] as number;
        if (!options.accept(whole, value)) return false;
        upper = value;
        return true;
      },
      stop,
    });
    multipliers = found.multipliers;
    return found.bound;
  };
  const done = (): boolean => upper <= options.enough(bound) || bound >= targetOf(upper) || stop();

  if (!done()) search(pilot.width, pilot.groups);
  for (const width of widths) {
    if (done()) break;
    bound = Math.max(bound, search(width));
  }
  return bound >= targetOf(upper) ? Number.POSITIVE_INFINITY : bound;
}
