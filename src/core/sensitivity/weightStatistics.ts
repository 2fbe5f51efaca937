import type { Bits } from "../hardware/profile.ts";
import { checkedView, forEachRow } from "../quant/channelView.ts";
import { ErrorTally } from "./errorTally.ts";
import { Moments } from "./moments.ts";
import type { WeightError, WeightStatistics } from "./types.ts";

export interface WeightStatisticsOptions {
  /** Weights that the KL divergence is estimated from, at most; `divergenceSample` by default. */
  readonly divergenceSample?: number;
  /** Consecutive weights of a channel that share a scale; all of them without it. */
  readonly blockSize?: number;
}

/**
 * Weights of a layer that are counted for the KL divergence, at most; evenly spread over the layer. Our choice:
 * counting takes three times as long as measuring the error, and from 16384 weights on the smoothed histogram gives
 * the divergence to a few percent. Everything else is measured on all weights.
 */
const divergenceSample = 2 ** 14;

/**
 * Added to the stride of that sample, so that it is never an integer: multiples of the golden ratio's fraction fall
 * evenly on all remainders, and with them on all positions of a kernel and all input channels.
 */
const goldenFraction = 0.6180339887498949;

/**
 * What a layer's weights alone say of its sensitivity: sigma, range, and for each bitwidth the error of the paper's
 * quantizer (per output channel, min-max). Reads the weights once; a row stays in the cache while all bitwidths are
 * tried on it.
 * @param shape dims of w, row-major; @param axis its output-channel axis
 * @throws SQ2101 when a weight is not finite; SQ9101, SQ9102 when shape, axis and data do not belong together
 */
export function weightStatistics(
  w: Float32Array,
  shape: readonly number[],
  axis: number,
  bits: readonly Bits[],
  options: WeightStatisticsOptions = {},
  signal?: AbortSignal,
): WeightStatistics {
  const view = checkedView(w.length, shape, axis);
  const stride = sampleStride(w.length, options.divergenceSample ?? divergenceSample);
  const moments = new Moments();
  const tally = new ErrorTally(bits);
  let skip = 0;
  forEachRow(w, view, (row, at, length) => {
    signal?.throwIfAborted();
    const block = options.blockSize ?? length;
    for (let from = 0; from < length; from += block) {
      const size = Math.min(block, length - from);
      const { min, max } = moments.add(row, at + from, size);
      tally.add(row, at + from, size, min, max);
      // A dead channel is exact, whatever the bits: it has no shape to lose.
      if (min !== 0 || max !== 0) tally.count(row, at + from, size, skip, stride);
      skip += Math.max(0, Math.ceil((size - skip) / stride)) * stride - size;
    }
  });
  return {
    sigma: moments.sigma,
    min: w.length > 0 ? moments.min : 0,
    max: w.length > 0 ? moments.max : 0,
    errors: tally.errors(moments.count, moments.energy),
  };
}

/**
 * The paper's sensitivity of a layer for phase 2: its KL divergence normalized against the INT8 baseline to [0, 1).
 * How the paper normalizes is not published; ours is 1 - exp(-(KL_b - KL_8)), 0 for INT8 and what is no worse, close
 * to the extra divergence itself where that is small, and in the order of the divergences across layers and bits.
 * Without an 8-bit entry the baseline is 0.
 */
export function normalizedKl(errors: readonly WeightError[]): ReadonlyMap<Bits, number> {
  const baseline = errors.find(({ bits }) => bits === 8)?.kl ?? 0;
  return new Map(errors.map(({ bits, kl }) => [bits, -Math.expm1(-Math.max(0, kl - baseline))]));
}

function sampleStride(weights: number, sample: number): number {
  return weights <= sample ? 1 : weights / sample + goldenFraction;
}
