import { assertNever } from "../errors.ts";
import type { Resource } from "../hardware/profile.ts";
import type { Accuracy, BudgetUse } from "./types.ts";

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
export function formatCount(count: number): string {
  if (Math.abs(count) < 100_000) return grouped(Math.round(count));
  for (const [size, prefix] of prefixes) if (Math.abs(count) >= size) return `${threeFigures(count / size)} ${prefix}`;
  return grouped(count);
}

/** Three significant figures without exponent. */
export function threeFigures(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return grouped(value, Math.min(digits, 8));
}

/** Seconds as `3.67 ms`, `42.0 µs`. */
export function formatSeconds(seconds: number): string {
  if (seconds >= 1) return `${threeFigures(seconds)} s`;
  return seconds >= 1e-4 ? `${threeFigures(seconds * 1e3)} ms` : `${threeFigures(seconds * 1e6)} µs`;
}

/** Joules as `208 µJ`, `1.20 mJ`. */
export function formatJoules(joules: number): string {
  return joules >= 1e-3 ? `${threeFigures(joules * 1e3)} mJ` : `${threeFigures(joules * 1e6)} µJ`;
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

/** An amount of a budget in its own unit; with enough decimals that `use` and `limit` of an overrun differ. */
export function formatAmount(unit: BudgetUse["unit"], value: number): string {
  switch (unit) {
    case "B":
      return formatBytes(value);
    case "s":
      return formatSeconds(value);
    case "J":
      return formatJoules(value);
    case "bitops":
      return formatCount(value);
    default:
      return assertNever(unit);
  }
}

/** `93.3 % top-1 → 92.9 %`, `98.1 % agreement with float`, `SQNR 31.0 dB`. */
export function formatAccuracy({ metric, float, quantized }: Accuracy): string {
  switch (metric) {
    case "top1":
      return `${formatPercent(float)} → ${formatPercent(quantized)} top-1`;
    case "agreement":
      return `${formatPercent(quantized)} agreement with float`;
    case "nmse":
      return quantized > 0 ? `SQNR ${(-10 * Math.log10(quantized)).toFixed(1)} dB` : "equal to float";
    default:
      return assertNever(metric);
  }
}
