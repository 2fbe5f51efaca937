import type { Bits } from "../hardware/profile.ts";
import { highestInt, lowestInt, roundingMagic } from "../quant/integerGrid.ts";
import type { HessianBlock } from "./hessianBlock.ts";

/** Each weight to its nearest integer. @param w a row's weights; @param q the integers, as doubles */
export function roundNearest(size: number, w: Float64Array, scale: number, bits: Bits, q: Float64Array): void {
  const magic = roundingMagic;
  const lowest = lowestInt(bits);
  const highest = highestInt(bits);
  const inverse = 1 / scale;
  for (let k = 0; k < size; k++) {
    let n = (w[k] as number) * inverse + magic - magic;
    if (n < lowest) n = lowest;
    else if (n > highest) n = highest;
    q[k] = n;
  }
}

/**
 * GPTQ (Frantar et al. 2022, arXiv 2210.17323): rounds a row's weights one after the other and spreads each error over those that
 * are not rounded yet, so that the row's output changes least.
 * @param w the row's weights in the block's order; changed
 * @returns (w - s q)^T H (w - s q), the row's squared output error; Infinity once it reaches `limit`
 */
export function roundCompensated(
  { size, upper }: HessianBlock,
  w: Float64Array,
  scale: number,
  bits: Bits,
  q: Float64Array,
  limit = Number.POSITIVE_INFINITY,
): number {
  const magic = roundingMagic;
  const lowest = lowestInt(bits);
  const highest = highestInt(bits);
  const inverse = 1 / scale;
  let error = 0;
  for (let k = 0; k < size; k++) {
    const row = k * size;
    let n = (w[k] as number) * inverse + magic - magic;
    if (n < lowest) n = lowest;
    else if (n > highest) n = highest;
    q[k] = n;
    const e = ((w[k] as number) - n * scale) / (upper[row + k] as number);
    error += e * e;
    if (error >= limit) return Number.POSITIVE_INFINITY;
    for (let j = k + 1; j < size; j++) w[j] = (w[j] as number) - e * (upper[row + j] as number);
  }
  return error;
}

/** Sweeps of coordinate descent over a row; nearly all changes happen in the first two. Our choice. */
const maxSweeps = 12;

/**
 * Coordinate descent on the same error: each integer in turn becomes the best one while all others stay, until none changes.
 * @param rest H (w - s q), kept up to date
 * @returns by how much the error fell
 */
export function descend(
  { size, h }: HessianBlock,
  scale: number,
  bits: Bits,
  q: Float64Array,
  rest: Float64Array,
): number {
  const magic = roundingMagic;
  const lowest = lowestInt(bits);
  const highest = highestInt(bits);
  let gain = 0;
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    let changed = false;
    for (let k = 0; k < size; k++) {
      const row = k * size;
      const diagonal = h[row + k] as number;
      const old = q[k] as number;
      // The error as a function of this one weight is a parabola: its lowest integer point is the vertex, rounded.
      let n = old + (rest[k] as number) / (diagonal * scale) + magic - magic;
      if (n < lowest) n = lowest;
      else if (n > highest) n = highest;
      if (n === old) continue;
      const step = (n - old) * scale;
      const fall = 2 * step * (rest[k] as number) - step * step * diagonal;
      if (!(fall > 0)) continue;
      gain += fall;
      q[k] = n;
      changed = true;
      for (let j = 0; j < size; j++) rest[j] = (rest[j] as number) - step * (h[row + j] as number);
    }
    if (!changed) break;
  }
  return gain;
}

/** rest = H (w - s q); returns (w - s q)^T H (w - s q). */
export function residual(
  { size, h }: HessianBlock,
  w: Float64Array,
  scale: number,
  q: Float64Array,
  rest: Float64Array,
): number {
  rest.fill(0, 0, size);
  for (let k = 0; k < size; k++) {
    const d = (w[k] as number) - scale * (q[k] as number);
    if (d === 0) continue;
    const row = k * size;
    for (let j = 0; j < size; j++) rest[j] = (rest[j] as number) + d * (h[row + j] as number);
  }
  let error = 0;
  for (let k = 0; k < size; k++) error += ((w[k] as number) - scale * (q[k] as number)) * (rest[k] as number);
  return error;
}
