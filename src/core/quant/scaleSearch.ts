import type { Bits } from "../hardware/profile.ts";
import { fullRangeScale, highestInt, lowestInt, narrowRangeScale, roundingMagic, storedScale } from "./integerGrid.ts";

/**
 * Ratio between neighbouring scales of the coarse search. Our choice: the error is smooth in the logarithm of the
 * scale and its minimum is several times wider than 10 %, so that a finer grid only costs time (the refinement below
 * finds the rest).
 */
const coarseRatio = 0.9;
/** Steps of the fine search around the best coarse scale; our choice, they halve and quarter the coarse spacing. */
const fineRatios = [1.05, 1.025, 0.975, 0.95] as const;
/**
 * The search ends where the clipping point falls below this share of the row's root mean square. Our choice: clipping
 * below the rms cuts off so much energy that no grid of 2 bits or more can gain from it; half of it leaves a margin.
 */
const lowestClipToRms = 0.5;
/**
 * Alternations of "round" and "best scale for these integers"; each lowers the error, two get nearly all of it. Our
 * choice.
 */
const refits = 2;
/**
 * Elements between two looks at whether a candidate has already lost; our choice, large enough to keep the inner loop
 * tight.
 */
const abandonEvery = 128;

/**
 * Sum over row[at .. at+length) of importance * (w - scale * q(w))^2, q rounding to even and saturating at b bits.
 * Gives up with Infinity once the sum reaches `limit`. `importance` is per position in the row, undefined = 1
 * everywhere.
 */
export function clippedError(
  row: Float32Array,
  at: number,
  length: number,
  scale: number,
  bits: Bits,
  importance?: Float64Array,
  limit = Number.POSITIVE_INFINITY,
): number {
  const inverse = 1 / scale;
  const magic = roundingMagic;
  const lowest = lowestInt(bits);
  const highest = highestInt(bits);
  const stop = limit * inverse * inverse;
  let sum = 0;
  for (let i = 0; i < length; ) {
    const end = Math.min(i + abandonEvery, length);
    if (importance === undefined) {
      for (; i < end; i++) {
        const x = (row[at + i] as number) * inverse;
        let q = x + magic - magic;
        if (q < lowest) q = lowest;
        else if (q > highest) q = highest;
        const e = x - q;
        sum += e * e;
      }
    } else {
      for (; i < end; i++) {
        const x = (row[at + i] as number) * inverse;
        let q = x + magic - magic;
        if (q < lowest) q = lowest;
        else if (q > highest) q = highest;
        const e = x - q;
        sum += e * e * (importance[i] as number);
      }
    }
    if (sum >= stop) return Number.POSITIVE_INFINITY;
  }
  return sum * scale * scale;
}

/**
 * The scale that fits the row best once its integers at `scale` are fixed: <q, w> / <q, q>. `scale` itself if all are
 * 0.
 */
function refittedScale(
  row: Float32Array,
  at: number,
  length: number,
  scale: number,
  bits: Bits,
  importance?: Float64Array,
): number {
  const inverse = 1 / scale;
  const magic = roundingMagic;
  const lowest = lowestInt(bits);
  const highest = highestInt(bits);
  let qw = 0;
  let qq = 0;
  for (let i = 0; i < length; i++) {
    const w = row[at + i] as number;
    let q = w * inverse + magic - magic;
    if (q < lowest) q = lowest;
    else if (q > highest) q = highest;
    const weighted = importance === undefined ? q : q * (importance[i] as number);
    qw += weighted * w;
    qq += weighted * q;
  }
  return qq > 0 && qw > 0 ? storedScale(qw / qq) : scale;
}

/**
 * The scale with the least (weighted) squared error for one row: a geometric search downwards from the min-max scale
 * over the whole signed range, then finer around the best, then least-squares refits. Never worse than min-max,
 * full-range or narrow. The negative end may use the lowest integer wherever that helps (a grid without it is a
 * special case of this one and never better).
 * @param importance per position in the row, >= 0, e.g. the diagonal of the layer's Hessian; undefined = plain MSE
 */
export function leastErrorScale(
  row: Float32Array,
  at: number,
  length: number,
  bits: Bits,
  importance?: Float64Array,
): number {
  let min = 0;
  let max = 0;
  let energy = 0;
  for (let i = at; i < at + length; i++) {
    const w = row[i] as number;
    if (w < min) min = w;
    else if (w > max) max = w;
    energy += w * w;
  }
  const start = fullRangeScale(min, max, bits);
  if (energy === 0) return start;
  let best = start;
  let error = clippedError(row, at, length, start, bits, importance);
  const consider = (candidate: number): boolean => {
    const scale = storedScale(candidate);
    const found = clippedError(row, at, length, scale, bits, importance, error);
    if (found >= error) return false;
    best = scale;
    error = found;
    return true;
  };
  const last = (lowestClipToRms * Math.sqrt(energy / length)) / highestInt(bits);
  for (let scale = start * coarseRatio; scale > last; scale *= coarseRatio) consider(scale);
  // On short rows at many bits the error is rugged, and the other min-max scale may be better than all of these.
  consider(narrowRangeScale(min, max, bits));
  const coarse = best;
  for (const ratio of fineRatios) consider(coarse * ratio);
  for (let n = 0; n < refits; n++) {
    if (!consider(refittedScale(row, at, length, best, bits, importance))) break;
  }
  return best;
}

/**
 * Share of a row's weights that stay unclipped with the "percentile" method. The paper's 99.9 % for activations,
 * taken over for weights (our choice; it publishes none for them). Rows under 1000 weights keep their full range.
 */
export const weightPercentile = 0.999;

/** Min-max scale after clipping |w| at its 99.9 percentile (nearest rank). `scratch` has at least `length` elements. */
export function percentileScale(
  row: Float32Array,
  at: number,
  length: number,
  bits: Bits,
  scratch: Float32Array,
): number {
  let min = 0;
  let max = 0;
  for (let i = 0; i < length; i++) {
    const w = row[at + i] as number;
    if (w < min) min = w;
    else if (w > max) max = w;
    scratch[i] = Math.abs(w);
  }
  const sorted = scratch.subarray(0, length).sort();
  const clip = sorted[Math.max(0, Math.ceil(weightPercentile * length) - 1)] ?? 0;
  return fullRangeScale(Math.max(min, -clip), Math.min(max, clip), bits);
}
