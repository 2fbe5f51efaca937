import type { ActivationBits } from "../hardware/profile.ts";
import { type AffineGrid, affineGrid, highestUnsigned } from "./affineGrid.ts";
import type { Histogram, HistogramBin } from "./histogram.ts";
import { roundHalfEven } from "./integerGrid.ts";

/** The paper's: activations are clipped at their 99.9 percentile. */
export const activationPercentile = 0.999;

/**
 * The 0.1 and the 99.9 percentile of all values (nearest rank, interpolated within a bin). The paper speaks of one percentile; on an
 * activation with both signs each end is cut at its own, as the percentile quantizers of HAWQ do, because the tails may differ.
 * Of ReLU's outputs the lower one is 0 and the upper one is the paper's. Where so many values are zero that both percentiles
 * are (one-hot inputs), nothing is clipped: the rest is the signal.
 */
export function percentileRange(histogram: Histogram): readonly [number, number] {
  const bins = histogram.nonEmptyBins();
  const rank = Math.ceil(activationPercentile * histogram.count);
  const high = valueAtRank(bins, rank);
  // The k-th smallest is the (n + 1 - k)-th largest; counted from the other end the two tails are treated alike.
  const low = -valueAtRank(
    bins.toReversed().map(({ from, to, count }) => ({ from: -to, to: -from, count })),
    rank,
  );
  return low < 0 || high > 0 ? [low, high] : [histogram.min, histogram.max];
}

function valueAtRank(bins: readonly HistogramBin[], rank: number): number {
  let before = 0;
  for (const { from, to, count } of bins) {
    if (before + count >= rank) return from + ((to - from) * (rank - before)) / count;
    before += count;
  }
  return bins.at(-1)?.to ?? 0;
}

/** Ratio between neighbouring clipping points of the coarse search. Our choice, as for weights: the minimum is wider than that. */
const coarseRatio = 0.9;
/** Steps of the fine search on one end. Our choice: half and a quarter of the coarse spacing. */
const fineRatios = [1.05, 1.025, 0.975, 0.95] as const;
/** Rounds over both ends, each with the other end fixed. Our choice: the third hardly ever moves anything. */
const rounds = 3;
/** The smallest clipping point tried, relative to the end: the histogram is not finer than that. */
const smallestClip = 2 ** -11;

/**
 * The grid with the least expected squared error over the histogram: each end is clipped where that pays, in turns, starting at min-max.
 * Never worse than min-max on the histogram.
 */
export function leastErrorRange(histogram: Histogram, bits: ActivationBits): AffineGrid {
  const bins = histogram.nonEmptyBins();
  const ends = { low: Math.min(histogram.min, 0), high: Math.max(histogram.max, 0) };
  const widest = { ...ends };
  let best = affineGrid(ends.low, ends.high, bits);
  let error = expectedError(bins, best, bits);
  const consider = (end: "low" | "high", value: number) => {
    const tried = { ...ends, [end]: value };
    const grid = affineGrid(tried.low, tried.high, bits);
    const found = expectedError(bins, grid, bits, error);
    if (found >= error) return;
    best = grid;
    error = found;
    ends[end] = value;
  };
  for (let round = 0; round < rounds; round++) {
    const before = error;
    for (const end of ["high", "low"] as const) {
      if (widest[end] === 0) continue;
      for (let clip = 1; clip >= smallestClip; clip *= coarseRatio) consider(end, widest[end] * clip);
      const coarse = ends[end];
      for (const ratio of fineRatios) consider(end, clamped(coarse * ratio, widest));
    }
    if (error === before) break;
  }
  return best;
}

function clamped(value: number, { low, high }: { readonly low: number; readonly high: number }): number {
  return Math.min(high, Math.max(low, value));
}

/**
 * Sum over all values of (x - dequantize(quantize(x)))^2, values spread evenly over their bin. Exact for that density, at any
 * ratio of bins to steps: the integral of the squared error has a closed form. Infinity once it reaches `limit`.
 */
export function expectedError(
  bins: readonly HistogramBin[],
  { scale, zeroPoint }: AffineGrid,
  bits: ActivationBits,
  limit = Number.POSITIVE_INFINITY,
): number {
  const lowest = -zeroPoint;
  const highest = highestUnsigned(bits) - zeroPoint;
  const stop = limit / scale / scale;
  let sum = 0;
  for (const { from, to, count } of bins) {
    const a = from / scale;
    const b = to / scale;
    const p = nearest(a, lowest, highest);
    if (from === to) {
      sum += count * (a - p) * (a - p);
    } else {
      // The integral of (x - q(x))^2 from 0 to x is q / 12 + (x - q)^3 / 3: 1/12 for each whole step, and the cubic of the rest.
      const q = nearest(b, lowest, highest);
      sum += (count * ((q - p) / 12 + ((b - q) ** 3 - (a - p) ** 3) / 3)) / (b - a);
    }
    if (sum >= stop) return Number.POSITIVE_INFINITY;
  }
  return sum * scale * scale;
}

function nearest(x: number, lowest: number, highest: number): number {
  return roundHalfEven(Math.min(highest, Math.max(lowest, x)));
}
