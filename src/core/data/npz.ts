import type { ByteSource } from "../ports.ts";
import type { ArrayFile, ArraySource } from "./arrays.ts";
import { checkRatio, inflateAll, inflateHead } from "./inflate.ts";
import { checkInMemory, checkLength, npyArray, openNpy } from "./npy.ts";
import { maxHeaderBytes, maxPrefixBytes, parseNpyHeader } from "./npyHeader.ts";
import { entryDataAt, readZipDirectory, type ZipEntry } from "./zip.ts";

/**
 * A `.npz` file (a zip of `.npy` entries) as a set of arrays. Opening reads its directory alone; an array's own bytes are read
 * when the model asks for it: a stored entry in pieces from the file, a deflated one inflated once and kept in its own
 * element type. Entries that are no `.npy` are not listed.
 * @throws SigmaQuantError SQ4010-SQ4013
 */
export async function openNpz(source: ByteSource, file: string): Promise<ArrayFile> {
  const entries = new Map<string, ZipEntry>();
  for (const entry of await readZipDirectory(source, { file })) {
    if (entry.name.endsWith(".npy")) entries.set(entry.name.slice(0, -".npy".length), entry);
  }
  return {
    file,
    names: [...entries.keys()],
    open: (name, signal) => {
      const entry = entries.get(name);
      if (entry === undefined) throw new RangeError(`no array ${name}`);
      return openEntry(source, entry, file, signal);
    },
  };
}

async function openEntry(
  source: ByteSource,
  entry: ZipEntry,
  file: string,
  signal?: AbortSignal,
): Promise<ArraySource> {
  const place = { file, item: entry.name };
  const at = await entryDataAt(source, entry, place);
  if (entry.method === "stored") return openNpy(window(source, at, entry.bytes), place);

  checkRatio(entry, place);
  const head = await inflateHead(source, at, entry, maxPrefixBytes + maxHeaderBytes, place);
  const header = parseNpyHeader(head, place);
  checkLength(header, entry.bytes, place);
  checkInMemory(
    entry.bytes,
    "is compressed",
    "Save it with numpy.savez (uncompressed), which is read in pieces.",
    place,
  );
  signal?.throwIfAborted();
  let inflated: Promise<ByteSource> | undefined;
  const lazy: ByteSource = {
    size: entry.bytes,
    read: async (from, length) => {
      // Not bound to one reader's signal: the next reader would find the first one's abort.
      inflated ??= inflateAll(source, at, entry, place).then(memorySource);
      return (await inflated).read(from, length);
    },
  };
  return npyArray(header, lazy, place);
}

/** A part of a source as a source. */
function window(source: ByteSource, at: number, size: number): ByteSource {
  return { size, read: (from, length) => source.read(at + from, length) };
}

/** Bytes in memory as a source; reads share that memory. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: async (at, length) => {
      if (at < 0 || at + length > bytes.length)
        throw new RangeError(`read of ${length} bytes at ${at} of ${bytes.length}`);
      return bytes.subarray(at, at + length);
    },
  };
}
