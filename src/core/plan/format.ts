import { assertNever } from "../errors.ts";
import type { Resource } from "../hardware/profile.ts";
import type { Accuracy, Baseline, BudgetUse } from "./types.ts";

/** A true minus, as in print (U+2212). */
const minus = "−";

/** `1,234.5`: thousands by comma, fixed decimals. */
export function grouped(value: number, decimals = 0): string {
  const [whole = "", fraction] = Math.abs(value).toFixed(decimals).split(".");
  const sign = value < 0 && Number(value.toFixed(decimals)) !== 0 ? minus : "";
  return `${sign}${whole.replace(/\B(?=(\d{3})+$)/g, ",")}${fraction ? `.${fraction}` : ""}`;
}

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** Bytes in the largest unit that leaves at least 1: `31.2 KiB`; whole bytes below 1 KiB. */
export function formatBytes(bytes: number, decimals = 1): string {
  let unit = 0;
  let value = bytes;
  while (Math.abs(value) >= 1024 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${grouped(value, unit === 0 ? 0 : decimals)} ${byteUnits[unit]}`;
}

const prefixes = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** Exact below 100,000 (`68,504`), else three figures with a prefix (`10.3 M`). */
export function formatCount(count: number, figures = 3): string {
  if (Math.abs(count) < 100_000) return grouped(Math.round(count));
  for (const [size, prefix] of prefixes)
    if (Math.abs(count) >= size) return `${threeFigures(count / size, figures)} ${prefix}`;
  return grouped(count);
}

/** Three significant figures (or as many as asked for) without exponent. */
export function threeFigures(value: number, figures = 3): string {
  if (value === 0) return "0";
  const digits = Math.max(0, figures - 1 - Math.floor(Math.log10(Math.abs(value))));
  return grouped(value, Math.min(digits, 8));
}

/** Seconds as `3.67 ms`, `42.0 µs`; a margin may be negative. */
export function formatSeconds(seconds: number, figures = 3): string {
  const size = Math.abs(seconds);
  if (size >= 1) return `${threeFigures(seconds, figures)} s`;
  return size >= 1e-4 ? `${threeFigures(seconds * 1e3, figures)} ms` : `${threeFigures(seconds * 1e6, figures)} µs`;
}

/** Time left in the steps that it deserves: 1 s below 10 s, 5 s below a minute, then minutes. */
export function formatTimeLeft(seconds: number): string {
  if (seconds < 10) return `about ${Math.max(1, Math.round(seconds))} s left`;
  if (seconds < 57.5) return `about ${Math.round(seconds / 5) * 5} s left`;
  return `about ${Math.max(1, Math.round(seconds / 60))} min left`;
}

/** Joules as `208 µJ`, `1.20 mJ`; a margin may be negative. */
export function formatJoules(joules: number, figures = 3): string {
  return Math.abs(joules) >= 1e-3
    ? `${threeFigures(joules * 1e3, figures)} mJ`
    : `${threeFigures(joules * 1e6, figures)} µJ`;
}

/** A difference of accuracies in points: `−0.4 points`, `0.0 points`, `+0.2 points`. @param difference a fraction */
export function formatPoints(difference: number): string {
  const points = (difference * 100).toFixed(1);
  const zero = Number(points) === 0;
  const sign = zero ? "" : difference < 0 ? minus : "+";
  return `${sign}${points.replace("-", "")} points`;
}

/** A fraction as `93.3 %`. */
export function formatPercent(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`;
}

/** Sensitivity: four decimals, `<0.0001` below. */
export function formatSensitivity(value: number): string {
  return value > 0 && value < 0.0001 ? "<0.0001" : value.toFixed(4);
}

/** The name of a budget in a sentence. */
export function resourceName(resource: Resource | "accuracy"): string {
  switch (resource) {
    case "weightMemory":
      return "weight memory";
    case "activationMemory":
      return "activation memory";
    case "bops":
      return "BOPs";
    case "latency":
    case "energy":
    case "accuracy":
      return resource;
    default:
      return assertNever(resource);
  }
}

/** An amount of a budget in its own unit. @param extra decimals more than usual */
export function formatAmount(unit: BudgetUse["unit"], value: number, extra = 0): string {
  switch (unit) {
    case "B":
      return formatBytes(value, 1 + extra);
    case "s":
      return formatSeconds(value, 3 + extra);
    case "J":
      return formatJoules(value, 3 + extra);
    case "bitops":
      return formatCount(value, 3 + extra);
    default:
      return assertNever(unit);
  }
}

/** More decimals than these tell nothing; an overrun that they hide is of the arithmetic. */
const maxExtra = 4;

/** Two amounts with as many decimals as it takes to tell them apart: `32.01 KiB` and `32.00 KiB`. */
export function formatApart(unit: BudgetUse["unit"], a: number, b: number): readonly [string, string] {
  for (let extra = 0; ; extra++) {
    const texts = [formatAmount(unit, a, extra), formatAmount(unit, b, extra)] as const;
    if (texts[0] !== texts[1] || a === b || extra === maxExtra) return texts;
  }
}

/** Use, limit and margin of a budget as table cells; an overrun shows in the figures however small it is. */
export function budgetCells({ use, limit, unit }: BudgetUse): readonly [use: string, limit: string, margin: string] {
  if (use === undefined) return ["no figure", limit === undefined ? "–" : formatAmount(unit, limit), "–"];
  if (limit === undefined) return [formatAmount(unit, use), "–", "–"];
  const [used, allowed] = use > limit ? formatApart(unit, use, limit) : [use, limit].map((v) => formatAmount(unit, v));
  return [used as string, allowed as string, formatAmount(unit, limit - use)];
}

/**
 * A limit that `use` keeps, written as a person would: memory in tenths of its unit, the rest in three figures, rounded up
 * (`Raise the budget to 21.4 KiB` has to be enough).
 */
export function formatEnough(unit: BudgetUse["unit"], use: number): string {
  if (use <= 0) return formatAmount(unit, use);
  let step = 10 ** (Math.floor(Math.log10(use)) - 2);
  if (unit === "B") {
    step = 1;
    while (use / step >= 1024) step *= 1024;
    if (step > 1) step /= 10;
  }
  // A use that is a whole number of steps but for the arithmetic stays as it is.
  return formatAmount(unit, Math.ceil((use / step) * (1 - Number.EPSILON)) * step);
}

/**
 * Columns of a table of plans: the second one, of weights that are only rounded, where a run has both.
 * @returns heads and one cell a head
 */
export function accuracyColumns(baselines: readonly Baseline[]): {
  readonly heads: readonly string[];
  readonly cells: (plan: Pick<Baseline, "accuracy" | "rounded">) => readonly string[];
} {
  const cell = (accuracy: Accuracy | undefined) => (accuracy ? formatAccuracy(accuracy) : "–");
  if (!baselines.some(({ rounded }) => rounded)) {
    return { heads: ["Accuracy"], cells: (plan) => [cell(plan.accuracy)] };
  }
  return {
    heads: ["Accuracy", "Without recovery"],
    cells: (plan) => [cell(plan.accuracy), cell(plan.rounded)],
  };
}

/** `93.3 % → 92.9 % top-1`, `98.1 % agreement with float`, `SQNR 31.0 dB`; what is got from made-up samples has a `~`. */
export function formatAccuracy({ metric, float, quantized, synthetic }: Accuracy): string {
  const mark = synthetic ? "~" : "";
  switch (metric) {
    case "top1":
      return `${formatPercent(float)} → ${mark}${formatPercent(quantized)} top-1`;
    case "agreement":
      return `${mark}${formatPercent(quantized)} agreement with float`;
    case "nmse":
      return quantized > 0 ? `SQNR ${mark}${grouped(-10 * Math.log10(quantized), 1)} dB` : `${mark}equal to float`;
    default:
      return assertNever(metric);
  }
}
