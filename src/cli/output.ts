import process from "node:process";
import { SigmaQuantError } from "../core/errors.ts";
import { inCell, jsonOnScreen, onScreen } from "./screen.ts";
import { terminalWidth, wrap } from "./table.ts";

/** Exit codes of the terminal program. */
export const exitCodes = { done: 0, infeasible: 1, badInput: 2, interrupted: 130 } as const;

/** Human text to stdout; with --json only `printJson` writes there. */
export function print(text = ""): void {
  process.stdout.write(`${onScreen(text)}\n`);
}

/** A line for people beside the results. */
export function printToStderr(text: string): void {
  process.stderr.write(`${onScreen(text)}\n`);
}

/** What a reader must know besides; each once, in lines of the terminal's width. */
export function printNotes(notes: readonly string[]): void {
  for (const note of new Set(notes)) print(wrap(`Note: ${note}`, terminalWidth(), "      "));
}

export function printJson(value: unknown): void {
  process.stdout.write(`${jsonOnScreen(JSON.stringify(value, jsonNumbers, 2))}\n`);
}

/** JSON has no infinity; a perfect SQNR is null. */
function jsonNumbers(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? null : value;
}

/** One error for a person (stderr) or a machine (stdout, when --json); never a stack trace unless --verbose. */
export function printError(error: unknown, options: { readonly json: boolean; readonly verbose: boolean }): void {
  if (options.json) printJson({ error: errorJson(error) });
  const text =
    error instanceof SigmaQuantError
      ? error.describe()
      : `${error instanceof Error ? error.message : String(error)}. Report this as a bug [SQ9000 internal]`;
  printToStderr(inCell(`error: ${text}`));
  if (!options.verbose || !(error instanceof Error)) return;
  printToStderr(error.stack ?? "");
  if (error.cause instanceof Error) printToStderr(`caused by: ${error.cause.stack}`);
}

function errorJson(error: unknown): object {
  if (error instanceof SigmaQuantError) {
    return { code: error.code, slug: error.slug, message: error.message, remedy: error.remedy, ...error.place };
  }
  return { code: "SQ9000", slug: "internal", message: error instanceof Error ? error.message : String(error) };
}
