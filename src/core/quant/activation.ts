import { assertNever } from "../errors.ts";
import type { ActivationBits } from "../hardware/profile.ts";
import { leastErrorRange, percentileRange } from "./activationRange.ts";
import { type AffineGrid, affineGrid } from "./affineGrid.ts";
import { Histogram } from "./histogram.ts";

/**
 * How the range of an activation is found.
 * - "minmax": all that was seen.
 * - "percentile": the paper's 99.9 %, see percentileRange. The default elsewhere in the program.
 * - "mse": the clipping with the least expected squared error at the given bits.
 */
export type ActivationRange = "minmax" | "percentile" | "mse";

/**
 * Gathers an activation's values over a calibration set, in constant memory (64 KiB), and gives its asymmetric grid.
 * NaN and infinities are left out and counted.
 */
export class ActivationObserver {
  private readonly histogram = new Histogram();

  /** Finite values seen; without any there is nothing to quantize by. */
  get count(): number {
    return this.histogram.count;
  }

  /** NaN and infinities that were left out. */
  get nonFinite(): number {
    return this.histogram.nonFinite;
  }

  add(data: Float32Array): void {
    this.histogram.add(data);
  }

  /** Adds what another observer of the same activation has seen; the order does not matter. */
  merge(other: ActivationObserver): void {
    this.histogram.merge(other.histogram);
  }

  /**
   * x ~ (q - zeroPoint) * scale with q in [0, 2^bits - 1]. The range always holds 0, which is exact: padding and ReLU
   * need it. An activation that was never anything but 0 (or never seen) gets a small scale and zero point 0.
   */
  quantization(range: ActivationRange, bits: ActivationBits): AffineGrid {
    const { histogram } = this;
    if (histogram.count === 0) return affineGrid(0, 0, bits);
    switch (range) {
      case "minmax":
        return affineGrid(histogram.min, histogram.max, bits);
      case "percentile": {
        const [low, high] = percentileRange(histogram);
        return affineGrid(low, high, bits);
      }
      case "mse":
        return leastErrorRange(histogram, bits);
      default:
        return assertNever(range);
    }
  }
}
