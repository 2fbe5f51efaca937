/** Where in a file an error is: whichever of these is known. Lines and columns count from 1. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly byte?: number;
  /** A layer, tensor, node or JSON path. */
  readonly item?: string;
}

/**
 * An error a user is meant to read: a stable code (`SQ2004`), what is wrong, where, and what to do next.
 * Code ranges: SQ1xxx arguments and files, SQ2xxx models, SQ3xxx hardware profiles, SQ4xxx calibration and evaluation
 * sets, SQ5xxx plans, SQ6xxx inference, SQ9xxx internal.
 */
export class SigmaQuantError extends Error {
  override readonly name = "SigmaQuantError";
  readonly code: `SQ${number}`;
  readonly slug: string;
  readonly remedy: string;
  readonly place: Place;

  /** @param message one sentence without place and code; @param remedy one sentence in the imperative */
  constructor(
    code: `SQ${number}`,
    slug: string,
    message: string,
    options: { readonly remedy: string; readonly place?: Place; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.slug = slug;
    this.remedy = options.remedy;
    this.place = options.place ?? {};
  }

  /** `file:line:column: message (item). Remedy [SQ2004 truncated-tensor]`, as terminals and problem matchers read it. */
  describe(): string {
    const { file, line, column, byte, item } = this.place;
    const at = [file, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(":");
    const where = [item, byte === undefined ? undefined : `byte ${byte}`]
      .filter((part) => part !== undefined)
      .join(", ");
    const text = `${this.message}${where ? ` (${where})` : ""}`;
    return `${at ? `${at}: ` : ""}${sentences(text, this.remedy).replace(/\.$/, "")} [${this.code} ${this.slug}]`;
  }
}

/** `What is wrong. What to do.` @param what one sentence with or without its stop, or with a question after it: `Did you mean ...?` */
export function sentences(what: string, remedy: string): string {
  const ended = /[.?!]$/.test(what) ? what : `${what}.`;
  return remedy === "" ? ended : `${ended} ${/[.?!]$/.test(remedy) ? remedy : `${remedy}.`}`;
}

/** For the `default` of a switch over a closed union: a new member becomes a compile error. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`);
}
