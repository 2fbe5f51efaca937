import type { ActivationBits } from "../hardware/profile.ts";
import { roundHalfEven, storedScale } from "./integerGrid.ts";

/** An asymmetric grid: x ~ (q - zeroPoint) * scale, q an integer in [0, 2^bits - 1]. */
export interface AffineGrid {
  /** Exactly representable in float32, > 0. */
  readonly scale: number;
  /** Integer in [0, 2^bits - 1]. */
  readonly zeroPoint: number;
}

/** The largest integer of an unsigned grid. */
export function highestUnsigned(bits: ActivationBits): number {
  return 2 ** bits - 1;
}

/**
 * The grid that spans [min(low, 0), max(high, 0)], as ONNX DynamicQuantizeLinear lays it: 0 is a point of the grid,
 * and the ends are met within half a step. A range of zero (or one too small for a float32 scale) gets the scale of a
 * dead weight channel: biases are stored in units of both scales' product.
 */
export function affineGrid(low: number, high: number, bits: ActivationBits): AffineGrid {
  const bottom = Math.min(low, 0);
  const top = Math.max(high, 0);
  const highest = highestUnsigned(bits);
  const scale = storedScale((top - bottom) / highest);
  return { scale, zeroPoint: Math.min(highest, roundHalfEven(-bottom / scale)) };
}
