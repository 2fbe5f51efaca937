import type { Bits } from "../hardware/profile.ts";

/**
 * 1.5 * 2^52. Adding it to a double x with |x| < 2^51 leaves no room for a fraction, so that `(x + M) - M` is x
 * rounded to the nearest integer, ties to even, as ONNX QuantizeLinear rounds; several times faster than Math.round
 * (which rounds ties up). Loops copy it into a local constant: bundlers make a variable of a module's constant, and
 * loading it for each element halves their speed.
 */
export const roundingMagic = 6755399441055744;

/** x rounded to the nearest integer, ties to even; |x| < 2^51. */
export function roundHalfEven(x: number): number {
  return x + roundingMagic - roundingMagic;
}

/** Smallest signed integer of b bits, -2^(b-1). */
export function lowestInt(bits: Bits): number {
  return -(1 << (bits - 1));
}

/** Largest signed integer of b bits, 2^(b-1) - 1. */
export function highestInt(bits: Bits): number {
  return (1 << (bits - 1)) - 1;
}

/**
 * Scale of a channel without any weight but zero (its integers are 0 whatever the scale). Our choice: int32 biases
 * are stored in units of activation scale times weight scale, so that the scale of a dead channel must neither be so
 * large that its bias loses digits nor so small that it overflows: at activation scales of 1e-4 to 1 this gives bias
 * steps of 2e-8 to 2e-4 with a reach of at least +-52.
 */
export const zeroChannelScale = 2 ** -12;

/**
 * Below the smallest normal float32 a scale loses digits or is flushed to zero by runtimes; such a channel counts as
 * zero.
 */
const smallestScale = 2 ** -126;

/**
 * The scale as it is stored: float32, and `zeroChannelScale` where a channel's range is zero or too small to have one.
 */
export function storedScale(scale: number): number {
  const stored = Math.fround(scale);
  return stored >= smallestScale ? stored : zeroChannelScale;
}

/**
 * Min-max scale over the whole signed range: the smallest s with min >= -2^(b-1) s and max <= (2^(b-1)-1) s. Never
 * larger than the "narrow" scale max|w|/(2^(b-1)-1); see quantizer.ts for what that gains. min <= max, both finite.
 */
export function fullRangeScale(min: number, max: number, bits: Bits): number {
  return storedScale(Math.max(max / highestInt(bits), min / lowestInt(bits)));
}

/** The symmetric "narrow" scale, max|w|/(2^(b-1)-1): the lowest integer is never used. */
export function narrowRangeScale(min: number, max: number, bits: Bits): number {
  return storedScale(Math.max(max, -min) / highestInt(bits));
}
