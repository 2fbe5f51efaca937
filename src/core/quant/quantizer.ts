import { assertNever } from "../errors.ts";
import type { Bits } from "../hardware/profile.ts";
import { blocksPerRow, type ChannelView, checkedView, forEachRow, nonFiniteWeights, rowLength } from "./channelView.ts";
import { dequantizeInts, quantizeDequantize, quantizeInts } from "./elementwise.ts";
import { fullRangeScale, narrowRangeScale, storedScale } from "./integerGrid.ts";
import { leastErrorScale, percentileScale } from "./scaleSearch.ts";

/**
 * How a channel's scale is found.
 * - "minmax": the paper's, over the whole signed range [-2^(b-1), 2^(b-1)-1]. The default.
 * - "narrow": the symmetric textbook form, max|w|/(2^(b-1)-1). Kept for comparison: its scale is never smaller than
 *   "minmax"'s, and on channels that lean to the negative side twice as large at 2 bits. Measured on the ResNet-20 and
 *   MobileNetV2-style models of the tests the MSE of "minmax" is lower or equal at every bitwidth.
 * - "mse": least squared error, clipping where that pays. What low bits want: at 2 bits min-max rounds most weights
 * of a
 *   bell-shaped channel to 0.
 * - "percentile": min-max after clipping |w| at the 99.9 percentile.
 */
export type WeightRange = "minmax" | "narrow" | "mse" | "percentile";

/**
 * Integers in the layout of the float weights; scale of element k of channel c's row: scales[c * blocks + floor(k /
 * blockSize)].
 */
export interface QuantizedWeights {
  readonly bits: Bits;
  readonly q: Int8Array;
  readonly scales: Float32Array;
  readonly view: ChannelView;
  /** Consecutive elements of a row that share a scale; the whole row unless block-wise. */
  readonly blockSize: number;
}

/**
 * Scales of all (channel, block) pairs, [channels * blocks].
 * @throws SQ2101 when a weight is not finite
 */
export function weightScales(
  w: Float32Array,
  view: ChannelView,
  bits: Bits,
  range: WeightRange = "minmax",
  blockSize: number = rowLength(view),
  signal?: AbortSignal,
): Float32Array {
  const length = rowLength(view);
  const blocks = blocksPerRow(view, blockSize);
  const scales = new Float32Array(view.channels * blocks);
  if (length === 0) return scales.fill(storedScale(0));
  if (view.inner === 1 && view.outer > 1 && blocks === 1 && (range === "minmax" || range === "narrow")) {
    return columnScales(w, view, bits, range, scales, signal);
  }
  const scratch = new Float32Array(range === "percentile" ? Math.min(length, blockSize) : 0);
  forEachRow(w, view, (row, at, _length, c) => {
    signal?.throwIfAborted();
    for (let b = 0; b < blocks; b++) {
      const size = Math.min(blockSize, length - b * blockSize);
      scales[c * blocks + b] = rowScale(row, at + b * blockSize, size, bits, range, scratch);
    }
  });
  return scales;
}

/** Scales of the columns of a matrix by their ranges, all at once: twice as fast as to gather each first. */
function columnScales(
  w: Float32Array,
  { outer, channels }: ChannelView,
  bits: Bits,
  range: "minmax" | "narrow",
  scales: Float32Array,
  signal: AbortSignal | undefined,
): Float32Array {
  const min = new Float32Array(channels);
  const max = new Float32Array(channels);
  let poison = 0;
  for (let o = 0; o < outer; o++) {
    signal?.throwIfAborted();
    poison += widenRanges(w, o * channels, min, max);
  }
  if (poison !== 0) throw nonFiniteWeights();
  const scaleOf = range === "minmax" ? fullRangeScale : narrowRangeScale;
  for (let c = 0; c < channels; c++) scales[c] = scaleOf(min[c] as number, max[c] as number, bits);
  return scales;
}

/** Takes one row of a matrix into the ranges of its columns. @returns NaN where a weight is not finite, else 0 */
function widenRanges(w: Float32Array, at: number, min: Float32Array, max: Float32Array): number {
  let poison = 0;
  let more = 0;
  const even = min.length - (min.length % 2);
  // Two of them: a sum waits for the one before it.
  for (let c = 0; c < even; c += 2) {
    const v = w[at + c] as number;
    const u = w[at + c + 1] as number;
    if (v < (min[c] as number)) min[c] = v;
    else if (v > (max[c] as number)) max[c] = v;
    if (u < (min[c + 1] as number)) min[c + 1] = u;
    else if (u > (max[c + 1] as number)) max[c + 1] = u;
    poison += v * 0;
    more += u * 0;
  }
  if (even < min.length) {
    const v = w[at + even] as number;
    min[even] = Math.min(min[even] as number, v);
    max[even] = Math.max(max[even] as number, v);
    poison += v * 0;
  }
  return poison + more;
}

function rowScale(
  row: Float32Array,
  at: number,
  length: number,
  bits: Bits,
  range: WeightRange,
  scratch: Float32Array,
): number {
  let min = 0;
  let max = 0;
  let poison = 0;
  for (let i = at; i < at + length; i++) {
    const v = row[i] as number;
    if (v < min) min = v;
    else if (v > max) max = v;
    poison += v * 0;
  }
  // 0 times NaN or infinity is NaN, and stays NaN.
  if (poison !== 0) throw nonFiniteWeights();
  switch (range) {
    case "minmax":
      return fullRangeScale(min, max, bits);
    case "narrow":
      return narrowRangeScale(min, max, bits);
    case "mse":
      return leastErrorScale(row, at, length, bits);
    case "percentile":
      return percentileScale(row, at, length, bits, scratch);
    default:
      return assertNever(range);
  }
}

/** Rounds (half to even) and saturates w to b-bit integers with given scales. Integers in the layout of w. */
export function quantizeWithScales(
  w: Float32Array,
  view: ChannelView,
  scales: Float32Array,
  bits: Bits,
  blockSize: number = rowLength(view),
): QuantizedWeights {
  const q = new Int8Array(w.length);
  quantizeInts(w, view, scales, bits, blockSize, q);
  return { bits, q, scales, view, blockSize };
}

/**
 * Symmetric signed b-bit integers per output channel (or per block of a channel's row).
 * @param shape dims of w, row-major; @param axis its output-channel axis
 * @throws SQ2101 when a weight is not finite; SQ9101, SQ9102 when shape, axis and data do not belong together
 */
export function quantizeWeights(
  w: Float32Array,
  shape: readonly number[],
  axis: number,
  bits: Bits,
  range: WeightRange = "minmax",
  options: { readonly blockSize?: number } = {},
  signal?: AbortSignal,
): QuantizedWeights {
  const view = checkedView(w.length, shape, axis);
  const blockSize = options.blockSize ?? rowLength(view);
  return quantizeWithScales(w, view, weightScales(w, view, bits, range, blockSize, signal), bits, blockSize);
}

/** scale * q as float32, as DequantizeLinear computes it, into `into` (same layout; a new array by default). */
export function dequantize(quantized: QuantizedWeights, into?: Float32Array): Float32Array {
  const { q, scales, view, blockSize } = quantized;
  const w = into ?? new Float32Array(q.length);
  dequantizeInts(q, view, scales, blockSize, w);
  return w;
}

/**
 * Quantizes and dequantizes in one pass, into a given buffer (may be w itself). Same numbers as
 * dequantize(quantizeWeights(...)), without the integers.
 */
export function fakeQuantize(
  w: Float32Array,
  shape: readonly number[],
  axis: number,
  bits: Bits,
  range: WeightRange,
  into: Float32Array,
  signal?: AbortSignal,
): Float32Array {
  const view = checkedView(w.length, shape, axis);
  return fakeQuantizeWithScales(w, view, weightScales(w, view, bits, range, rowLength(view), signal), bits, into);
}

/** fakeQuantize with given scales (per channel, or per block of a row), into a given buffer. */
export function fakeQuantizeWithScales(
  w: Float32Array,
  view: ChannelView,
  scales: Float32Array,
  bits: Bits,
  into: Float32Array,
  blockSize: number = rowLength(view),
): Float32Array {
  quantizeDequantize(w, view, scales, bits, blockSize, into);
  return into;
}
