import type { ByteSource } from "../ports.ts";
import type { Budget } from "./budget.ts";
import { ByteCursor } from "./cursor.ts";
import { modelError } from "./errors.ts";
import { maxShortJumpBytes, maxWindowBytes, minWindowBytes } from "./limits.ts";

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
 * A cursor over a file that never reads what is jumped over (set `at` to jump). Callers make sure of bytes with `holds`
 * (cheap, synchronous) and `load` (reads), then use the cursor's methods, so that the common case needs no promise.
 */
export class WindowReader extends ByteCursor {
  readonly size: number;
  private readonly source: ByteSource;
  private next = minWindowBytes;

  constructor(source: ByteSource, budget: Budget) {
    super(budget);
    this.source = source;
    this.size = source.size;
  }

  /** Whether the bytes `from` up to `to`, as far as the file has them, are in memory. */
  holds(from: number, to: number): boolean {
    return from >= this.base && Math.min(to, this.size) <= this.base + this.bytes.length;
  }

  /** Brings `count` bytes from `at` into memory, or as many as the file has left, in place of what was there. */
  async load(count: number): Promise<void> {
    const wanted = Math.min(count, this.size - this.at);
    if (this.holds(this.at, this.at + wanted)) return;
    const end = this.base + this.bytes.length;
    // Reading on, or jumping over little, pays for larger windows; a jump over a large payload starts small again.
    const onward = this.at >= this.base && this.at - end <= maxShortJumpBytes;
    this.next = onward ? Math.min(this.next * 2, maxWindowBytes) : minWindowBytes;
    const length = Math.min(Math.max(wanted, this.next), this.size - this.at);
    this.bytes = await readExactly(this.source, this.at, length, this.budget.file);
    this.base = this.at;
  }

  /** A copy of bytes that `holds` has confirmed. */
  slice(from: number, to: number): Uint8Array {
    return this.bytes.slice(from - this.base, to - this.base);
  }

  /**
   * Copies bytes out of the file at any position; does not move.
   * @throws SQ2018 when the source gives fewer
   */
  async copy(from: number, to: number): Promise<Uint8Array> {
    if (this.holds(from, to)) return this.slice(from, to);
    return (await readExactly(this.source, from, to - from, this.budget.file)).slice();
  }
}
