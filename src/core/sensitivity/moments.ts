import { nonFiniteWeights } from "../quant/channelView.ts";

/**
 * Running mean and variance over rows: sums about each row's first weight, merged as Chan, Golub and LeVeque (1983) do.
 */
export class Moments {
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
    // An odd row starts at its second weight: the first one is its own shift, and adds nothing.
    for (let i = at + (length % 2); i < end; i += 2) {
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
    const sum = sumA + sumB;
    const squares = squaresA + squaresB;
    // Sums of float32 squares stay far below the range of doubles, so that only NaN and infinities do this.
    if (!Number.isFinite(squares) || !Number.isFinite(shift)) throw nonFiniteWeights();
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
