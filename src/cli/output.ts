import Table from "cli-table3";
import { SigmaQuantError } from "../core/errors.ts";

/** Exit codes of the terminal program. */
export const exitCodes = { done: 0, infeasible: 1, badInput: 2, interrupted: 130 } as const;

/** No borders: the one rule, below the head, is drawn by renderTable. */
const plainBorders = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

/** A table for people. @param align one letter a column: l or r */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[], align: string): string {
  const table = new Table({
    head: [...head],
    colAligns: [...align].map((a) => (a === "r" ? "right" : "left")),
    chars: plainBorders,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  for (const row of rows) table.push([...row]);
  const [header = "", ...body] = table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
  return [header, "─".repeat(Math.max(header.length, ...body.map((line) => line.length))), ...body].join("\n");
}

/** Human text to stdout; with --json only `printJson` writes there. */
export function print(text = ""): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, jsonNumbers, 2)}\n`);
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
  process.stderr.write(`error: ${text}\n`);
  if (options.verbose && error instanceof Error)
    process.stderr.write(
      `${error.stack ?? ""}\n${error.cause instanceof Error ? `caused by: ${error.cause.stack}\n` : ""}`,
    );
}

function errorJson(error: unknown): object {
  if (error instanceof SigmaQuantError) {
    return { code: error.code, slug: error.slug, message: error.message, remedy: error.remedy, ...error.place };
  }
  return { code: "SQ9000", slug: "internal", message: error instanceof Error ? error.message : String(error) };
}
