import type { Bits } from "../hardware/profile.ts";
import { type ChannelView, forEachScaleRun } from "./channelView.ts";
import { highestInt, lowestInt, roundingMagic } from "./integerGrid.ts";

// The loops over all weights. Scales are [channels * blocks], see forEachScaleRun. Saturating before rounding gives
// the same integers as after it, and keeps the rounding trick within its range for any input.

function inverses(scales: Float32Array): Float64Array {
  const inverse = new Float64Array(scales.length);
  for (let i = 0; i < scales.length; i++) inverse[i] = 1 / (scales[i] as number);
  return inverse;
}

/** q = saturate(round(w / scale)), half to even. */
export function quantizeInts(
  w: Float32Array,
  view: ChannelView,
  scales: Float32Array,
  bits: Bits,
  blockSize: number,
  q: Int8Array,
): void {
  const inverse = inverses(scales);
  forEachScaleRun(view, blockSize, (at, length, index, step) => {
    if (step === 0) roundRun(w, at, length, inverse[index] as number, bits, q);
    else roundAcross(w, at, length, inverse, index, step, bits, q);
  });
}

// Functions of their own, and no branches: what a closure holds is loaded again for each element, and a comparison costs more than both
// Math.min and Math.max (together four to six times the time of these, measured).

/** A stretch with one scale. */
function roundRun(w: Float32Array, at: number, length: number, inverse: number, bits: Bits, q: Int8Array): void {
  const magic = roundingMagic;
  const lowest = lowestInt(bits);
  const highest = highestInt(bits);
  for (let i = at; i < at + length; i++) {
    q[i] = Math.min(Math.max((w[i] as number) * inverse, lowest), highest) + magic - magic;
  }
}

/** A stretch across channels, with a scale for each. */
function roundAcross(
  w: Float32Array,
  at: number,
  length: number,
  inverse: Float64Array,
  index: number,
  step: number,
  bits: Bits,
  q: Int8Array,
): void {
  const magic = roundingMagic;
  const lowest = lowestInt(bits);
  const highest = highestInt(bits);
  for (let i = at, s = index; i < at + length; i++, s += step) {
    q[i] = Math.min(Math.max((w[i] as number) * (inverse[s] as number), lowest), highest) + magic - magic;
  }
}

/** w = scale * q in float32. */
export function dequantizeInts(
  q: Int8Array,
  view: ChannelView,
  scales: Float32Array,
  blockSize: number,
  w: Float32Array,
): void {
  forEachScaleRun(view, blockSize, (at, length, index, step) => scaleRun(q, at, length, scales, index, step, w));
}

function scaleRun(
  q: Int8Array,
  at: number,
  length: number,
  scales: Float32Array,
  index: number,
  step: number,
  w: Float32Array,
): void {
  for (let i = at, s = index; i < at + length; i++, s += step) w[i] = (q[i] as number) * (scales[s] as number);
}

/** into = scale * saturate(round(w / scale)). `into` may be w. */
export function quantizeDequantize(
  w: Float32Array,
  view: ChannelView,
  scales: Float32Array,
  bits: Bits,
  blockSize: number,
  into: Float32Array,
): void {
  const inverse = inverses(scales);
  forEachScaleRun(view, blockSize, (at, length, index, step) =>
    roundAndScale(w, at, length, inverse, scales, index, step, bits, into),
  );
}

function roundAndScale(
  w: Float32Array,
  at: number,
  length: number,
  inverse: Float64Array,
  scales: Float32Array,
  index: number,
  step: number,
  bits: Bits,
  into: Float32Array,
): void {
  const magic = roundingMagic;
  const lowest = lowestInt(bits);
  const highest = highestInt(bits);
  for (let i = at, s = index; i < at + length; i++, s += step) {
    const x = Math.min(Math.max((w[i] as number) * (inverse[s] as number), lowest), highest);
    into[i] = (x + magic - magic) * (scales[s] as number);
  }
}
