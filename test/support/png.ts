import { deflateSync } from "node:zlib";
import { crc32 } from "../../src/core/data/crc32.ts";

/** How a PNG image is written; what is left out is a grey image of 8 bits. */
export interface PngParts {
  readonly width: number;
  readonly height: number;
  /** Samples of all pixels, row by row: `channels` of each, 0 to 2^depth - 1. */
  readonly samples: ArrayLike<number>;
  /** PNG's colour type: 0 grey, 2 RGB, 3 by palette, 4 grey with alpha, 6 RGB with alpha. */
  readonly colour?: 0 | 2 | 3 | 4 | 6;
  readonly depth?: 1 | 2 | 4 | 8 | 16;
  readonly palette?: readonly number[];
  readonly interlaced?: boolean;
  /** The filtered lines instead of those of the samples. */
  readonly raw?: Uint8Array;
  /** More chunks, before the picture's. */
  readonly chunks?: readonly Uint8Array[];
}

const channelsOf = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const;
const everyPixel = [[0, 0, 1, 1]] as const;
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** A PNG file, its lines unfiltered. */
export function png(parts: PngParts): Uint8Array {
  const { width, height, colour = 0, depth = 8, palette, interlaced = false, chunks = [] } = parts;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, interlaced ? 1 : 0], 8);
  return Buffer.concat([
    Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    pngChunk("IHDR", header),
    ...(palette ? [pngChunk("PLTE", Uint8Array.from(palette))] : []),
    ...chunks,
    pngChunk("IDAT", deflateSync(parts.raw ?? lines(parts))),
    pngChunk("IEND", new Uint8Array(0)),
  ]);
}

export function pngChunk(type: string, content: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(content.length + 12);
  bytes.writeUInt32BE(content.length, 0);
  bytes.write(type, 4, "latin1");
  bytes.set(content, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), content.length + 8);
  return bytes;
}

function lines({ width, height, samples, colour = 0, depth = 8, interlaced = false }: PngParts): Uint8Array {
  const channels = channelsOf[colour];
  const bytes: number[] = [];
  for (const [x0, y0, stepX, stepY] of interlaced ? adam7 : everyPixel) {
    if (x0 >= width) continue;
    for (let y = y0; y < height; y += stepY) {
      bytes.push(0);
      let bits = "";
      for (let x = x0; x < width; x += stepX) {
        for (let c = 0; c < channels; c++) {
          bits += (samples[(y * width + x) * channels + c] ?? 0).toString(2).padStart(depth, "0");
        }
      }
      bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0");
      for (let at = 0; at < bits.length; at += 8) bytes.push(Number.parseInt(bits.slice(at, at + 8), 2));
    }
  }
  return Uint8Array.from(bytes);
}
