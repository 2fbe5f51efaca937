/**
 * IEEE 754 binary16 as raw bit patterns: sign 1, exponent 5 (bias 15), fraction 10. Node 20 has no Float16Array, so both
 * directions are written out.
 */

const bits = new Uint32Array(1);
const value = new Float32Array(bits.buffer);

/** Exact: every half is a float32. */
export function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Rounds to the nearest half, ties to even; beyond 65504 to infinity. The number is taken as a float32 first. */
export function numberToHalf(number: number): number {
  value[0] = number;
  const word = bits[0] ?? 0;
  const sign = (word >>> 16) & 0x8000;
  const exponent = (word >>> 23) & 0xff;
  const fraction = word & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  const shifted = exponent - 127 + 15;
  if (shifted >= 31) return sign | 0x7c00;
  if (shifted <= 0) {
    // Subnormal: the implicit one becomes explicit; more than 24 places right rounds to zero.
    const shift = 14 - shifted;
    return shift > 24 ? sign : sign | roundShift(fraction | 0x800000, shift);
  }
  // A carry out of the fraction runs into the exponent, which is the right result, up to infinity.
  return sign | roundShift((shifted << 23) | fraction, 13);
}

/** word / 2^shift, rounded to nearest, ties to even. */
function roundShift(word: number, shift: number): number {
  const kept = word >>> shift;
  const rest = word & (2 ** shift - 1);
  const half = 2 ** (shift - 1);
  return rest > half || (rest === half && kept & 1) ? kept + 1 : kept;
}
