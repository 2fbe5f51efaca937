import type { Place } from "../errors.ts";
import type { ByteSource } from "../ports.ts";
import { dataError } from "./errors.ts";

/** One entry per array; a set has as many as the model has inputs, a checkpoint saved as .npz a few thousand. */
const maxEntries = 4096;
/** 4096 entries of 46 bytes plus a name of 200 and extra fields. */
const maxDirectoryBytes = 2 ** 21;
/** Names of graph inputs are tens of characters; PyTorch's longest scoped names some hundred. */
const maxNameBytes = 1024;
/** A zip's comment can have 65535 bytes, after an end record of 22 bytes and, in zip64, a locator of 20 before it. */
const maxTailBytes = 65_535 + 22 + 20;

export interface ZipEntry {
  readonly name: string;
  readonly method: "stored" | "deflated";
  readonly crc32: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly headerAt: number;
}

/**
 * Reads the directory of a zip file (PKWARE APPNOTE 6.3.10), zip64 included, over positional reads: neither the file nor an
 * entry is loaded. Names are only keys here: nothing is ever unpacked to a path.
 * @throws SigmaQuantError SQ4010 (not a zip, cut off), SQ4011 (encrypted, split, other compression), SQ4012 (a limit), SQ4013 (name)
 */
export async function readZipDirectory(source: ByteSource, place: Place): Promise<readonly ZipEntry[]> {
  const broken = (message: string) =>
    dataError("zip-format", message, "Copy the file again, or write it again with numpy.savez.", place);
  const end = await findDirectory(source, place, broken);
  if (end.entries > maxEntries) {
    throw dataError(
      "zip-limit",
      `The zip file claims ${end.entries} entries; ${maxEntries} is the limit`,
      split,
      place,
    );
  }
  if (end.bytes > maxDirectoryBytes) {
    throw dataError(
      "zip-limit",
      `The zip file's directory has ${end.bytes} bytes; ${maxDirectoryBytes} is the limit`,
      split,
      place,
    );
  }
  if (end.at + end.bytes > source.size) throw broken("The zip file's directory lies outside the file");
  const directory = await source.read(end.at, end.bytes);
  const entries: ZipEntry[] = [];
  const names = new Set<string>();
  let at = 0;
  let compressed = 0;
  for (let index = 0; index < end.entries; index++) {
    const { entry, next } = readEntry(directory, at, place, broken);
    if (names.has(entry.name)) throw broken(`The zip file has two entries named ${JSON.stringify(entry.name)}`);
    names.add(entry.name);
    compressed += entry.compressedBytes;
    entries.push(entry);
    at = next;
  }
  // Entries that share their bytes are how a small file claims to be a huge one.
  if (compressed > source.size) throw broken("The zip file's entries claim more bytes than it has");
  return entries;
}

/** Where the entry's bytes begin: after its local header, whose own sizes are not trusted. */
export async function entryDataAt(source: ByteSource, entry: ZipEntry, place: Place): Promise<number> {
  const outside = () =>
    dataError("zip-format", "The entry lies outside the zip file", "Copy the file again: it is damaged.", place);
  if (entry.headerAt + 30 > source.size) throw outside();
  const view = dataView(await source.read(entry.headerAt, 30));
  if (view.getUint32(0, true) !== 0x04034b50) throw outside();
  const at = entry.headerAt + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  if (at + entry.compressedBytes > source.size) throw outside();
  return at;
}

const split = "Save the arrays the model needs in a file of their own.";

interface Directory {
  readonly entries: number;
  readonly bytes: number;
  readonly at: number;
}

async function findDirectory(source: ByteSource, place: Place, broken: (message: string) => Error): Promise<Directory> {
  const tailBytes = Math.min(source.size, maxTailBytes);
  const tailAt = source.size - tailBytes;
  const tail = dataView(await source.read(tailAt, tailBytes));
  let end = tailBytes - 22;
  while (
    end >= 0 &&
    !(tail.getUint32(end, true) === 0x06054b50 && end + 22 + tail.getUint16(end + 20, true) === tailBytes)
  ) {
    end--;
  }
  if (end < 0) throw broken("This is not a complete zip file (.npz): it has no end record");
  const disks = tail.getUint16(end + 4, true) | tail.getUint16(end + 6, true);
  const entries = tail.getUint16(end + 10, true);
  const bytes = tail.getUint32(end + 12, true);
  const at = tail.getUint32(end + 16, true);
  if (disks !== 0 && disks !== 0xffff) {
    throw dataError("zip-unsupported", "The zip file is one of several parts", "Join the parts first.", place);
  }
  if (entries !== 0xffff && bytes !== 0xffffffff && at !== 0xffffffff) return { entries, bytes, at };
  if (end < 20 || tail.getUint32(end - 20, true) !== 0x07064b50) return { entries, bytes, at };
  const recordAt = Number(tail.getBigUint64(end - 12, true));
  if (recordAt + 56 > source.size) throw broken("The zip64 end record lies outside the file");
  const record = dataView(await source.read(recordAt, 56));
  if (record.getUint32(0, true) !== 0x06064b50) throw broken("The zip64 end record is missing");
  return {
    entries: Number(record.getBigUint64(32, true)),
    bytes: Number(record.getBigUint64(40, true)),
    at: Number(record.getBigUint64(48, true)),
  };
}

function readEntry(directory: Uint8Array, at: number, place: Place, broken: (message: string) => Error) {
  const view = dataView(directory);
  if (at + 46 > directory.length || view.getUint32(at, true) !== 0x02014b50) {
    throw broken("The zip file's directory is cut off");
  }
  const flags = view.getUint16(at + 8, true);
  const nameBytes = view.getUint16(at + 28, true);
  const extraBytes = view.getUint16(at + 30, true);
  const next = at + 46 + nameBytes + extraBytes + view.getUint16(at + 32, true);
  if (next > directory.length) throw broken("The zip file's directory is cut off");
  if (nameBytes > maxNameBytes) {
    throw dataError("zip-limit", `An entry's name has ${nameBytes} bytes; ${maxNameBytes} is the limit`, split, place);
  }
  const name = new TextDecoder().decode(directory.subarray(at + 46, at + 46 + nameBytes));
  const shown = JSON.stringify(name);
  if (name.includes("\0") || name.split(/[/\\]/).includes("..")) {
    throw dataError(
      "zip-name",
      `The entry ${shown} has a name that no array has`,
      "Don't use a zip file from an untrusted place.",
      place,
    );
  }
  if (flags & 1) {
    throw dataError("zip-unsupported", `The entry ${shown} is encrypted`, "Save the arrays without a password.", place);
  }
  const method = view.getUint16(at + 10, true);
  if (method !== 0 && method !== 8) {
    const remedy = "Write the file again with numpy.savez or numpy.savez_compressed.";
    throw dataError(
      "zip-unsupported",
      `The entry ${shown} is compressed by method ${method}; 0 (stored) and 8 (deflate) are read`,
      remedy,
      place,
    );
  }
  const extra = dataView(directory.subarray(at + 46 + nameBytes, at + 46 + nameBytes + extraBytes));
  const [bytes, compressedBytes, headerAt] = withZip64(
    [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)],
    extra,
  );
  if (method === 0 && bytes !== compressedBytes) throw broken(`The stored entry ${shown} has two different sizes`);
  const entry: ZipEntry = {
    name,
    method: method === 0 ? "stored" : "deflated",
    crc32: view.getUint32(at + 16, true),
    compressedBytes,
    bytes,
    headerAt,
  };
  return { entry, next };
}

/** Fields that read 0xffffffff are found in the zip64 extra field (id 1), in this order, 8 bytes each. */
function withZip64(fields: readonly [number, number, number], extra: DataView): [number, number, number] {
  let at = 0;
  let wide: DataView | undefined;
  while (wide === undefined && at + 4 <= extra.byteLength) {
    const length = extra.getUint16(at + 2, true);
    const fits = at + 4 + length <= extra.byteLength;
    if (extra.getUint16(at, true) === 1 && fits) wide = new DataView(extra.buffer, extra.byteOffset + at + 4, length);
    at += 4 + length;
  }
  let used = 0;
  const widen = (field: number) => {
    if (field !== 0xffffffff || wide === undefined || used + 8 > wide.byteLength) return field;
    used += 8;
    return Number(wide.getBigUint64(used - 8, true));
  };
  return [widen(fields[0]), widen(fields[1]), widen(fields[2])];
}

function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
