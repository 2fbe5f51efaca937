import type { Orientation, PixelImage, RgbaImage } from "./image.ts";

/** What the channels of a model's input are: colours in their order, or grey. */
export type Channels = "RGB" | "BGR" | "L";

export function channelCount(channels: Channels): 1 | 3 {
  return channels === "L" ? 1 : 3;
}

/** Weights of red, green and blue in grey (ITU-R BT.601) times 2^16, as Pillow and libjpeg have them; they add up to 2^16. */
const grey = { red: 19_595, green: 38_470, blue: 7_471, half: 0x8000 } as const;

/** The image upright: mirrored and turned as EXIF's orientation says (1: as it is; 6, say: turned right). */
export function orient(image: RgbaImage, orientation: Orientation): RgbaImage {
  if (orientation === 1) return image;
  const { width, height } = image;
  const turned = orientation >= 5;
  const [outWidth, outHeight] = turned ? [height, width] : [width, height];
  const from = words(image.data);
  const to = new Uint32Array(outWidth * outHeight);
  // In the image as it is stored: the right and the bottom edge come first.
  const mirrorX = [2, 3, 7, 8].includes(orientation);
  const mirrorY = [3, 4, 6, 7].includes(orientation);
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      const [column, row] = turned ? [y, x] : [x, y];
      const fromX = mirrorX ? width - 1 - column : column;
      const fromY = mirrorY ? height - 1 - row : row;
      to[y * outWidth + x] = from[fromY * width + fromX] as number;
    }
  }
  return { width: outWidth, height: outHeight, data: new Uint8Array(to.buffer) };
}

/** A pixel as one number. */
function words(data: Uint8Array): Uint32Array {
  const aligned = data.byteOffset % 4 === 0 ? data : data.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}

/** The image in a model's channels. Transparency is dropped, as most training pipelines do; it is not blended with a background. */
export function toChannels({ width, height, data }: RgbaImage, channels: Channels): PixelImage {
  const pixels = width * height;
  const count = channelCount(channels);
  const result = new Uint8Array(pixels * count);
  const [first, last] = channels === "BGR" ? [2, 0] : [0, 2];
  for (let pixel = 0, from = 0, to = 0; pixel < pixels; pixel++, from += 4, to += count) {
    if (count === 3) {
      result[to] = data[from + first] as number;
      result[to + 1] = data[from + 1] as number;
      result[to + 2] = data[from + last] as number;
    } else {
      const [red, green, blue] = [data[from] as number, data[from + 1] as number, data[from + 2] as number];
      result[to] = (red * grey.red + green * grey.green + blue * grey.blue + grey.half) >>> 16;
    }
  }
  return { width, height, channels: count, data: result };
}

/** Writes the image's bytes with the channels apart: all of the first, then all of the second, ... */
export function writePlanar({ data, channels }: PixelImage, to: Uint8Array): void {
  const pixels = data.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < pixels; pixel++)
      to[channel * pixels + pixel] = data[pixel * channels + channel] as number;
  }
}
