import type { Bits } from "../hardware/profile.ts";
import { fullRangeScale, lowestInt, roundingMagic } from "../quant/integerGrid.ts";
import { cellDivergence, divergenceBins } from "./cellDivergence.ts";
import type { WeightError } from "./types.ts";

/**
 * Error energy over signal energy from which the quantized weights count as equal to the float ones: (2^-23)^2, the
 * rounding of a float32 product. Weights that were quantized before, or are all zero, are exact.
 */
const exactRatio = 2 ** -46;

/** What min-max quantization to several bitwidths does to a layer, row by row. */
export class ErrorTally {
  /** Per bitwidth; one entry more where their number is odd, because they are tried in pairs. */
  private readonly scales: Float64Array;
  private readonly noise: Float64Array;
  private readonly counts: readonly Uint32Array[];
  private readonly pair = new Float64Array(2);

  constructor(private readonly bits: readonly Bits[]) {
    const even = bits.length + (bits.length % 2);
    this.scales = new Float64Array(even).fill(1);
    this.noise = new Float64Array(even);
    this.counts = bits.map((b) => new Uint32Array(divergenceBins(b)));
  }

  /** Adds the squared error of a channel's row, whose range is [min, max]. */
  add(row: Float32Array, at: number, length: number, min: number, max: number): void {
    const { bits, scales, noise, pair } = this;
    for (let b = 0; b < bits.length; b++) {
      scales[b] = fullRangeScale(Math.min(min, 0), Math.max(max, 0), bits[b] as Bits);
    }
    for (let b = 0; b < bits.length; b += 2) {
      const first = scales[b] as number;
      const second = scales[b + 1] as number;
      roundingErrors(row, at, at + length, 1 / first, 1 / second, pair);
      noise[b] = (noise[b] as number) + first * first * (pair[0] as number);
      noise[b + 1] = (noise[b + 1] as number) + second * second * (pair[1] as number);
    }
  }

  /**
   * Counts every stride-th weight of the row last added, from `skip` on, for the KL divergence. `stride` may be a
   * fraction.
   */
  count(row: Float32Array, at: number, length: number, skip: number, stride: number): void {
    for (let b = 0; b < this.bits.length; b++) {
      const bits = this.bits[b] as Bits;
      const counts = this.counts[b] as Uint32Array;
      const perStep = counts.length / (1 << bits);
      const perUnit = perStep / (this.scales[b] as number);
      const zero = (0.5 - lowestInt(bits)) * perStep;
      for (let i = skip; i < length; i += stride) {
        const bin = ((row[at + (i | 0)] as number) * perUnit + zero) | 0;
        counts[bin] = (counts[bin] as number) + 1;
      }
    }
  }

  /** @param count weights added; @param energy their sum of squares */
  errors(count: number, energy: number): WeightError[] {
    return this.bits.map((bits, b) => {
      const noise = this.noise[b] as number;
      if (noise <= energy * exactRatio) return { bits, kl: 0, sqnrDb: Number.POSITIVE_INFINITY, mse: 0 };
      return {
        bits,
        kl: cellDivergence(this.counts[b] as Uint32Array, bits),
        sqnrDb: 10 * Math.log10(energy / noise),
        mse: noise / count,
      };
    });
  }
}

/**
 * into[0], into[1] = sum of (x - round(x))^2 over x = row[i] * perUnit, for two units at a time: the two sums do not
 * wait for each other, and the weight is loaded once. No saturation: a min-max scale leaves nothing outside of the
 * grid.
 */
function roundingErrors(
  row: Float32Array,
  at: number,
  end: number,
  perUnitA: number,
  perUnitB: number,
  into: Float64Array,
): void {
  const magic = roundingMagic;
  let a = 0;
  let b = 0;
  for (let i = at; i < end; i++) {
    const w = row[i] as number;
    const x = w * perUnitA;
    const p = x - (x + magic - magic);
    a += p * p;
    const y = w * perUnitB;
    const q = y - (y + magic - magic);
    b += q * q;
  }
  into[0] = a;
  into[1] = b;
}
