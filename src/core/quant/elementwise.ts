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
  const magic = roundingMagic;
  const lowest = lowestInt(bits);
  const highest = highestInt(bits);
  const inverse = inverses(scales);
  forEachScaleRun(view, blockSize, (at, length, index, step) => {
    for (let i = at, s = index; i < at + length; i++, s += step) {
      let x = (w[i] as number) * (inverse[s] as number);
      if (x < lowest) x = lowest;
      else if (x > highest) x = highest;
      q[i] = x + magic - magic;
    }
  });
}

/** w = scale * q in float32. */
export function dequantizeInts(
  q: Int8Array,
  view: ChannelView,
  scales: Float32Array,
  blockSize: number,
  w: Float32Array,
): void {
  forEachScaleRun(view, blockSize, (at, length, index, step) => {
    for (let i = at, s = index; i < at + length; i++, s += step) w[i] = (q[i] as number) * (scales[s] as number);
  });
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
  const magic = roundingMagic;
  const lowest = lowestInt(bits);
  const highest = highestInt(bits);
  const inverse = inverses(scales);
  forEachScaleRun(view, blockSize, (at, length, index, step) => {
    for (let i = at, s = index; i < at + length; i++, s += step) {
      let x = (w[i] as number) * (inverse[s] as number);
      if (x < lowest) x = lowest;
      else if (x > highest) x = highest;
      into[i] = (x + magic - magic) * (scales[s] as number);
    }
  });
}
