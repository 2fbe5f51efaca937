import { grouped } from "../../src/core/plan/format.ts";
import type { GaugeBudget } from "../../src/protocol/editor.ts";
import { finite, trimmed } from "../format/numbers.ts";
import { type Scale, scaleFor, threeFigureDecimals } from "../format/scales.ts";

/** One gauge as it is drawn: texts in one unit, positions in percent of the bar. */
export interface GaugeFigures {
  readonly unit: Scale;
  /** Undefined = the profile has no figure for it, or it is not worked out yet. */
  readonly use: string | undefined;
  readonly limit: string | undefined;
  /** `0.7 left`, `1.4 over`; undefined without use or limit. */
  readonly margin: string | undefined;
  readonly over: boolean;
  /** Little is left. */
  readonly tight: boolean;
  readonly usePercent: number;
  /** From the limit on, in red. */
  readonly overPercent: number;
  readonly limitPercent: number | undefined;
  /** What the whole bar stands for, in the program's unit. */
  readonly full: number;
}

/** Where the limit stands when nothing is tried: a fifth of the bar is left to see an overrun and to drag into. */
const limitAt = 0.8;

/** The limit's mark stays on the bar when someone types a limit far above the profile's. */
const farLimitAt = 0.97;

/** Use of more than this part of the limit is worth a bold margin. */
const tightFrom = 0.95;

/** Six decimals tell any two figures apart that matter. */
const mostDecimals = 6;

/**
 * Figures of a gauge. The bar keeps its scale while a limit is tried (the profile's limit stays at 80 %), so that the mark follows the
 * pointer and one sees how far it was moved.
 * @param limit the limit in force: the budget's, or the one under the pointer
 */
export function gaugeFigures(budget: GaugeBudget, limit: number | undefined): GaugeFigures {
  const use = finite(budget.use);
  const fixed = finite(budget.profileLimit) ?? limit ?? use ?? 0;
  const full = Math.max(fixed / limitAt, (limit ?? 0) / farLimitAt) || 1;
  const unit = scaleFor(budget.unit, Math.max(fixed, limit ?? 0, use ?? 0));
  const over = use !== undefined && limit !== undefined && use > limit;
  let decimals = decimalsOf(budget, (use ?? limit ?? 0) / unit.size);
  const rounded = (value: number): number => Number((value / unit.size).toFixed(decimals));
  // Where rounding hides an overrun ("32.0 of 32", over), decimals are added until it shows.
  while (over && rounded(use) <= rounded(limit) && decimals < mostDecimals) decimals++;
  const margin = use === undefined || limit === undefined ? undefined : rounded(limit) - rounded(use);
  const percent = (value: number): number => Math.min(100, Math.max(0, (value / full) * 100));
  return {
    unit,
    use: use === undefined ? undefined : grouped(use / unit.size, decimals),
    limit: limit === undefined ? undefined : limitText(budget, limit, unit, decimals),
    margin: margin === undefined ? undefined : `${grouped(Math.abs(margin), decimals)} ${over ? "over" : "left"}`,
    over,
    tight: use !== undefined && limit !== undefined && use > limit * tightFrom,
    usePercent: use === undefined ? 0 : percent(over ? limit : use),
    overPercent: over ? percent(use) - percent(limit) : 0,
    limitPercent: limit === undefined ? undefined : percent(limit),
    full,
  };
}

/** One decimal for sizes, three figures for the rest (DESIGN-NOTES 7). */
function decimalsOf(budget: GaugeBudget, shown: number): number {
  if (budget.unit === "B") return budget.use !== undefined && Math.max(budget.use, budget.limit ?? 0) < 1024 ? 0 : 1;
  return threeFigureDecimals(shown);
}

/** A limit without zeros that say nothing, but with what someone typed: `32`, `21.4`, `2.25`. */
function limitText(budget: GaugeBudget, limit: number, unit: Scale, decimals: number): string {
  const shown = limit / unit.size;
  return trimmed(shown, Math.max(decimals, budget.unit === "B" ? 2 : threeFigureDecimals(shown)));
}

/**
 * The limit at a place on the bar, in steps that have three figures on it: 0.1 KiB on a bar of 40 KiB.
 * @param fraction of the bar, 0 to 1
 */
export function limitAtFraction(figures: Pick<GaugeFigures, "full" | "unit">, fraction: number): number {
  const full = figures.full / figures.unit.size;
  const step = 10 ** (Math.floor(Math.log10(full)) - 2);
  const steps = Math.max(1, Math.round((Math.min(1, Math.max(0, fraction)) * full) / step));
  return inProgramUnit(steps * step, figures.unit);
}

/** A limit moved by 1 % or 10 % (arrow keys), up or down. */
export function limitBySteps(limit: number, unit: Scale, percent: number): number {
  const shown = (limit / unit.size) * (1 + percent / 100);
  return inProgramUnit(Number(shown.toPrecision(4)), unit);
}

/** Bytes and bit operations are whole. */
function inProgramUnit(shown: number, unit: Scale): number {
  const value = Number((shown * unit.size).toPrecision(12));
  return unit.size >= 1 && !Number.isInteger(value) ? Math.round(value) : value;
}

const typedUnits: Readonly<Record<string, number>> = {
  b: 1,
  kib: 2 ** 10,
  kb: 2 ** 10,
  mib: 2 ** 20,
  mb: 2 ** 20,
  gib: 2 ** 30,
  gb: 2 ** 30,
  s: 1,
  ms: 1e-3,
  us: 1e-6,
  µs: 1e-6,
  mj: 1e-3,
  uj: 1e-6,
  µj: 1e-6,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
};

/**
 * Reads a typed limit: `28`, `28 KiB`, `0.5 MiB`, `4.2 ms`, in the gauge's unit where none is given; empty = no limit.
 * @returns the limit in the program's unit, null for none, undefined if it is no amount
 */
export function parseLimit(text: string, unit: Scale): number | null | undefined {
  const typed = text.trim().replaceAll(",", "").toLowerCase();
  if (typed === "" || typed === "none") return null;
  const [, digits, name = ""] = /^(\d+(?:\.\d*)?|\.\d+)\s*([a-zµ]*)$/.exec(typed) ?? [];
  if (digits === undefined) return undefined;
  const size = name === "" ? unit.size : typedUnits[name];
  if (size === undefined || Number(digits) <= 0) return undefined;
  return inProgramUnit(Number(digits), { label: unit.label, size });
}

/**
 * Reads an accuracy target: `1`, `-1.0`, `−1.0 points`, `1 %` all allow a drop of one point; empty = none.
 * @returns the drop as a fraction, null for none, undefined if it is no target
 */
export function parseTarget(text: string): number | null | undefined {
  const typed = text.trim().toLowerCase();
  if (typed === "" || typed === "none") return null;
  const digits = /^[-−]?\s*(\d+(?:\.\d*)?|\.\d+)\s*(?:%|points?|pts?)?$/.exec(typed)?.[1];
  if (digits === undefined) return undefined;
  const points = Number(digits);
  return points <= 100 ? Number((points / 100).toPrecision(12)) : undefined;
}

/** The target as the field shows it: `−1.0 points`. */
export function targetText(maxDrop: number | undefined): string {
  if (maxDrop === undefined) return "";
  const decimals = Number.isInteger(Number((maxDrop * 1000).toFixed(6))) ? 1 : 2;
  return `${grouped(-maxDrop * 100, decimals)} points`;
}
