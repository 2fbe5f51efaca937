import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { deflate, inflate } from "node:zlib";
import decodeJpeg, { init as initJpeg } from "@jsquash/jpeg/decode.js";
import decodePng, { init as initPng } from "@jsquash/png/decode.js";
import { crc32 } from "../../core/data/crc32.ts";
import type { RgbaImage } from "../../core/data/images/image.ts";
import { damagedImage } from "../../core/data/images/imageError.ts";
import type { PngHead } from "../../core/data/images/pngHead.ts";

/** A decoder's WebAssembly: beside a bundle (esbuild.mjs puts it there), else in its package. */
const files = {
  jpeg: "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm",
  png: "@jsquash/png/codec/pkg/squoosh_png_bg.wasm",
} as const;

/** Warnings of libjpeg about data that is not there; the picture is grey from there on. Others (bytes too many) do no harm. */
const lostData = /premature end|bad huffman|invalid scan|inconsistent progression/i;

/** What the JPEG decoder has printed since the last image. */
let printed: string[] = [];
let jpegReady: Promise<void> | undefined;
let pngReady: Promise<unknown> | undefined;

async function wasm(kind: keyof typeof files): Promise<Uint8Array> {
  const here = fileURLToPath(import.meta.url);
  const beside = path.join(path.dirname(here), path.basename(files[kind]));
  return readFile(existsSync(beside) ? beside : createRequire(here).resolve(files[kind]));
}

async function startJpeg(): Promise<void> {
  const print = (line: string) => printed.push(line);
  await initJpeg({ wasmBinary: await wasm("jpeg"), print, printErr: print });
}

/**
 * Decodes a JPEG image whose head was looked at.
 * @throws SigmaQuantError SQ4061
 */
export async function decodeJpegBytes(bytes: Uint8Array, file: string): Promise<RgbaImage> {
  jpegReady ??= startJpeg();
  await jpegReady;
  printed = [];
  let image: RgbaImage;
  try {
    image = ofBytes(await decodeJpeg(bytes as unknown as ArrayBuffer));
  } catch (error) {
    // The decoder gave up in the middle of its work: a new instance takes its place.
    jpegReady = undefined;
    throw damagedImage(file, `The JPEG image can't be decoded: ${printed.at(-1) ?? "it is damaged"}`, error);
  }
  const lost = printed.find((line) => lostData.test(line));
  if (lost !== undefined) throw damagedImage(file, `The JPEG image is damaged: ${lost}`);
  return image;
}

/**
 * Decodes a PNG image whose chunks were looked at. It is inflated here, to no more bytes than its header says, and handed to the
 * decoder uncompressed and without the chunks that are no picture: whatever a file holds, time and memory are bounded by its pixels.
 * @throws SigmaQuantError SQ4061
 */
export async function decodePngBytes(head: PngHead, file: string): Promise<RgbaImage> {
  const raw = await inflatePng(head, file);
  const data = await promisify(deflate)(raw, { level: 0 });
  pngReady ??= wasm("png").then((bytes) => initPng(bytes));
  await pngReady;
  const { header, palette } = head;
  const parts = [pngSignature, header, ...(palette ? [palette] : []), chunk("IDAT", data), chunk("IEND", emptyChunk)];
  try {
    return ofBytes(await decodePng(Buffer.concat(parts) as unknown as ArrayBuffer));
  } catch (error) {
    throw damagedImage(file, "The PNG image can't be decoded", error);
  }
}

async function inflatePng({ data, inflatedBytes }: PngHead, file: string): Promise<Uint8Array> {
  const compressed = Buffer.concat(data);
  let raw: Uint8Array;
  try {
    raw = await promisify(inflate)(compressed, { maxOutputLength: inflatedBytes });
  } catch (error) {
    const tooMuch = error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
    const message = tooMuch ? "holds more than its header says" : "can't be inflated";
    throw damagedImage(file, `The PNG image ${message}`, error);
  }
  if (raw.length < inflatedBytes) throw damagedImage(file, "The PNG image holds less than its header says");
  return raw;
}

const pngSignature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const emptyChunk = new Uint8Array(0);

function chunk(type: string, content: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(content.length + 12);
  bytes.writeUInt32BE(content.length, 0);
  bytes.write(type, 4, "latin1");
  bytes.set(content, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), content.length + 8);
  return bytes;
}

function ofBytes({ width, height, data }: { width: number; height: number; data: ArrayLike<number> }): RgbaImage {
  const { buffer, byteOffset, byteLength } = data as Uint8ClampedArray;
  return { width, height, data: new Uint8Array(buffer, byteOffset, byteLength) };
}
