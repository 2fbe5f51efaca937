import type { Bits } from "../hardware/profile.ts";
import { type ChannelView, checkedView, gatherRows, nonFiniteWeights, rowLength } from "../quant/channelView.ts";
import { fullRangeScale, lowestInt, roundingMagic } from "../quant/integerGrid.ts";
import { cellDivergence, divergenceBins } from "./cellDivergence.ts";
import type { WeightError, WeightStatistics } from "./types.ts";

export interface WeightStatisticsOptions {
  /** Weights that the KL divergence is estimated from, at most; `divergenceSample` by default. */
  readonly divergenceSample?: number;
}

/**
 * Weights of a layer that are counted for the KL divergence, at most; evenly spread over the layer. Our choice: counting
 * takes three times as long as measuring the error, and from 32768 weights on the smoothed histogram is known to a few percent.
 * Everything else is measured on all weights.
 */
const divergenceSample = 2 ** 15;

/**
 * Added to the stride of that sample, so that it is never an integer: multiples of the golden ratio's fraction fall evenly on all
 * remainders, and with them on all positions of a kernel and all input channels.
 */
const goldenFraction = 0.6180339887498949;

/**
 * Error energy over signal energy from which the quantized weights count as equal to the float ones: (2^-23)^2, the rounding of a float32
 * product. Weights that were quantized before, or are all zero, are exact.
 */
const exactRatio = 2 ** -46;

/** Channels gathered at once where a row is not contiguous: 16 floats are one cache line. */
const gatheredChannels = 16;

/**
 * What a layer's weights alone say of its sensitivity: sigma, range, and for each bitwidth the error of the paper's quantizer (per output
 * channel, min-max). Reads the weights once; a row stays in the cache while all bitwidths are tried on it.
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
  const tallies = bits.map((b) => new ErrorTally(b));
  let skip = 0;
  forEachRow(w, view, (row, at, length) => {
    signal?.throwIfAborted();
    const { min, max } = moments.add(row, at, length);
    for (const tally of tallies) tally.add(row, at, length, min, max, skip, stride);
    skip += Math.max(0, Math.ceil((length - skip) / stride)) * stride - length;
  });
  return {
    sigma: moments.sigma,
    min: w.length > 0 ? moments.min : 0,
    max: w.length > 0 ? moments.max : 0,
    errors: tallies.map((tally) => tally.result(moments.count, moments.energy)),
  };
}

/**
 * The paper's sensitivity of a layer for phase 2: its KL divergence normalized against the INT8 baseline to [0, 1). How the paper
 * normalizes is not published; ours is 1 - exp(-(KL_b - KL_8)), 0 for INT8 and what is no worse, close to the extra divergence
 * itself where that is small, and in the order of the divergences across layers and bits. Without an 8-bit entry the baseline is 0.
 */
export function normalizedKl(errors: readonly WeightError[]): ReadonlyMap<Bits, number> {
  const baseline = errors.find(({ bits }) => bits === 8)?.kl ?? 0;
  return new Map(errors.map(({ bits, kl }) => [bits, -Math.expm1(-Math.max(0, kl - baseline))]));
}

function sampleStride(weights: number, sample: number): number {
  return weights <= sample ? 1 : weights / sample + goldenFraction;
}

function forEachRow(
  w: Float32Array,
  view: ChannelView,
  run: (row: Float32Array, at: number, length: number) => void,
): void {
  const length = rowLength(view);
  if (length === 0) return;
  if (view.outer === 1) {
    for (let c = 0; c < view.channels; c++) run(w, c * length, length);
    return;
  }
  const rows = new Float32Array(Math.min(gatheredChannels, view.channels) * length);
  for (let c = 0; c < view.channels; c += gatheredChannels) {
    const count = Math.min(gatheredChannels, view.channels - c);
    gatherRows(w, view, c, count, rows);
    for (let k = 0; k < count; k++) run(rows, k * length, length);
  }
}

/** Running mean and variance over rows: sums about each row's first weight, merged as Chan, Golub and LeVeque (1983) do. */
class Moments {
  count = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  /** Sum of squares. */
  energy = 0;
  private mean = 0;
  /** Sum of squared deviations from the mean. */
  private deviations = 0;

  /** @returns the row's own range */
  add(row: Float32Array, at: number, length: number): { readonly min: number; readonly max: number } {
    const shift = row[at] as number;
    let min = shift;
    let max = shift;
    // Two of each: a sum waits for the one before it.
    let sumA = 0;
    let sumB = 0;
    let squaresA = 0;
    let squaresB = 0;
    const end = at + length;
    let i = at;
    for (; i + 1 < end; i += 2) {
      const v = row[i] as number;
      if (v < min) min = v;
      else if (v > max) max = v;
      const d = v - shift;
      sumA += d;
      squaresA += d * d;
      const u = row[i + 1] as number;
      if (u < min) min = u;
      else if (u > max) max = u;
      const e = u - shift;
      sumB += e;
      squaresB += e * e;
    }
    if (i < end) {
      const v = row[i] as number;
      min = Math.min(min, v);
      max = Math.max(max, v);
      sumA += v - shift;
      squaresA += (v - shift) * (v - shift);
    }
    const sum = sumA + sumB;
    const squares = squaresA + squaresB;
    // Sums of float32 squares stay far below the range of doubles, so that only NaN and infinities do this.
    if (!Number.isFinite(squares)) throw nonFiniteWeights();
    this.min = Math.min(this.min, min);
    this.max = Math.max(this.max, max);
    this.energy += squares + shift * (2 * sum + shift * length);
    const mean = shift + sum / length;
    const count = this.count + length;
    const delta = mean - this.mean;
    this.deviations += squares - (sum * sum) / length + (delta * delta * this.count * length) / count;
    this.mean += (delta * length) / count;
    this.count = count;
    return { min, max };
  }

  /** Population standard deviation. */
  get sigma(): number {
    return this.count > 0 ? Math.sqrt(Math.max(0, this.deviations) / this.count) : 0;
  }
}

/** What quantizing to one bitwidth does, row by row. */
class ErrorTally {
  private noise = 0;
  private readonly counts = new Uint32Array(divergenceBins);

  constructor(private readonly bits: Bits) {}

  add(row: Float32Array, at: number, length: number, min: number, max: number, skip: number, stride: number): void {
    const scale = fullRangeScale(Math.min(min, 0), Math.max(max, 0), this.bits);
    this.noise += scale * scale * roundingError(row, at, at + length, 1 / scale);
    // A dead channel is exact, whatever the bits: it has no shape to lose.
    if (min === max && min === 0) return;
    const perStep = divergenceBins / 2 ** this.bits;
    const perUnit = perStep / scale;
    const zero = (0.5 - lowestInt(this.bits)) * perStep;
    const { counts } = this;
    for (let i = skip; i < length; i += stride) {
      const bin = ((row[at + (i | 0)] as number) * perUnit + zero) | 0;
      counts[bin] = (counts[bin] as number) + 1;
    }
  }

  result(count: number, energy: number): WeightError {
    const { bits, noise } = this;
    if (noise <= energy * exactRatio) return { bits, kl: 0, sqnrDb: Number.POSITIVE_INFINITY, mse: 0 };
    return {
      bits,
      kl: cellDivergence(this.counts, 2 ** bits),
      sqnrDb: 10 * Math.log10(energy / noise),
      mse: noise / count,
    };
  }
}

/**
 * Sum of (x - round(x))^2 over x = row[i] * perUnit. No saturation: a min-max scale leaves nothing outside of the grid. Four
 * sums, because each addition waits for the one before it in the same sum.
 */
function roundingError(row: Float32Array, at: number, end: number, perUnit: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = at;
  for (; i + 3 < end; i += 4) {
    const w = (row[i] as number) * perUnit;
    const x = (row[i + 1] as number) * perUnit;
    const y = (row[i + 2] as number) * perUnit;
    const z = (row[i + 3] as number) * perUnit;
    const p = w - (w + roundingMagic - roundingMagic);
    const q = x - (x + roundingMagic - roundingMagic);
    const r = y - (y + roundingMagic - roundingMagic);
    const s = z - (z + roundingMagic - roundingMagic);
    a += p * p;
    b += q * q;
    c += r * r;
    d += s * s;
  }
  for (; i < end; i++) {
    const w = (row[i] as number) * perUnit;
    const p = w - (w + roundingMagic - roundingMagic);
    a += p * p;
  }
  return a + b + c + d;
}
