/** Kinds of image files that are read. */
export type ImageKind = "jpeg" | "png";

/** A decoded image: 4 bytes a pixel (red, green, blue, alpha), row by row from the top. */
export interface RgbaImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** An image in the channels that a model takes, `channels` bytes a pixel, row by row from the top. */
export interface PixelImage {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/** Turns by which an image stands upright, as EXIF counts them: 1 as it is, 2-8 mirrored or turned (see orient). */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** What the head of an image file says. */
export interface ImageHead {
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
}

/**
 * Pixels of the largest image that is decoded: 64 Mi, above what most phones take (50 million); decoded it fills 256 MiB. A file's
 * head can claim 4 billion.
 */
export const maxImagePixels = 2 ** 26;

/** Bytes of the largest image file that is read: a photograph of that many pixels, hardly compressed. */
export const maxImageBytes = 2 ** 28;
