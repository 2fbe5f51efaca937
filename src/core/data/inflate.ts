import { Inflate } from "fflate";
import type { Place } from "../errors.ts";
import type { ByteSource } from "../ports.ts";
import { crc32 } from "./crc32.ts";
import { dataError } from "./errors.ts";
import type { ZipEntry } from "./zip.ts";

/** Compressed bytes a step: at deflate's best ratio a step puts out 64 MiB at most. */
const stepBytes = 65_536;
/** Deflate puts out 258 bytes for 2 bits at best (RFC 1951), so an entry that claims more than 1032:1 is a lie. */
const maxRatio = 1032;
/** Room for the block headers of an entry of few bytes, where the ratio alone means nothing. */
const ratioSlack = 1024;

/** @throws SigmaQuantError SQ4012 when the entry's sizes contradict each other: a zip bomb's claim, before any allocation */
export function checkRatio(entry: ZipEntry, place: Place): void {
  if (entry.bytes <= entry.compressedBytes * maxRatio + ratioSlack) return;
  throw dataError(
    "zip-limit",
    `The entry claims ${entry.bytes} bytes in ${entry.compressedBytes} compressed ones; deflate reaches ${maxRatio}:1 at most`,
    "Don't use a zip file from an untrusted place; write it again with numpy.savez_compressed.",
    place,
  );
}

/** The first `wanted` bytes of a deflated entry, or fewer if it has fewer. Reads no more than it needs. */
export async function inflateHead(
  source: ByteSource,
  at: number,
  entry: ZipEntry,
  wanted: number,
  place: Place,
): Promise<Uint8Array> {
  const head = new Uint8Array(Math.min(wanted, entry.bytes));
  let filled = 0;
  await pump(source, at, entry, place, (piece) => {
    const part = piece.subarray(0, head.length - filled);
    head.set(part, filled);
    filled += part.length;
    return filled < head.length;
  });
  return head.subarray(0, filled);
}

/**
 * A deflated entry as a whole, checked against the size and checksum of the directory. It grows no further than the size
 * stated there.
 * @throws SigmaQuantError SQ4014 when the bytes are damaged or not what was stated
 */
export async function inflateAll(
  source: ByteSource,
  at: number,
  entry: ZipEntry,
  place: Place,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(entry.bytes);
  let filled = 0;
  let crc = 0;
  await pump(
    source,
    at,
    entry,
    place,
    (piece) => {
      if (filled + piece.length > bytes.length)
        throw corrupt(`holds more than the ${entry.bytes} bytes it states`, place);
      bytes.set(piece, filled);
      filled += piece.length;
      crc = crc32(piece, crc);
      return true;
    },
    signal,
  );
  if (filled !== entry.bytes) throw corrupt(`holds ${filled} bytes instead of the ${entry.bytes} it states`, place);
  if (crc !== entry.crc32) throw corrupt("does not match its checksum", place);
  return bytes;
}

/** Feeds the entry through the inflater step by step until it ends or `take` has enough. */
async function pump(
  source: ByteSource,
  at: number,
  entry: ZipEntry,
  place: Place,
  take: (piece: Uint8Array) => boolean,
  signal?: AbortSignal,
): Promise<void> {
  let more = true;
  let thrown: unknown;
  const inflater = new Inflate((piece) => {
    try {
      if (more && piece.length > 0) more = take(piece);
    } catch (error) {
      thrown = error;
      more = false;
    }
  });
  for (let done = 0; more; ) {
    signal?.throwIfAborted();
    const length = Math.min(stepBytes, entry.compressedBytes - done);
    const piece = await source.read(at + done, length);
    done += length;
    const last = done >= entry.compressedBytes;
    try {
      inflater.push(piece, last);
    } catch (error) {
      throw corrupt(`can't be decompressed: ${error instanceof Error ? error.message : String(error)}`, place, error);
    }
    if (last) more = false;
  }
  if (thrown !== undefined) throw thrown;
}

function corrupt(what: string, place: Place, cause?: unknown) {
  return dataError(
    "zip-corrupt",
    `The entry ${what}`,
    "Copy the file again, or write it again: it is damaged.",
    place,
    cause,
  );
}
