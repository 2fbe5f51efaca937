import { constants } from "node:fs";
import { access, type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { ByteSink } from "../core/ports.ts";
import { explainFileError, fileError } from "./errors.ts";
import { ended, temporaryPath } from "./leftovers.ts";

/** A file that is written beside its target and takes the target's place when it is complete. */
export class TemporaryFile implements ByteSink {
  /** As the user named it, for messages. */
  readonly shown: string;
  /** Where it goes: behind links, so that a link stays a link. */
  private readonly target: string;
  private readonly temporary: string;
  private readonly existed: boolean;
  private readonly signal: AbortSignal | undefined;
  private handle: FileHandle | undefined;
  private position = 0;
  private replaced = false;
  /** What was at the target before, while it may have to be put back. */
  private backup: string | undefined;

  private constructor(shown: string, target: string, handle: FileHandle, temporary: string, options: Options) {
    this.shown = shown;
    this.target = target;
    this.handle = handle;
    this.temporary = temporary;
    this.existed = options.existed;
    this.signal = options.signal;
  }

  /** @throws SigmaQuantError when a file can't be written there, before anything is computed for it */
  static async for(shown: string, signal?: AbortSignal): Promise<TemporaryFile> {
    signal?.throwIfAborted();
    try {
      const found = await stat(shown).catch(ignoreMissing);
      if (found?.isDirectory()) throw fileError("isFolder", "This is a folder, not a file", { file: shown });
      if (found && !found.isFile()) throw fileError("notFile", "This is not a regular file", { file: shown });
      // Renaming asks for no right to the old file; a read-only one is not to be lost all the same.
      if (found) await access(shown, constants.W_OK);
      const target = found ? await realpath(shown) : path.resolve(shown);
      const temporary = temporaryPath(path.dirname(target), "tmp");
      const handle = await open(temporary, "wx").catch((error: unknown) => {
        ended(temporary);
        throw error;
      });
      const file = new TemporaryFile(shown, target, handle, temporary, { existed: found !== undefined, signal });
      // Rights stay as they were; some file systems have none.
      if (found) await handle.chmod(found.mode & 0o777).catch(() => {});
      return file;
    } catch (error) {
      throw explainFileError(error, shown, "write");
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.signal?.throwIfAborted();
    if (this.handle === undefined) throw new Error(`write to ${this.shown} after its end`);
    // Its place is taken before the first wait, so that writes that overlap don't mix.
    let at = this.position;
    this.position += bytes.length;
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.handle.write(bytes, done, bytes.length - done, at);
        done += bytesWritten;
        at += bytesWritten;
      }
    } catch (error) {
      throw explainFileError(error, this.shown, "write");
    }
  }

  /** All bytes on the disk: else a crash after the rename could leave an empty file. */
  async finish(): Promise<void> {
    try {
      await this.handle?.sync();
      await this.close();
    } catch (error) {
      throw explainFileError(error, this.shown, "write");
    }
  }

  /** Takes the target's place. @param keepOld so that `putBack` can undo it */
  async replace(keepOld: boolean): Promise<void> {
    try {
      if (keepOld && this.existed) {
        const backup = temporaryPath(path.dirname(this.target), "old");
        await rename(this.target, backup);
        this.backup = backup;
      }
      await rename(this.temporary, this.target);
      this.replaced = true;
      ended(this.temporary);
    } catch (error) {
      throw explainFileError(error, this.shown, "write");
    }
  }

  /** Undoes `replace`, however far it came. */
  async putBack(): Promise<void> {
    const { backup, replaced } = this;
    // Forgotten first: if the old file can't be put back, it must at least not be removed.
    this.backup = undefined;
    if (backup !== undefined) await rename(backup, this.target);
    else if (replaced) await rm(this.target, { force: true });
  }

  /** A rename is on the disk when its folder is. Windows opens no folders, and needs none of this. */
  async syncFolder(): Promise<void> {
    const folder = await open(path.dirname(this.target), "r").catch(() => undefined);
    await folder?.sync().catch(() => {});
    await folder?.close();
  }

  /** Removes what is left: the temporary file, if it did not take its target's place, and the backup. */
  async discard(): Promise<void> {
    await this.close().catch(() => {});
    await rm(this.temporary, { force: true }).catch(() => {});
    ended(this.temporary);
    if (this.backup !== undefined) await rm(this.backup, { force: true }).catch(() => {});
  }

  private async close(): Promise<void> {
    const { handle } = this;
    this.handle = undefined;
    await handle?.close();
  }
}

interface Options {
  readonly existed: boolean;
  readonly signal: AbortSignal | undefined;
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}

/**
 * All files take their targets' places, or none does.
 * @throws SigmaQuantError of the first that can't
 */
export async function replaceAll(files: readonly TemporaryFile[]): Promise<void> {
  const begun: TemporaryFile[] = [];
  try {
    for (const file of files) {
      begun.push(file);
      await file.replace(files.length > 1);
    }
  } catch (error) {
    for (const file of begun.reverse()) await file.putBack().catch(() => {});
    throw error;
  }
  for (const file of files) await file.syncFolder();
}
