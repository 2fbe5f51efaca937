import type { PixelImage } from "./image.ts";
import { type Interpolation, resample } from "./resample.ts";

/**
 * How an image comes to the size that a model takes.
 * - "shorter-side": scaled until it covers the size, in proportion; what sticks out is cropped, alike on both sides.
 * - "stretch": each side scaled by itself.
 * - "longer-side-pad": scaled until it fits into the size, in proportion; the rest is padded, alike on both sides (letterbox).
 * - "none": not scaled; images have that size.
 */
export const resizeModes = ["shorter-side", "stretch", "longer-side-pad", "none"] as const;
export type ResizeMode = (typeof resizeModes)[number];

export interface Fit {
  readonly height: number;
  readonly width: number;
  readonly resize: ResizeMode;
  /** Share of the scaled image that is cropped: images are scaled to the size divided by it. In (0, 1]. */
  readonly crop: number;
  readonly interpolation: Interpolation;
  /** Byte of padding. */
  readonly padding: number;
}

/**
 * The image in the size of a model's input. Sizes and places are rounded as torchvision's Resize and CenterCrop do it.
 * @returns undefined where it is not to be scaled and has another size
 */
export function fitImage(image: PixelImage, fit: Fit): PixelImage | undefined {
  const { height, width } = fit;
  switch (fit.resize) {
    case "none":
      return image.width === width && image.height === height ? image : undefined;
    case "longer-side-pad":
      return letterbox(image, fit);
    case "stretch":
      return cropped(image, share(width, fit.crop), share(height, fit.crop), fit);
    case "shorter-side": {
      const [wide, high] = [share(width, fit.crop), share(height, fit.crop)];
      // The side that needs the larger factor comes to its size exactly; the other is cut to whole pixels.
      return wide * image.height >= high * image.width
        ? cropped(image, wide, Math.max(high, Math.floor((wide * image.height) / image.width)), fit)
        : cropped(image, Math.max(wide, Math.floor((high * image.width) / image.height)), high, fit);
    }
  }
}

function share(side: number, crop: number): number {
  return Math.floor(side / crop);
}

/** The centre of the image resized to `wide` x `high`. */
function cropped(image: PixelImage, wide: number, high: number, { width, height, interpolation }: Fit): PixelImage {
  const [x, y] = [roundHalfEven((wide - width) / 2), roundHalfEven((high - height) / 2)];
  if (wide === image.width && high === image.height && wide === width && high === height) return image;
  return resample(image, wide, high, interpolation, { x, y, width, height });
}

function letterbox(image: PixelImage, { width, height, interpolation, padding }: Fit): PixelImage {
  const factor = Math.min(width / image.width, height / image.height);
  const side = (length: number, most: number) => Math.min(most, Math.max(1, Math.round(length * factor)));
  const [wide, high] = [side(image.width, width), side(image.height, height)];
  const inner = resample(image, wide, high, interpolation, { x: 0, y: 0, width: wide, height: high });
  const { channels } = image;
  const data = new Uint8Array(width * height * channels).fill(padding);
  const [left, top] = [Math.floor((width - wide) / 2), Math.floor((height - high) / 2)];
  for (let row = 0; row < high; row++) {
    const line = inner.data.subarray(row * wide * channels, (row + 1) * wide * channels);
    data.set(line, ((top + row) * width + left) * channels);
  }
  return { width, height, channels, data };
}

/** Halves to the even neighbour, as Python's round(), by which torchvision places its crop. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}
