import { createHash } from "node:crypto";
import { type FileHandle, open, stat } from "node:fs/promises";
import type { ByteSink, ByteSource } from "../core/ports.ts";
import { explainFileError, fileError } from "./errors.ts";
import { replaceAll, TemporaryFile } from "./temporaryFile.ts";

/** A file as a source of bytes; the file stays open until `close`. */
export type FileSource = ByteSource & { close(): Promise<void> };

/** One read of the system: Node takes less than 2 GiB at once. */
const maxReadAtOnce = 2 ** 30;
/** Piece in which a file is read through: large enough that the cost of a call vanishes, small enough to stop at once. */
const readPiece = 4 * 2 ** 20;
/** Profiles with measured latencies of 10,000 layers have about 1.5 MB, plans of as many layers some MB. */
const maxTextBytes = 32 * 2 ** 20;

/**
 * Opens a file for reads at any position, of any size.
 * @throws SigmaQuantError SQ1001-SQ1009; reads throw SQ1005 once the file was changed, cut, or another file was put in its place
 */
export async function openFileSource(path: string): Promise<FileSource> {
  try {
    // Asked first: opening a pipe would wait for a writer.
    const { size } = checkFile(await stat(path), path);
    const handle = await open(path, "r");
    try {
      return await OpenFile.of(path, handle, size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    throw explainFileError(error, path, "read");
  }
}

function checkFile<T extends { isFile(): boolean; isDirectory(): boolean }>(found: T, path: string): T {
  if (found.isDirectory()) throw fileError("isFolder", "This is a folder, not a file", { file: path });
  if (!found.isFile()) throw fileError("notFile", "This is not a regular file", { file: path });
  return found;
}

/** What a file is, as far as the system tells without reading it. Nanoseconds and inodes need 64 bits. */
interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

class OpenFile implements ByteSource {
  readonly size: number;
  private readonly path: string;
  private readonly handle: FileHandle;
  private readonly identity: Identity;
  private closed: Promise<void> | undefined;

  private constructor(path: string, handle: FileHandle, identity: Identity) {
    this.path = path;
    this.handle = handle;
    this.identity = identity;
    this.size = Number(identity.size);
  }

  static async of(path: string, handle: FileHandle, size: number): Promise<OpenFile> {
    const identity = await handle.stat({ bigint: true });
    if (Number(identity.size) !== size) throw changed(path);
    return new OpenFile(path, handle, identity);
  }

  async read(at: number, length: number): Promise<Uint8Array> {
    if (at < 0 || length < 0 || at + length > this.size) {
      throw new RangeError(`read of ${length} bytes at ${at} of ${this.size}`);
    }
    try {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const wanted = Math.min(length - done, maxReadAtOnce);
        const { bytesRead } = await this.handle.read(bytes, done, wanted, at + done);
        if (bytesRead === 0) throw changed(this.path);
        done += bytesRead;
      }
      // After the read: what was read is then known to be of the file that was opened.
      await this.checkUnchanged();
      return bytes;
    } catch (error) {
      throw explainFileError(error, this.path, "read");
    }
  }

  close(): Promise<void> {
    this.closed ??= this.handle.close();
    return this.closed;
  }

  /** A file that was deleted stays readable and is the same; one that another took the place of is not what the user sees. */
  private async checkUnchanged(): Promise<void> {
    const [own, named] = await Promise.all([
      this.handle.stat({ bigint: true }),
      stat(this.path, { bigint: true }).catch(() => undefined),
    ]);
    const { dev, ino, size, mtimeNs } = this.identity;
    const edited = own.size !== size || own.mtimeNs !== mtimeNs;
    const replaced = named !== undefined && (named.dev !== dev || named.ino !== ino);
    if (edited || replaced) throw changed(this.path);
  }
}

function changed(path: string) {
  return fileError("changed", "The file was changed while it was being read", { file: path });
}

/**
 * SHA-256 of a file's bytes, hexadecimal.
 * @throws SigmaQuantError as openFileSource
 */
export async function fileHash(path: string, signal?: AbortSignal): Promise<string> {
  const file = await openFileSource(path);
  try {
    return await sourceHash(file, signal);
  } finally {
    await file.close();
  }
}

/** Differs when a file was written in between, or is another; "" without a file. Costs no read of it. */
export async function fileStamp(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? "" : `${found.mtimeNs} ${found.size} ${found.dev} ${found.ino}`;
}

/** SHA-256 of a file that is open, hexadecimal. @throws as reads of the source */
export async function sourceHash(source: ByteSource, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of piecesOf(source, signal)) hash.update(piece);
  return hash.digest("hex");
}

/** All bytes of a file that is open, from its beginning, in pieces. */
export async function* piecesOf(source: ByteSource, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.size; at += readPiece) {
    signal?.throwIfAborted();
    yield await source.read(at, Math.min(readPiece, source.size - at));
  }
}

/**
 * A text file as a whole: UTF-8, its byte order mark dropped.
 * @throws SigmaQuantError as openFileSource, and SQ1007 above 32 MiB
 */
export async function readText(path: string, signal?: AbortSignal): Promise<string> {
  const file = await openFileSource(path);
  try {
    if (file.size > maxTextBytes) {
      const message = `The file has ${file.size} bytes; ${maxTextBytes} is the limit for a text`;
      throw fileError("tooLong", message, { file: path });
    }
    signal?.throwIfAborted();
    return new TextDecoder().decode(await file.read(0, file.size));
  } finally {
    await file.close();
  }
}

/**
 * Writes a file so that it is there complete or not at all: to a temporary file in the same folder, which then takes the
 * place of `path`. On any error or abort the temporary file is removed and what was at `path` before stays.
 * @returns what `write` returns
 * @throws SigmaQuantError SQ1003, SQ1004, SQ1008-SQ1013; whatever `write` throws; the signal's reason
 */
export async function atomicWrite<T>(
  path: string,
  write: (sink: ByteSink) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return atomicWriteAll([path], ([sink]) => write(sink as ByteSink), signal);
}

/**
 * As atomicWrite for files that belong together (a model and its external data): none takes its place before all are
 * written, and if one can't, the others are put back.
 * @param write is given a sink for each path, in their order
 */
export async function atomicWriteAll<T>(
  paths: readonly string[],
  write: (sinks: readonly ByteSink[]) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const files: TemporaryFile[] = [];
  try {
    for (const path of paths) files.push(await TemporaryFile.for(path, signal));
    const result = await write(files);
    for (const file of files) await file.finish();
    signal?.throwIfAborted();
    await replaceAll(files);
    return result;
  } finally {
    for (const file of files) await file.discard();
  }
}

/** atomicWrite of a text in UTF-8. */
export async function writeTextAtomic(path: string, text: string, signal?: AbortSignal): Promise<void> {
  await atomicWrite(path, (sink) => sink.write(new TextEncoder().encode(text)), signal);
}
