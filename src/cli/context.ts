import { SigmaQuantError } from "../core/errors.ts";
import type { OnProgress } from "../core/ports.ts";
import { definiteThreads } from "../node/threads.ts";

/** What every command is given besides its own options. */
export interface CommandContext {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
  /** Says what was decided on the way; with --verbose alone. */
  readonly log: (text: string) => void;
  /** Takes the progress bar away before something is printed. */
  readonly clear: () => void;
}

/** `batch=1` to ["batch", 1]. @throws SQ1024 */
export function parseDim(text: string): readonly [string, number] {
  const at = text.lastIndexOf("=");
  const value = Number(text.slice(at + 1));
  if (at <= 0 || !Number.isSafeInteger(value) || value <= 0) {
    throw new SigmaQuantError("SQ1024", "dim-malformed", `${JSON.stringify(text)} is no dimension`, {
      remedy: "Write NAME=SIZE with the dimension's name, or INPUT.AXIS=SIZE where it has none, such as batch=1",
    });
  }
  return [text.slice(0, at), value];
}

/** `sr=16000` to ["sr", [16000]]; more values are parted by commas. @throws SQ1034 */
export function parseInput(text: string): readonly [string, readonly number[]] {
  const at = text.lastIndexOf("=");
  const values = text
    .slice(at + 1)
    .split(",")
    .map((part) => truth[part.trim().toLowerCase()] ?? (part.trim() === "" ? Number.NaN : Number(part)));
  if (at <= 0 || !values.every(Number.isFinite)) {
    throw new SigmaQuantError("SQ1034", "input-malformed", `${JSON.stringify(text)} gives no value of an input`, {
      remedy: "Write NAME=VALUE with the input's name and a number, such as sr=16000; several are parted by commas",
    });
  }
  return [text.slice(0, at), values];
}

const truth: Readonly<Record<string, number>> = { true: 1, false: 0 };

/** A number of threads: as many as there are cores where it is more. @throws SQ1025 */
export function parseThreads(text: string): number {
  return definiteThreads(parseCount(text));
}

/** Less is no help: the program itself takes more. */
const leastMemory = 16 * 2 ** 20;
const memoryUnits = Object.freeze({ K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 });

/** An amount of memory, in bytes. @throws SQ1025 */
export function parseMemory(text: string): number {
  const fail = (message: string) =>
    new SigmaQuantError("SQ1025", "count-malformed", message, {
      remedy: "Write a number with its unit, such as 2GiB or 512MiB",
    });
  const [, amount, unit] = /^\s*(\d+(?:\.\d+)?)\s*([KMGT])iB\s*$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(amount) * memoryUnits[unit?.toUpperCase() as keyof typeof memoryUnits]);
  if (!Number.isSafeInteger(bytes)) throw fail(`${JSON.stringify(text)} is no amount of memory`);
  if (bytes < leastMemory) throw fail(`${JSON.stringify(text)} is too little: an analysis takes at least 16MiB`);
  return bytes;
}

/** A positive whole number. @throws SQ1025 */
export function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value <= 0) {
    throw new SigmaQuantError("SQ1025", "count-malformed", `${JSON.stringify(text)} is no positive whole number`, {
      remedy: "Write a number such as 256",
    });
  }
  return value;
}
