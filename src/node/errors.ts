import { type Place, SigmaQuantError } from "../core/errors.ts";

/** One kind of error of files or of the runtime; docs/errors.md says the same (a test compares). */
interface NodeErrorKind {
  readonly code: `SQ${number}`;
  readonly slug: string;
  /** When it happens, for the documentation. */
  readonly when: string;
  /** The remedy shown unless the place of the error knows a better one. */
  readonly remedy: string;
}

export const fileErrors = {
  notFound: {
    code: "SQ1001",
    slug: "file-not-found",
    when: "A file that was asked for does not exist.",
    remedy: "Check the path's spelling, and the folder it starts from.",
  },
  noPermission: {
    code: "SQ1002",
    slug: "permission-denied",
    when: "The system does not let this user read a file.",
    remedy: "Give yourself the right to read it, or copy it to where you have it.",
  },
  isFolder: {
    code: "SQ1003",
    slug: "is-a-folder",
    when: "A folder was given where a file is needed.",
    remedy: "Give the path of a file.",
  },
  notFile: {
    code: "SQ1004",
    slug: "not-a-file",
    when: "A pipe, a device or a socket was given where a file is needed: it must be readable at any position.",
    remedy: "Save the bytes to a file first.",
  },
  changed: {
    code: "SQ1005",
    slug: "file-changed",
    when: "A file was changed, cut or replaced while it was being read.",
    remedy: "Wait until the program that writes it is done, and try again.",
  },
  readFailed: {
    code: "SQ1006",
    slug: "read-failed",
    when: "The system reports an error in reading a file.",
    remedy: "Check the disk or the network share, and try again.",
  },
  tooLong: {
    code: "SQ1007",
    slug: "text-too-long",
    when: "A text file (a profile, a plan, preprocess.json) is far longer than any real one.",
    remedy: "Check that it is the file you meant.",
  },
  badPath: {
    code: "SQ1008",
    slug: "bad-path",
    when: "A path is no path: too long, with a NUL character, or links that lead in a circle.",
    remedy: "Give another path.",
  },
  tooManyFiles: {
    code: "SQ1009",
    slug: "too-many-open-files",
    when: "The process has as many files open as the system allows.",
    remedy: "Raise the limit (ulimit -n), or close other programs.",
  },
  writeDenied: {
    code: "SQ1010",
    slug: "write-denied",
    when: "A file can't be written: its folder or file system is read-only, or another program holds it.",
    remedy: "Choose another folder for the output, or close the programs that have the file open.",
  },
  diskFull: {
    code: "SQ1011",
    slug: "disk-full",
    when: "There is no room left for a file: the disk or a quota is full, or the system limits the size of files.",
    remedy: "Make room, or choose another disk for the output; nothing was left behind.",
  },
  noFolder: {
    code: "SQ1012",
    slug: "no-such-folder",
    when: "The folder that a file is to be written to does not exist.",
    remedy: "Create the folder, or choose another one.",
  },
  writeFailed: {
    code: "SQ1013",
    slug: "write-failed",
    when: "The system reports an error in writing a file.",
    remedy: "Check the disk or the network share, and try again.",
  },
  unknownProfile: {
    code: "SQ1014",
    slug: "unknown-profile",
    when: "A hardware profile was asked for by a name that no preset has.",
    remedy: "Give a preset's name, or the path of a *.hwprofile.json file.",
  },
} as const satisfies Record<string, NodeErrorKind>;

/** An error of the table above. @param message one sentence without place and code */
export function fileError(
  name: keyof typeof fileErrors,
  message: string,
  place: Place,
  options: { readonly remedy?: string; readonly cause?: unknown } = {},
): SigmaQuantError {
  const { code, slug, remedy } = fileErrors[name];
  return new SigmaQuantError(code, slug, message, {
    remedy: options.remedy ?? remedy,
    place,
    ...(options.cause !== undefined && { cause: options.cause }),
  });
}

/**
 * What went wrong with a file, in words: a system error (ENOENT, ENOSPC, ...) as a SigmaQuantError; anything else, an abort
 * or an error of ours, as it is.
 */
export function explainFileError(error: unknown, path: string, doing: "read" | "write"): unknown {
  if (!(error instanceof Error) || error instanceof SigmaQuantError || !("code" in error)) return error;
  const place = { file: path };
  const options = { cause: error };
  switch (error.code) {
    case "ENOENT":
    case "ENOTDIR":
      return doing === "read"
        ? fileError("notFound", "There is no such file", place, options)
        : fileError("noFolder", "The folder of this file does not exist", place, options);
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "EBUSY":
    case "ETXTBSY":
      return doing === "read"
        ? fileError("noPermission", "The file may not be read", place, options)
        : fileError("writeDenied", "The file can't be written here", place, options);
    case "EISDIR":
      return fileError("isFolder", "This is a folder, not a file", place, options);
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return fileError("diskFull", "There is no room for the file", place, options);
    case "EMFILE":
    case "ENFILE":
      return fileError("tooManyFiles", "Too many files are open", place, options);
    case "ENAMETOOLONG":
    case "ELOOP":
    case "EINVAL":
    case "ERR_INVALID_ARG_VALUE":
      return fileError("badPath", "The system does not take this path", place, options);
    default: {
      const name = doing === "read" ? "readFailed" : "writeFailed";
      const verb = doing === "read" ? "read" : "written";
      return fileError(name, `The file can't be ${verb}: ${String(error.code)}`, place, options);
    }
  }
}
