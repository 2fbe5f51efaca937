import type { ByteSink, ByteSource } from "../../../src/core/ports.ts";

/** A file in memory that notes what was read of it. */
export interface CountingSource extends ByteSource {
  readonly reads: { readonly at: number; readonly length: number }[];
  /** Bytes of all reads together. */
  bytesRead(): number;
  /** Whether any read took in a byte of the stretch. */
  touched(at: number, length: number): boolean;
}

/** @param bytes the file's bytes, or a function that makes any stretch of it */
export function countingSource(
  bytes: Uint8Array | { readonly size: number; readonly make: (at: number, length: number) => Uint8Array },
): CountingSource {
  const size = bytes instanceof Uint8Array ? bytes.length : bytes.size;
  const reads: { at: number; length: number }[] = [];
  return {
    size,
    reads,
    bytesRead: () => reads.reduce((sum, read) => sum + read.length, 0),
    touched: (at, length) => reads.some((read) => read.at < at + length && at < read.at + read.length),
    async read(at, length) {
      if (at < 0 || length < 0 || at + length > size) throw new RangeError(`read of ${length} at ${at} of ${size}`);
      reads.push({ at, length });
      return bytes instanceof Uint8Array ? bytes.slice(at, at + length) : bytes.make(at, length);
    },
  };
}

/** A file of any size whose byte at position p is a fixed function of p; nothing is stored. */
export function syntheticSource(size: number): CountingSource {
  return countingSource({
    size,
    make: (at, length) => Uint8Array.from({ length }, (_, i) => syntheticByte(at + i)),
  });
}

export function syntheticByte(position: number): number {
  return (position * 31 + Math.floor(position / 256) * 7) % 251;
}

/** Keeps all that is written. */
export function memorySink(): ByteSink & { bytes(): Uint8Array; readonly writes: number[] } {
  const parts: Uint8Array[] = [];
  const writes: number[] = [];
  return {
    writes,
    bytes: () => new Uint8Array(Buffer.concat(parts)),
    async write(piece) {
      parts.push(piece);
      writes.push(piece.length);
    },
  };
}

/** Counts what is written and hands each piece to `check` with its position; keeps nothing. */
export function checkingSink(check: (piece: Uint8Array, at: number) => void): ByteSink & { size(): number } {
  let size = 0;
  return {
    size: () => size,
    async write(piece) {
      check(piece, size);
      size += piece.length;
    },
  };
}

/** Distance of the stamps in a stamped file. */
export const stampEvery = 2 ** 20;

/** A file of any size that is quick to make: zeros, but for its position (a double) at every multiple of `stampEvery`. */
export function stampedSource(size: number): CountingSource {
  return countingSource({
    size,
    make: (at, length) => {
      const bytes = new Uint8Array(length);
      const view = new DataView(bytes.buffer);
      for (let stamp = Math.ceil(at / stampEvery) * stampEvery; stamp + 8 <= at + length; stamp += stampEvery)
        view.setFloat64(stamp - at, stamp);
      return bytes;
    },
  });
}
