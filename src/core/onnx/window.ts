import type { ByteSource } from "../ports.ts";
import { modelError } from "./errors.ts";
import { maxWindowBytes, minWindowBytes } from "./limits.ts";

const empty = new Uint8Array(0);

/** Reads exactly what was asked for, whatever the source does. */
export async function readExactly(
  source: ByteSource,
  at: number,
  length: number,
  file: string | undefined,
): Promise<Uint8Array> {
  if (length === 0) return empty;
  const bytes = await source.read(at, length);
  if (bytes.length !== length) {
    throw modelError("sourceChanged", `The file gave ${bytes.length} of ${length} bytes`, placeOf(file, at));
  }
  // A Buffer's slice() is a view; everything here relies on Uint8Array's, which copies.
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function placeOf(file: string | undefined, byte: number, item?: string) {
  return { ...(file !== undefined && { file }), byte, ...(item !== undefined && { item }) };
}

/**
 * A forward reader over a ByteSource that never reads what is jumped over. Callers make sure of bytes with `has` (cheap,
 * synchronous) and `load` (reads), then use `byte` and `varint`, so that the common case needs no promise.
 */
export class WindowReader {
  readonly file: string | undefined;
  readonly size: number;
  /** Position in the file of the next byte. */
  at = 0;
  private readonly source: ByteSource;
  private buffer: Uint8Array = empty;
  private bufferAt = 0;
  private next = minWindowBytes;

  constructor(source: ByteSource, file?: string) {
    this.source = source;
    this.file = file;
    this.size = source.size;
  }

  /** Whether `count` bytes from `at` are in memory. */
  has(count: number): boolean {
    return this.at >= this.bufferAt && this.at + count <= this.bufferAt + this.buffer.length;
  }

  /** Brings `count` bytes from `at` into memory, or as many as the file has left. */
  async load(count: number): Promise<void> {
    const wanted = Math.min(count, this.size - this.at);
    if (this.has(wanted)) return;
    const end = this.bufferAt + this.buffer.length;
    // Reading on where the last window ended pays for larger windows; a jump over a payload starts small again.
    const onward = this.at >= this.bufferAt && this.at <= end;
    this.next = onward ? Math.min(this.next * 2, maxWindowBytes) : minWindowBytes;
    const length = Math.min(Math.max(wanted, this.next), this.size - this.at);
    this.buffer = await readExactly(this.source, this.at, length, this.file);
    this.bufferAt = this.at;
  }

  /** The next byte; `has(1)` must hold. */
  byte(): number {
    return this.buffer[this.at++ - this.bufferAt] as number;
  }

  /**
   * Copies bytes out of the file at any position; does not move.
   * @throws SQ2018 when the source gives fewer
   */
  async copy(from: number, to: number): Promise<Uint8Array> {
    const length = to - from;
    if (from >= this.bufferAt && to <= this.bufferAt + this.buffer.length) {
      return this.buffer.slice(from - this.bufferAt, to - this.bufferAt);
    }
    if (from === this.at && length <= maxWindowBytes) {
      await this.load(length);
      return this.buffer.slice(from - this.bufferAt, to - this.bufferAt);
    }
    return (await readExactly(this.source, from, length, this.file)).slice();
  }
}
