/**
 * Bins of a histogram, half of them for each sign. Our choice: the limit is a power of two, so that the largest value fills at least
 * half of its side and an 8-bit step is at least 4 bins wide; the counters of the hot loop are 16 KiB and stay in the L1 cache.
 */
const bins = 4096;
const half = bins / 2;

/** Counters of the hot loop are 32-bit; they move to doubles (exact to 2^53) before they could overflow. */
const maxPending = 2 ** 32 - 1;

/** Stretches of values in ascending order with what fell into each: count[i] values in [from[i], to[i]]; from = to where all are one value. */
export interface HistogramBins {
  readonly from: Float64Array;
  readonly to: Float64Array;
  readonly count: Float64Array;
}

/**
 * Streaming histogram of float32 values in constant memory: 4096 equal bins over (-limit, limit), limit a power of two that
 * doubles as larger values come (neighbouring bins merge, nothing is lost but resolution). Bins nest, so that the result depends neither on
 * the order of the values nor on how they were cut into pieces. Exact: count, zeros (half of what ReLU gives), min and max.
 * NaN and infinities are left out and counted: they have no place on a grid, and one bad sample should not end a calibration.
 */
export class Histogram {
  private readonly counts = new Float64Array(bins);
  private readonly pending = new Uint32Array(bins);
  private pendingCount = 0;
  /** 0 until the first value that is not zero. */
  private limit = 0;
  private finite = 0;
  private zeroCount = 0;
  private nonFiniteCount = 0;
  private lowest = Number.POSITIVE_INFINITY;
  private highest = Number.NEGATIVE_INFINITY;

  /** Finite values seen. */
  get count(): number {
    return this.finite;
  }

  /** Values that were exactly 0. */
  get zeros(): number {
    return this.zeroCount;
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

  /** Adds values, in two passes: range and zeros first, then bins. */
  add(data: Float32Array): void {
    if (data.length === 0) return;
    const first = data[0] as number;
    let min = first;
    let max = first;
    let poison = 0;
    let nonZero = 0;
    // The bits of a float without its sign are 0 only for zeros. Counting them so takes no branch: on ReLU outputs, where every
    // second value is a zero, a branch is predicted wrong so often that the pass takes three times as long.
    const patterns = new Int32Array(data.buffer, data.byteOffset, data.length);
    for (let i = 0; i < data.length; i++) {
      const v = data[i] as number;
      if (v < min) min = v;
      else if (v > max) max = v;
      poison += v * 0;
      const pattern = (patterns[i] as number) << 1;
      nonZero += (pattern | -pattern) >>> 31;
    }
    if (poison !== 0) {
      // 0 times NaN or infinity is NaN, and stays NaN.
      const finite = data.filter(Number.isFinite);
      this.nonFiniteCount += data.length - finite.length;
      this.add(finite);
      return;
    }
    this.finite += data.length;
    this.zeroCount += data.length - nonZero;
    this.lowest = Math.min(this.lowest, min);
    this.highest = Math.max(this.highest, max);
    if (nonZero > 0) this.countIn(data, Math.max(max, -min), data.length - nonZero);
  }

  /** Adds what another histogram has seen. */
  merge(other: Histogram): void {
    this.nonFiniteCount += other.nonFiniteCount;
    if (other.finite === 0) return;
    this.finite += other.finite;
    this.zeroCount += other.zeroCount;
    this.lowest = Math.min(this.lowest, other.lowest);
    this.highest = Math.max(this.highest, other.highest);
    if (other.limit === 0) return;
    this.growTo(other.limit);
    other.flush();
    const shift = shiftBetween(other.limit, this.limit);
    for (let i = 0; i < bins; i++) {
      const to = mergedBin(i, shift);
      this.counts[to] = (this.counts[to] as number) + (other.counts[i] as number);
    }
  }

  /** The non-empty bins, cut to [min, max]; zeros are a bin of their own. */
  nonEmptyBins(): HistogramBins {
    this.flush();
    const from: number[] = [];
    const to: number[] = [];
    const count: number[] = [];
    const width = this.limit / half;
    for (let i = 0; i < bins; i++) {
      if (i === half && this.zeroCount > 0) {
        from.push(0);
        to.push(0);
        count.push(this.zeroCount);
      }
      const inBin = this.counts[i] as number;
      if (inBin === 0) continue;
      const start = Math.max((i - half) * width, this.lowest);
      from.push(start);
      to.push(Math.max(start, Math.min((i + 1 - half) * width, this.highest)));
      count.push(inBin);
    }
    return { from: Float64Array.from(from), to: Float64Array.from(to), count: Float64Array.from(count) };
  }

  private countIn(data: Float32Array, largest: number, zeros: number): void {
    this.growTo(limitAbove(largest));
    if (this.pendingCount + data.length > maxPending) this.flush();
    const { pending } = this;
    const perUnit = half / this.limit;
    for (let i = 0; i < data.length; i++) {
      const bin = ((data[i] as number) * perUnit + half) | 0;
      pending[bin] = (pending[bin] as number) + 1;
    }
    pending[half] = (pending[half] as number) - zeros;
    this.pendingCount += data.length;
  }

  private growTo(limit: number): void {
    if (limit <= this.limit) return;
    this.flush();
    const shift = shiftBetween(this.limit, limit);
    const before = this.counts.slice();
    this.counts.fill(0);
    for (let i = 0; i < bins; i++) {
      const to = mergedBin(i, shift);
      this.counts[to] = (this.counts[to] as number) + (before[i] as number);
    }
    this.limit = limit;
  }

  private flush(): void {
    if (this.pendingCount === 0) return;
    for (let i = 0; i < bins; i++) this.counts[i] = (this.counts[i] as number) + (this.pending[i] as number);
    this.pending.fill(0);
    this.pendingCount = 0;
  }
}

/** The smallest power of two above x > 0 (for a power of two: its double). */
function limitAbove(x: number): number {
  const limit = 2 ** (Math.floor(Math.log2(x)) + 1);
  // The logarithm may be rounded down across an integer.
  return limit > x ? limit : limit * 2;
}

/** How often the smaller of two limits doubles to become the larger. Enough doublings to bring all bins into one do as well as more. */
function shiftBetween(from: number, to: number): number {
  return from === 0 ? 0 : Math.min(31, Math.round(Math.log2(to / from)));
}

/** Where a bin goes when the limit has doubled `shift` times: each side shrinks towards zero. */
function mergedBin(bin: number, shift: number): number {
  return bin >= half ? half + ((bin - half) >> shift) : half - 1 - ((half - 1 - bin) >> shift);
}
