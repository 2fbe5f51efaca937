import type { ByteSource } from "../ports.ts";
import { modelError } from "./errors.ts";
import { maxWindowBytes, pieceBytes } from "./limits.ts";
import type { Run } from "./payload.ts";
import { placeOf, readExactly } from "./window.ts";

/** Where a decoder stands: before entry `entry`, at byte `at` of run `run`. */
interface Cursor {
  readonly entry: number;
  readonly run: number;
  readonly at: number;
}

/** Entries between remembered cursors: a later read starts at most this far before its range. Our choice. */
const checkpointEntries = 65_536;

/** Longest encoding of one entry: a tag of up to 10 bytes and a varint of up to 10. */
const maxEntryBytes = 20;

export interface FieldLayout {
  readonly source: ByteSource;
  readonly file?: string;
  readonly runs: readonly Run[];
  /** 4 or 8 for fixed-width entries, 0 for varints. */
  readonly width: 0 | 4 | 8;
  /** Little-endian bytes written for each entry. */
  readonly entryBytes: number;
  readonly entries: number;
  readonly tensor: string;
}

/**
 * Decodes float_data, int32_data and the like straight from the file, in bounded pieces, to what raw_data would hold.
 * Varints have no random access; remembered positions keep reading in pieces linear.
 */
export class FieldReader {
  private readonly layout: FieldLayout;
  private readonly checkpoints: Cursor[];

  constructor(layout: FieldLayout) {
    this.layout = layout;
    this.checkpoints = [{ entry: 0, run: 0, at: layout.runs[0]?.at ?? 0 }];
  }

  /**
   * Entries `from` up to `to`, as little-endian bytes.
   * @throws SQ2004 when the field has fewer entries, or (on reaching the last) more
   */
  async read(from: number, to: number, signal?: AbortSignal): Promise<Uint8Array> {
    const { runs, width, entryBytes, entries, source, file } = this.layout;
    const out = new Uint8Array((to - from) * entryBytes);
    const [only] = runs;
    if (runs.length === 1 && only?.packed && width > 0) {
      if (only.length !== entries * width) throw this.wrongCount(Math.floor(only.length / width));
      for (let at = from * width; at < to * width; at += pieceBytes) {
        signal?.throwIfAborted();
        const length = Math.min(pieceBytes, to * width - at);
        out.set(await readExactly(source, only.at + at, length, file), at - from * width);
      }
      return out;
    }
    const start = this.checkpoints.findLast((point) => point.entry <= from) as Cursor;
    let { entry, run: runIndex, at } = start;
    for (; entry < to; runIndex++, at = runs[runIndex]?.at ?? 0) {
      const run = runs[runIndex];
      if (run === undefined) throw this.wrongCount(entry);
      const end = run.at + run.length;
      while (at < end && entry < to) {
        signal?.throwIfAborted();
        const windowAt = at;
        const window = await readExactly(source, at, Math.min(maxWindowBytes, end - at), file);
        const whole = windowAt + window.length === end;
        let i = 0;
        while (i < window.length && entry < to && (whole || i + maxEntryBytes <= window.length)) {
          if (!run.packed) i = this.skipVarint(window, i, windowAt);
          i = this.decode(window, i, windowAt, entry >= from ? out : undefined, (entry - from) * entryBytes);
          entry++;
          if (entry % checkpointEntries === 0) this.remember({ entry, run: runIndex, at: windowAt + i });
        }
        at = windowAt + i;
      }
      if (at < end) break;
    }
    if (to === entries) this.expectEnd(runIndex, at);
    return out;
  }

  private decode(window: Uint8Array, at: number, base: number, out: Uint8Array | undefined, outAt: number): number {
    const { width, entryBytes } = this.layout;
    if (width > 0) {
      if (at + width > window.length) throw this.broken(base + at);
      out?.set(window.subarray(at, at + width), outAt);
      return at + width;
    }
    let lo = 0;
    let hi = 0;
    let i = at;
    for (let shift = 0; ; shift += 7, i++) {
      if (i >= window.length || shift > 63) throw this.broken(base + at);
      const byte = window[i] as number;
      const bits = byte & 0x7f;
      if (shift < 28) lo |= bits << shift;
      else if (shift === 28) {
        lo |= bits << 28;
        hi |= bits >>> 4;
      } else hi |= bits << (shift - 32);
      if (byte < 0x80) break;
    }
    if (out) {
      for (let b = 0; b < entryBytes; b++) out[outAt + b] = b < 4 ? lo >>> (8 * b) : hi >>> (8 * (b - 4));
    }
    return i + 1;
  }

  private skipVarint(window: Uint8Array, at: number, base: number): number {
    let i = at;
    while (i < window.length && (window[i] as number) >= 0x80) i++;
    if (i >= window.length) throw this.broken(base + at);
    return i + 1;
  }

  private remember(cursor: Cursor): void {
    if ((this.checkpoints.at(-1)?.entry ?? 0) < cursor.entry) this.checkpoints.push(cursor);
  }

  /** After the last entry nothing may be left. */
  private expectEnd(runIndex: number, at: number): void {
    const { runs, entries } = this.layout;
    const run = runs[runIndex];
    const left = runs.slice(runIndex + 1).some((later) => later.length > 0);
    if (left || (run !== undefined && runIndex < runs.length && at < run.at + run.length && entries > 0)) {
      throw this.wrongCount(entries, "more than ");
    }
  }

  private wrongCount(found: number, more = "") {
    const { entries, tensor, file, runs } = this.layout;
    const message = `The tensor has data for ${more}${found} entries where its dimensions need ${entries}`;
    return modelError("truncatedTensor", message, placeOf(file, runs[0]?.at ?? 0, tensor));
  }

  private broken(at: number) {
    const { file, tensor } = this.layout;
    return modelError("truncatedTensor", "The tensor's data end in the middle of a number", placeOf(file, at, tensor));
  }
}
