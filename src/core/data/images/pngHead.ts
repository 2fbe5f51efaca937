import { crc32 } from "../crc32.ts";
import { exifOrientation } from "./exif.ts";
import type { ImageHead, Orientation } from "./image.ts";
import { checkImageSize, damagedImage } from "./imageError.ts";

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Bit depths of each colour type, and its channels (PNG, 11.2.1). */
const colourTypes: Readonly<Record<number, { readonly channels: number; readonly depths: readonly number[] }>> = {
  0: { channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { channels: 3, depths: [8, 16] },
  3: { channels: 1, depths: [1, 2, 4, 8] },
  4: { channels: 2, depths: [8, 16] },
  6: { channels: 4, depths: [8, 16] },
};
/** Origin and steps of the seven passes of an interlaced image (PNG, 8.2). */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** What a PNG file holds of its picture. */
export interface PngHead extends ImageHead {
  /** IHDR and PLTE as they are in the file, each with its length, type and CRC. */
  readonly header: Uint8Array;
  readonly palette?: Uint8Array;
  /** The compressed picture: contents of all IDAT chunks. */
  readonly data: readonly Uint8Array[];
  /** Bytes that `data` must inflate to: all lines with a filter byte each. */
  readonly inflatedBytes: number;
}

/**
 * Reads a PNG file's chunks and checks that none is damaged or missing. Of an animation it is the first picture.
 * @throws SigmaQuantError SQ4061 (damaged, cut), SQ4063 (too large)
 */
export function readPngHead(bytes: Uint8Array, file: string): PngHead {
  const bad = (message: string) => damagedImage(file, `The PNG image ${message}`);
  if (!signature.every((byte, index) => bytes[index] === byte)) throw damagedImage(file, "The file is no PNG image");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let size: Pick<PngHead, "width" | "height" | "inflatedBytes" | "header"> | undefined;
  let palette: Uint8Array | undefined;
  let orientation: Orientation = 1;
  const data: Uint8Array[] = [];
  for (let at = signature.length; ; ) {
    if (at + 12 > bytes.length) throw bad(`ends too early, after ${bytes.length} bytes`);
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > bytes.length) throw bad(`ends too early, after ${bytes.length} bytes`);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) throw bad(`has a damaged ${type} chunk`);
    const content = bytes.subarray(at + 8, end - 4);
    if (size === undefined) {
      if (type !== "IHDR" || length !== 13) throw bad("does not begin with a header");
      size = { ...readHeader(content, file), header: bytes.subarray(at, end) };
    } else if (type === "PLTE") palette = bytes.subarray(at, end);
    else if (type === "IDAT") data.push(content);
    else if (type === "eXIf") orientation = exifOrientation(content);
    else if (type === "IEND") break;
    at = end;
  }
  if (data.length === 0) throw bad("holds no picture");
  return { ...size, orientation, data, ...(palette && { palette }) };
}

function readHeader(content: Uint8Array, file: string): Pick<PngHead, "width" | "height" | "inflatedBytes"> {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  const [depth = 0, colour = 0, compression, filter, interlace = 0] = content.subarray(8);
  const type = colourTypes[colour];
  if (!type?.depths.includes(depth) || compression !== 0 || filter !== 0 || interlace > 1) {
    throw damagedImage(file, `The PNG image is of no known kind (colour type ${colour}, ${depth} bits)`);
  }
  checkImageSize(width, height, file);
  const bits = depth * type.channels;
  const lines = (columns: number, rows: number) => (columns === 0 ? 0 : rows * (1 + Math.ceil((columns * bits) / 8)));
  const pass = ([x, y, stepX, stepY]: (typeof adam7)[number]) =>
    lines(Math.ceil(Math.max(0, width - x) / stepX), Math.ceil(Math.max(0, height - y) / stepY));
  const inflatedBytes = interlace === 0 ? lines(width, height) : adam7.reduce((sum, each) => sum + pass(each), 0);
  return { width, height, inflatedBytes };
}
