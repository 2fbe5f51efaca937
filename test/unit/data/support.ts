import { deflateRawSync } from "node:zlib";
import { crc32 } from "../../../src/core/data/crc32.ts";
import { memorySource } from "../../../src/core/data/npz.ts";
import { SigmaQuantError } from "../../../src/core/errors.ts";
import type { ByteSource, Tensor, TensorData, TensorType, ValueInfo } from "../../../src/core/ports.ts";

/** The SigmaQuantError that `work` ends in, thrown or rejected; fails when it ends otherwise. */
export async function failure(work: () => unknown): Promise<SigmaQuantError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof SigmaQuantError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

export function tensor(type: TensorType, dims: readonly number[], data: TensorData): Tensor {
  return { type, dims, data };
}

export function input(dims: ValueInfo["dims"], type: ValueInfo["type"] = "float32", name = "input"): ValueInfo {
  return { name, type, dims };
}

export function bytesOf(data: Exclude<TensorData, readonly string[]>): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** A `.npy` file as NumPy writes it. @param shape the tuple, e.g. "(2, 3)" */
export function npy(
  descr: string,
  shape: string,
  data: Uint8Array,
  { fortran = false, version = 1 }: { readonly fortran?: boolean; readonly version?: 1 | 2 | 3 } = {},
): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': ${shape}, }`;
  return npyWithHeader(text, data, version);
}

export function npyWithHeader(text: string, data: Uint8Array, version: number = 1): Uint8Array {
  const prefix = version === 1 ? 10 : 12;
  const length = Math.ceil((prefix + text.length + 1) / 64) * 64 - prefix;
  const header = new TextEncoder().encode(`${text.padEnd(length - 1)}\n`);
  const bytes = new Uint8Array(prefix + header.length + data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, header.length, true);
  else view.setUint32(8, header.length, true);
  bytes.set(header, prefix);
  bytes.set(data, prefix + header.length);
  return bytes;
}

export interface ZipPart {
  readonly name: string;
  readonly content: Uint8Array;
  readonly deflate?: boolean;
  /** What the directory says instead of the truth. */
  readonly claims?: {
    readonly bytes?: number;
    readonly compressed?: number;
    readonly crc?: number;
    readonly headerAt?: number;
    readonly method?: number;
    readonly flags?: number;
  };
}

export interface ZipOptions {
  /** Sizes and places in the zip64 extra field and end record, as for files beyond 4 GiB. */
  readonly zip64?: boolean;
  readonly comment?: string;
  readonly entries?: number;
}

/** A zip file (PKWARE APPNOTE), with lies where a test wants them. */
export function zip(parts: readonly ZipPart[], { zip64 = false, comment = "", entries }: ZipOptions = {}): Uint8Array {
  const local: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, content, deflate = false, claims = {} } of parts) {
    const encoded = new TextEncoder().encode(name);
    const stored = deflate ? new Uint8Array(deflateRawSync(content)) : content;
    const crc = claims.crc ?? crc32(content);
    const bytes = claims.bytes ?? content.length;
    const compressed = claims.compressed ?? stored.length;
    const method = claims.method ?? (deflate ? 8 : 0);
    const head = [20, claims.flags ?? 0, method, 0, 0x21] as const;
    const wide = zip64 ? u16(1, 24).concat(u64(bytes, compressed, claims.headerAt ?? at)) : [];
    const sizes = zip64 ? u32(0xffffffff, 0xffffffff) : u32(compressed, bytes);
    const place = zip64 ? u32(0xffffffff) : u32(claims.headerAt ?? at);
    const before = [...u32(0x04034b50), ...u16(...head), ...u32(crc, stored.length, content.length)];
    const piece = Uint8Array.from([...before, ...u16(encoded.length, 0), ...encoded, ...stored]);
    local.push(piece);
    directory.push(
      Uint8Array.from([
        ...[...u32(0x02014b50), ...u16(20, ...head), ...u32(crc), ...sizes],
        ...[...u16(encoded.length, wide.length, 0, 0, 0), ...u32(0), ...place, ...encoded, ...wide],
      ]),
    );
    at += piece.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const count = entries ?? parts.length;
  const end: number[] = [];
  if (zip64) {
    end.push(...u32(0x06064b50), ...u64(44), ...u16(45, 45), ...u32(0, 0), ...u64(count, count, length, at));
    end.push(...u32(0x07064b50, 0), ...u64(at + length), ...u32(1));
  }
  const totals = zip64
    ? [...u16(0xffff, 0xffff), ...u32(0xffffffff, 0xffffffff)]
    : [...u16(count, count), ...u32(length, at)];
  const note = new TextEncoder().encode(comment);
  end.push(...u32(0x06054b50), ...u16(0, 0), ...totals, ...u16(note.length), ...note);
  return Uint8Array.from([...local.flatMap((p) => [...p]), ...directory.flatMap((p) => [...p]), ...end]);
}

function u16(...values: readonly number[]): number[] {
  return values.flatMap((value) => [value & 255, (value >> 8) & 255]);
}

function u32(...values: readonly number[]): number[] {
  return values.flatMap((value) => [0, 8, 16, 24].map((by) => (value >>> by) & 255));
}

function u64(...values: readonly number[]): number[] {
  return values.flatMap((value) => u32(value % 2 ** 32, Math.floor(value / 2 ** 32)));
}

/** Counts what is read, and takes no source for larger than it is. */
export function countingSource(bytes: Uint8Array): ByteSource & { readonly read: ByteSource["read"]; total: number } {
  const source = memorySource(bytes);
  const counting = {
    size: bytes.length,
    total: 0,
    read: (at: number, length: number) => {
      counting.total += length;
      return source.read(at, length);
    },
  };
  return counting;
}
