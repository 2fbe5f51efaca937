import { deflateSync, inflateSync } from "node:zlib";
import type { Random } from "../../../src/core/data/random.ts";
import { type ZipPart, zip } from "../../unit/data/support.ts";
import { pngChunk } from "../png.ts";
import { borders, concat, mutateBytes, onceIn, oneOf, splice } from "./mutateBytes.ts";

/** A `.npy` file, its header changed as text or its bytes as they are. */
export function mutateNpy(bytes: Uint8Array, dice: Random): Uint8Array {
  if (onceIn(dice, 3)) return mutateBytes(bytes, dice);
  const headerAt = bytes[6] === 1 ? 10 : 12;
  const dataAt = bytes.indexOf(0x0a) + 1;
  const header = new TextDecoder("latin1").decode(bytes.subarray(headerAt, dataAt));
  const changed = oneOf<(text: string) => string>(dice, [
    (text) => text.replace(/\(.*\)/, () => shape(dice)),
    (text) => text.replace(/'descr': '[^']*'/, () => `'descr': ${oneOf(dice, descriptions)}`),
    (text) => text.replace("False", oneOf(dice, ["True", "true", "1", "None"])),
    (text) => text.replace(/'shape'|'descr'|'fortran_order'/, oneOf(dice, ["'shape'", "'x'", '"descr"', "shape"])),
    (text) => new TextDecoder("latin1").decode(mutateBytes(new TextEncoder().encode(text), dice)),
    (text) => text.trimEnd() + oneOf(dice, [" ", "\t", "[", "]", "("]).repeat(dice.below(70_000)),
  ])(header);
  const text = Uint8Array.from(changed, (character) => character.charCodeAt(0) & 0xff);
  const prefix = bytes.slice(0, headerAt);
  const view = new DataView(prefix.buffer);
  const length = onceIn(dice, 6) ? Number(oneOf(dice, borders) & 0xffffn) : text.length;
  if (headerAt === 10) view.setUint16(8, length, true);
  else view.setUint32(8, length, true);
  return concat([prefix, text, bytes.subarray(dataAt)]);
}

const descriptions = [
  ...["'<f4'", "'>f4'", "'<f8'", "'|u1'", "'<i8'", "'<u8'", "'|b1'", "'<f2'", "'|O'", "'<U9'", "'<c8'", "'|V2'"],
  ...["'f4'", "'<f16'", "''", "[('a', '<f4')]", "[('a', '<f4'), ('b', [('c', '<i8')])]", `'${"<".repeat(1000)}'`],
];

function shape(dice: Random): string {
  const dims = Array.from({ length: dice.below(20) }, () => String(oneOf(dice, borders)));
  return `(${dims.join(", ")}${onceIn(dice, 2) ? "," : ""})`;
}

/** A zip file of arrays: what is in it changed, what its directory says, or its bytes. */
export function mutateNpz(parts: readonly ZipPart[], dice: Random): Uint8Array {
  const index = dice.below(parts.length);
  const part = parts[index] as ZipPart;
  const lies = ["bytes", "compressed", "crc", "headerAt", "method", "flags"] as const;
  const changed = oneOf<() => readonly ZipPart[]>(dice, [
    () => [{ ...part, content: mutateNpy(part.content, dice) }],
    () => [{ ...part, content: mutateNpy(part.content, dice) }],
    () => [{ ...part, claims: { [oneOf(dice, lies)]: Number(oneOf(dice, borders) & 0xffffffffn) } }],
    () => [{ ...part, name: oneOf(dice, ["labels.npy", "", "../x.npy", "a\0.npy", "x".repeat(300), "x"]) }],
    () => [part, part],
    () => [],
    () => [part],
  ])();
  const all = parts.flatMap((each, i) => (i === index ? changed : [each]));
  const deflated = all.map((each) => ({ ...each, deflate: onceIn(dice, 2) }));
  const zip64 = onceIn(dice, 4);
  const entries = onceIn(dice, 8) ? { entries: Number(oneOf(dice, borders) & 0xffffn) } : {};
  const comment = onceIn(dice, 8) ? { comment: "PK\x05\x06".repeat(dice.below(50)) } : {};
  const file = zip(deflated, { zip64, ...entries, ...comment });
  return onceIn(dice, 3) ? mutateBytes(file, dice) : file;
}

/** A PNG file: chunks changed, moved, missing or there twice, with checksums made right, or bytes as they are. */
export function mutatePng(bytes: Uint8Array, dice: Random): Uint8Array {
  if (onceIn(dice, 4)) return mutateBytes(bytes, dice);
  const chunks = pngChunks(bytes);
  const index = dice.below(chunks.length);
  const { type, content } = chunks[index] as Chunk;
  const instead = oneOf<() => readonly Uint8Array[]>(dice, [
    () => [pngChunk(type, content.length > 0 ? mutateBytes(content, dice) : Uint8Array.of(0))],
    () => [
      pngChunk(type, type === "IDAT" ? mutateInflated(content, dice) : mutateBytes(concat([content, content]), dice)),
    ],
    () => [pngChunk(type, content), pngChunk(type, content)],
    () => [],
    () => [pngChunk(oneOf(dice, ["IHDR", "PLTE", "IDAT", "IEND", "eXIf", "tRNS", "acTL", "iCCP", "zzzz"]), content)],
    () => [mutateBytes(pngChunk(type, content), dice)],
    () => Array.from({ length: 1 + dice.below(2000) }, () => pngChunk("IDAT", new Uint8Array(0))),
    () => [pngChunk("eXIf", mutateBytes(tiff, dice)), pngChunk(type, content)],
  ])();
  // Mostly the header: what it claims decides what memory is taken.
  const head = chunks[0] as Chunk;
  const header =
    onceIn(dice, 3) && head.content.length === 13 ? pngChunk("IHDR", header13(head.content, dice)) : undefined;
  const all = chunks.flatMap((chunk, i) =>
    i === index ? instead : [i === 0 && header ? header : pngChunk(chunk.type, chunk.content)],
  );
  return concat([bytes.subarray(0, 8), ...all]);
}

/** A TIFF block of one entry: the orientation. */
const tiff = Uint8Array.of(
  ...[0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1],
  ...[1, 18, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0],
);

function header13(header: Uint8Array, dice: Random): Uint8Array {
  const changed = header.slice();
  const view = new DataView(changed.buffer);
  if (onceIn(dice, 2)) view.setUint32(dice.below(2) * 4, Number(oneOf(dice, borders) & 0xffffffffn));
  else changed[8 + dice.below(5)] = dice.below(20);
  return changed;
}

function mutateInflated(content: Uint8Array, dice: Random): Uint8Array {
  const raw = inflateSync(content);
  return deflateSync(onceIn(dice, 3) ? concat([raw, new Uint8Array(dice.below(1_000_000))]) : mutateBytes(raw, dice));
}

interface Chunk {
  readonly type: string;
  readonly content: Uint8Array;
}

function pngChunks(bytes: Uint8Array): readonly Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = 8; at < bytes.length; ) {
    const length = view.getUint32(at);
    const type = new TextDecoder("latin1").decode(bytes.subarray(at + 4, at + 8));
    chunks.push({ type, content: bytes.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

/** A JPEG file: segments changed, moved, missing or there twice, or bytes as they are. */
export function mutateJpeg(bytes: Uint8Array, dice: Random): Uint8Array {
  if (onceIn(dice, 3)) return mutateBytes(bytes, dice);
  const segments = jpegSegments(bytes);
  const index = dice.below(segments.length);
  const { marker, content } = segments[index] as Segment;
  const same = segment(marker, content);
  const instead = oneOf<() => readonly Uint8Array[]>(dice, [
    () => [segment(marker, mutateBytes(content, dice))],
    () => [segment(marker, mutateBytes(content, dice))],
    () => [splice(same, 2, 2, Uint8Array.of(dice.below(256), dice.below(256)))],
    () => [same, same],
    () => [],
    () => [segment(dice.below(256), content)],
    () =>
      Array.from({ length: 1 + dice.below(500) }, () => segment(oneOf(dice, [0xda, 0xdb, 0xc4, 0xe1, 0xfe]), content)),
  ])();
  const frame = segments.findIndex((each) => each.marker >= 0xc0 && each.marker <= 0xc2);
  const all = segments.flatMap((each, i) => {
    if (i === index) return instead;
    const resized = i === frame && onceIn(dice, 4) ? frameOf(each.content, dice) : each.content;
    return [segment(each.marker, resized)];
  });
  const scanAt = 2 + segments.reduce((sum, each) => sum + each.content.length + 4, 0);
  return concat([bytes.subarray(0, 2), ...all, bytes.subarray(scanAt)]);
}

/** Another height, width or number of components. */
function frameOf(content: Uint8Array, dice: Random): Uint8Array {
  const changed = content.slice();
  const view = new DataView(changed.buffer);
  if (onceIn(dice, 3)) changed[5] = dice.below(6);
  else view.setUint16(1 + 2 * dice.below(2), Number(oneOf(dice, borders) & 0xffffn));
  return changed;
}

interface Segment {
  readonly marker: number;
  readonly content: Uint8Array;
}

/** The segments up to the first scan's head, that included. */
function jpegSegments(bytes: Uint8Array): readonly Segment[] {
  const segments: Segment[] = [];
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1] as number;
    const length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    segments.push({ marker, content: bytes.subarray(at + 4, at + 2 + length) });
    at += 2 + length;
    if (marker === 0xda) break;
  }
  return segments;
}

function segment(marker: number, content: Uint8Array): Uint8Array {
  const length = (content.length + 2) & 0xffff;
  return concat([Uint8Array.of(0xff, marker, length >> 8, length & 0xff), content]);
}
