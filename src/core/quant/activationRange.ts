import type { ActivationBits } from "../hardware/profile.ts";
import { type AffineGrid, affineGrid, highestUnsigned } from "./affineGrid.ts";
import type { Histogram, HistogramBins } from "./histogram.ts";
import { roundingMagic } from "./integerGrid.ts";

/** The paper's: activations are clipped at their 99.9 percentile. */
export const activationPercentile = 0.999;

/**
 * The 0.1 and the 99.9 percentile of all values (nearest rank, interpolated within a bin). The paper speaks of one
 * percentile; on an activation with both signs each end is cut at its own, as the percentile quantizers of HAWQ do,
 * because the tails may differ. Of ReLU's outputs the lower one is 0 and the upper one is the paper's. Where so many
 * values are zero that both percentiles are (one-hot inputs), nothing is clipped: the rest is the signal.
 */
export function percentileRange(histogram: Histogram): readonly [number, number] {
  const { from, to, count } = histogram.nonEmptyBins();
  const rank = Math.ceil(activationPercentile * histogram.count);
  const high = valueAtRank(from, to, count, rank);
  // Mirrored, so that both tails are treated alike.
  const low = -valueAtRank(to.toReversed().map(negative), from.toReversed().map(negative), count.toReversed(), rank);
  return low < 0 || high > 0 ? [low, high] : [histogram.min, histogram.max];
}

function negative(x: number): number {
  return -x;
}

function valueAtRank(from: Float64Array, to: Float64Array, count: Float64Array, rank: number): number {
  let before = 0;
  for (let i = 0; i < count.length; i++) {
    const inBin = count[i] as number;
    const start = from[i] as number;
    if (before + inBin >= rank) return start + (((to[i] as number) - start) * (rank - before)) / inBin;
    before += inBin;
  }
  return to.at(-1) ?? 0;
}

/**
 * Ratio between neighbouring clipping points of the coarse search. Our choice, as for weights: the minimum is wider
 * than that.
 */
const coarseRatio = 0.9;
/**
 * The smallest clipping point tried, relative to the end. Our choice: where an outlier is that far out, clipping it
 * costs more than all else.
 */
const smallestClip = 2 ** -11;
/** Steps of the fine search on one end. Our choice: about one, a half and a quarter of the coarse spacing. */
const fineRatios = [1.1, 1.05, 1.025, 0.975, 0.95, 0.9] as const;
/** Fine rounds over both ends, each with the other end fixed. Our choice: most activations are done after two. */
const fineRounds = 6;

/**
 * The grid with the least expected squared error over the histogram: from min-max on, each end is clipped where that
 * pays, first coarsely over the whole range, then in turns around the best. Never worse than min-max on the
 * histogram.
 */
export function leastErrorRange(histogram: Histogram, bits: ActivationBits): AffineGrid {
  const bins = histogram.nonEmptyBins();
  const widest = { low: Math.min(histogram.min, 0), high: Math.max(histogram.max, 0) };
  const ends = { ...widest };
  let best = affineGrid(ends.low, ends.high, bits);
  let error = expectedError(bins, best, bits);
  const consider = (end: "low" | "high", value: number): void => {
    const tried = { ...ends, [end]: Math.min(widest.high, Math.max(widest.low, value)) };
    const grid = affineGrid(tried.low, tried.high, bits);
    const found = expectedError(bins, grid, bits, error);
    if (found >= error) return;
    best = grid;
    error = found;
    ends[end] = tried[end];
  };
  const sides = (["high", "low"] as const).filter((end) => widest[end] !== 0);
  for (const end of sides) {
    for (let clip = coarseRatio; clip >= smallestClip; clip *= coarseRatio) consider(end, widest[end] * clip);
  }
  for (let round = 0; round < fineRounds; round++) {
    const before = error;
    for (const end of sides) {
      const centre = ends[end];
      for (const ratio of fineRatios) consider(end, centre * ratio);
    }
    if (error === before) break;
  }
  return best;
}

/**
 * Sum over all values of (x - dequantize(quantize(x)))^2, values spread evenly over their bin. Exact for that
 * density, however many steps a bin or bins a step has: the integral of the squared error has a closed form. Infinity
 * once it reaches `limit`.
 */
export function expectedError(
  { from, to, count }: HistogramBins,
  { scale, zeroPoint }: AffineGrid,
  bits: ActivationBits,
  limit = Number.POSITIVE_INFINITY,
): number {
  const perScale = 1 / scale;
  const lowest = -zeroPoint;
  const highest = highestUnsigned(bits) - zeroPoint;
  const stop = limit * perScale * perScale;
  let sum = 0;
  for (let i = 0; i < count.length; i++) {
    const a = (from[i] as number) * perScale;
    const b = (to[i] as number) * perScale;
    const p = nearest(a, lowest, highest);
    const restA = a - p;
    if (a === b) {
      sum += (count[i] as number) * restA * restA;
    } else {
      // The integral of (x - q(x))^2 from 0 to x is q / 12 + (x - q)^3 / 3: 1/12 for each whole step, and the cubic
      // of the rest.
      const q = nearest(b, lowest, highest);
      const restB = b - q;
      const integral = (q - p) / 12 + (restB * restB * restB - restA * restA * restA) / 3;
      sum += ((count[i] as number) * integral) / (b - a);
    }
    if (sum >= stop) return Number.POSITIVE_INFINITY;
  }
  return sum * scale * scale;
}

function nearest(x: number, lowest: number, highest: number): number {
  return Math.max(lowest, Math.min(highest, x)) + roundingMagic - roundingMagic;
}
