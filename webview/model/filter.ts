import { type Figures, isFloat, shareOf } from "./figures.ts";

/** Tells whether row `i` is shown. */
export type RowTest = (f: Figures, i: number) => boolean;

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "=": (a, b) => a === b,
  "": (a, b) => a === b,
};

const flags: Readonly<Record<string, RowTest>> = {
  "@pinned": (f, i) => f.rows[i]?.pinned === true,
  "@float": (f, i) => f.rows[i] !== undefined && isFloat(f.rows[i]),
  "@changed": (f, i) => f.rows[i]?.wasBits !== undefined,
  "@outdated": (f, i) => f.rows[i]?.outdated === true,
};

/**
 * The filter's language: free text over name and operator, `op:conv`, `bits:<4`, `share:>5%`, `@pinned`, `@float`, `@changed`,
 * `@outdated`; words are joined by "and". A term that is not complete yet (`bits:<`) lets everything through, so that the table
 * does not go empty while someone types.
 */
export function parseFilter(text: string): RowTest | undefined {
  const tests = text.trim().toLowerCase().split(/\s+/).filter(Boolean).map(termTest);
  if (tests.length === 0) return undefined;
  return (f, i) => tests.every((test) => test(f, i));
}

function termTest(term: string): RowTest {
  const flag = flags[term];
  if (flag) return flag;
  const op = /^op:(.*)$/.exec(term)?.[1];
  if (op !== undefined) return (f, i) => f.rows[i]?.opType.toLowerCase().includes(op) === true;
  const [, field, sign = "", digits] = /^(bits|share):(<=|>=|<|>|=)?(\d+(?:\.\d+)?|\.\d+)?%?$/.exec(term) ?? [];
  if (field === undefined) return (f, i) => mentions(f, i, term);
  if (digits === undefined) return () => true;
  const compare = comparisons[sign] ?? (() => true);
  const wanted = Number(digits);
  return field === "bits"
    ? (f, i) => compare(f.rows[i]?.weightBits ?? Number.NaN, wanted)
    : (f, i) => compare((shareOf(f, i) ?? Number.NaN) * 100, wanted);
}

function mentions(f: Figures, i: number, text: string): boolean {
  const row = f.rows[i];
  return row !== undefined && (row.name.toLowerCase().includes(text) || row.opType.toLowerCase().includes(text));
}
