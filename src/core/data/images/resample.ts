import type { PixelImage } from "./image.ts";

/** Ways to weigh the pixels around a place; each is widened where an image gets smaller, so that no pixel is passed over. */
export type Interpolation = "bilinear" | "bicubic" | "area";

/** A filter's weight at a distance in pixels, and the distance from which it is 0. */
interface Filter {
  readonly support: number;
  readonly weight: (distance: number) => number;
}

/** Of the cubic through 4 pixels (Keys 1981): the value that Pillow has; OpenCV has -0.75. */
const cubicSlope = -0.5;

const filters: Readonly<Record<Interpolation, Filter>> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  area: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bicubic: {
    support: 2,
    weight: (signed) => {
      const x = Math.abs(signed);
      if (x < 1) return ((cubicSlope + 2) * x - (cubicSlope + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * cubicSlope : 0;
    },
  },
};

/** Weights are rounded to 2^-22, so that 255 of them and the cubic's overshoot stay below 2^31. */
const weightBits = 22;
/** Half of a byte's unit: sums are rounded, not cut. */
const half = 2 ** (weightBits - 1);

/** The part of a resized image that is wanted, in its pixels. */
export interface Window {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** For each place along an axis the source pixels it is made of: `size` weights from `first` on. */
interface Taps {
  readonly first: Int32Array;
  readonly size: Int32Array;
  readonly weights: Int32Array;
  /** Weights of one place, used or not. */
  readonly stride: number;
}

/**
 * A window of an image resized to `width` x `height`: along rows, then along columns, each rounded to bytes. It is Pillow's
 * algorithm (src/libImaging/Resample.c) in its arithmetic, so that pixels are those of `Image.resize` with BILINEAR, BICUBIC and BOX.
 */
export function resample(
  image: PixelImage,
  width: number,
  height: number,
  interpolation: Interpolation,
  window: Window,
): PixelImage {
  const filter = filters[interpolation];
  const columns = taps(image.width, width, filter, window.x, window.width);
  const rows = taps(image.height, height, filter, window.y, window.height);
  const top = rows.first[0] ?? 0;
  const bottom = (rows.first.at(-1) ?? 0) + (rows.size.at(-1) ?? 0);
  const wide = alongRows(image, columns, top, bottom);
  const data = alongColumns(wide, rows, top, window.width * image.channels);
  return { width: window.width, height: window.height, channels: image.channels, data };
}

function taps(from: number, to: number, filter: Filter, start: number, count: number): Taps {
  const scale = from / to;
  // An axis that grows is interpolated between neighbours; one that shrinks is averaged over all it is made of.
  const widened = Math.max(scale, 1);
  const support = filter.support * widened;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(count);
  const size = new Int32Array(count);
  const weights = new Int32Array(count * stride);
  const own = new Float64Array(stride);
  for (let index = 0; index < count; index++) {
    const centre = (start + index + 0.5) * scale;
    const least = Math.max(0, Math.trunc(centre - support + 0.5));
    const length = Math.min(from, Math.trunc(centre + support + 0.5)) - least;
    let sum = 0;
    for (let tap = 0; tap < length; tap++) {
      const weight = filter.weight((tap + least - centre + 0.5) / widened);
      own[tap] = weight;
      sum += weight;
    }
    first[index] = least;
    size[index] = length;
    for (let tap = 0; tap < length; tap++) {
      const scaled = ((own[tap] as number) / sum) * 2 ** weightBits;
      weights[index * stride + tap] = Math.trunc(scaled + Math.sign(scaled) * 0.5);
    }
  }
  return { first, size, weights, stride };
}

/** Rows [top, bottom) of the image, each resized: [bottom - top, places, channels]. */
function alongRows({ width, channels, data }: PixelImage, columns: Taps, top: number, bottom: number): Uint8Array {
  const { first, size, weights, stride } = columns;
  const places = first.length;
  const result = new Uint8Array((bottom - top) * places * channels);
  for (let row = top, to = 0; row < bottom; row++) {
    const line = row * width * channels;
    for (let place = 0; place < places; place++) {
      const begin = line + (first[place] as number) * channels;
      const count = size[place] as number;
      const ownWeights = place * stride;
      for (let channel = 0; channel < channels; channel++, to++) {
        let sum = half;
        for (let tap = 0, at = begin + channel; tap < count; tap++, at += channels) {
          // In 32 bits, which is several times as fast as in doubles.
          sum = (sum + Math.imul(data[at] as number, weights[ownWeights + tap] as number)) | 0;
        }
        result[to] = toByte(sum);
      }
    }
  }
  return result;
}

/** Lines of `length` bytes, the first of which is line `top` of the image, resized along the other axis. */
function alongColumns(data: Uint8Array, rows: Taps, top: number, length: number): Uint8Array {
  const { first, size, weights, stride } = rows;
  const result = new Uint8Array(first.length * length);
  const sums = new Int32Array(length);
  for (let place = 0; place < first.length; place++) {
    sums.fill(half);
    for (let tap = 0; tap < (size[place] as number); tap++) {
      const weight = weights[place * stride + tap] as number;
      const line = ((first[place] as number) + tap - top) * length;
      for (let at = 0; at < length; at++) sums[at] = (sums[at] as number) + (data[line + at] as number) * weight;
    }
    for (let at = 0; at < length; at++) result[place * length + at] = toByte(sums[at] as number);
  }
  return result;
}

function toByte(sum: number): number {
  const value = sum >> weightBits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
