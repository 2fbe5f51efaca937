/**
 * Bits of a float32 that do not choose its bin. Our choice: 5 bits of the mantissa do, so that a bin is 1.6 to 3.1 %
 * of its values wide, and percentiles, interpolated within a bin, are good to a fraction of that; the counters take
 * 64 KiB.
 */
const ignoredBits = 18;
const bins = 2 ** (32 - ignoredBits);
/** Bins of one sign; the negative ones follow the positive ones, as in the bits of a float. */
const half = bins / 2;
/** Within a sign: the first bin of the exponent that NaN and infinities have. */
const firstNonFinite = 255 << (23 - ignoredBits);

/** Counters of the hot loop are 32-bit; they move to doubles (exact to 2^53) before they could overflow. */
const maxCount = 2 ** 32 - 1;

/**
 * Stretches of values in ascending order with what fell into each: count[i] values in [from[i], to[i]]; from = to
 * where all are one value.
 */
export interface HistogramBins {
  readonly from: Float64Array;
  readonly to: Float64Array;
  readonly count: Float64Array;
}

/**
 * Streaming histogram of float32 values in constant memory. The bins are logarithmic: sign, exponent and the first
 * bits of the mantissa. So no range has to be known or to grow, one outlier (a mask of -3.4e38) takes no resolution
 * from the rest, and the result depends neither on the order of the values nor on how they were cut into pieces.
 * Minimum and maximum are exact. NaN and infinities are left out and counted: they have no place on a grid, and one
 * bad sample should not end a calibration.
 */
export class Histogram {
  private readonly counts = new Uint32Array(bins);
  private counted = 0;
  /** Counts moved out of `counts`. */
  private earlier: Float64Array | undefined;
  private total = 0;
  private nonFiniteCount = 0;
  private lowest = Number.POSITIVE_INFINITY;
  private highest = Number.NEGATIVE_INFINITY;

  /** Finite values seen. */
  get count(): number {
    return this.total - this.nonFiniteCount;
  }

  /** NaN and infinities, which are in no other figure. */
  get nonFinite(): number {
    return this.nonFiniteCount;
  }

  /** Smallest finite value, Infinity without one. */
  get min(): number {
    return this.lowest;
  }

  /** Largest finite value, -Infinity without one. */
  get max(): number {
    return this.highest;
  }

  add(data: Float32Array): void {
    if (this.counted + data.length > maxCount) this.moveCounts();
    const { counts } = this;
    const before = nonFiniteIn(counts);
    const patterns = new Uint32Array(data.buffer, data.byteOffset, data.length);
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < data.length; i++) {
      const v = data[i] as number;
      if (v < min) min = v;
      if (v > max) max = v;
      const bin = (patterns[i] as number) >>> ignoredBits;
      counts[bin] = (counts[bin] as number) + 1;
    }
    this.total += data.length;
    this.counted += data.length;
    this.nonFiniteCount += nonFiniteIn(counts) - before;
    if (min === Number.NEGATIVE_INFINITY || max === Number.POSITIVE_INFINITY) [min, max] = finiteRange(data);
    this.lowest = Math.min(this.lowest, min);
    this.highest = Math.max(this.highest, max);
  }

  /** Adds what another histogram has seen. */
  merge(other: Histogram): void {
    this.moveCounts();
    const { earlier } = this;
    if (earlier) for (let i = 0; i < bins; i++) earlier[i] = (earlier[i] as number) + other.countOf(i);
    this.total += other.total;
    this.nonFiniteCount += other.nonFiniteCount;
    this.lowest = Math.min(this.lowest, other.lowest);
    this.highest = Math.max(this.highest, other.highest);
  }

  /** The non-empty bins of finite values, cut to [min, max]. Zeros, of either sign, are a bin of their own. */
  nonEmptyBins(): HistogramBins {
    const from: number[] = [];
    const to: number[] = [];
    const count: number[] = [];
    const push = (start: number, end: number, inBin: number) => {
      if (inBin === 0) return;
      from.push(Math.max(start, this.lowest));
      to.push(Math.min(end, this.highest));
      count.push(inBin);
    };
    for (let i = firstNonFinite - 1; i > 0; i--) push(-edge(i + 1), -edge(i), this.countOf(half + i));
    // Beside zeros these hold what is below 2^-131, too small for the scale of any grid.
    push(0, 0, this.countOf(0) + this.countOf(half));
    for (let i = 1; i < firstNonFinite; i++) push(edge(i), edge(i + 1), this.countOf(i));
    return { from: Float64Array.from(from), to: Float64Array.from(to), count: Float64Array.from(count) };
  }

  private countOf(bin: number): number {
    return (this.counts[bin] as number) + (this.earlier?.[bin] ?? 0);
  }

  private moveCounts(): void {
    this.earlier ??= new Float64Array(bins);
    for (let i = 0; i < bins; i++) this.earlier[i] = (this.earlier[i] as number) + (this.counts[i] as number);
    this.counts.fill(0);
    this.counted = 0;
  }
}

function nonFiniteIn(counts: Uint32Array): number {
  let sum = 0;
  for (let i = firstNonFinite; i < half; i++) sum += (counts[i] as number) + (counts[half + i] as number);
  return sum;
}

function finiteRange(data: Float32Array): [number, number] {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const v of data) {
    if (!Number.isFinite(v)) continue;
    min = Math.min(min, v);
    max = Math.max(max, v);
  }
  return [min, max];
}

const pattern = new Uint32Array(1);
const value = new Float32Array(pattern.buffer);

/** The smallest value of positive bin i; for the first bin beyond the finite ones, 2^128. */
function edge(i: number): number {
  if (i >= firstNonFinite) return 2 ** 128;
  pattern[0] = i << ignoredBits;
  return value[0] as number;
}
