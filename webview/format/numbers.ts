import { formatSensitivity, grouped, threeFigures } from "../../src/core/plan/format.ts";
import { scaleFor } from "./scales.ts";

/** "Does not apply", or not known: an en dash, muted where it stands. */
export const none = "–";

/** No zeros that say nothing: `32`, `21.4`. At most `decimals`. */
export function trimmed(value: number, decimals: number): string {
  const text = grouped(value, decimals);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** A fraction as `12.2 %`, whole percents for estimates: `~23 %`. */
export function formatShare(fraction: number, synthetic: boolean): string {
  return synthetic ? `~${Math.round(fraction * 100)} %` : `${(fraction * 100).toFixed(1)} %`;
}

/** A sensitivity with four decimals; one on synthetic samples ranks only, so it has two figures and a `~`. */
export function formatLoss(value: number, synthetic: boolean): string {
  if (!synthetic) return formatSensitivity(value);
  if (value !== 0 && value < 0.0001) return "~<0.0001";
  return `~${value === 0 ? "0" : plainTwoFigures(value)}`;
}

/** Two significant figures without exponent: `0.62`, `0.00018`. */
export function plainTwoFigures(value: number): string {
  if (value === 0) return "0";
  const decimals = Math.max(0, 1 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(decimals, 12));
}

/** `32×16×3×3`. */
export function formatShape(shape: readonly number[]): string {
  return shape.join("×");
}

/** Drop of accuracy (a fraction, positive = worse) as the points it costs: `−0.4`. */
export function formatDropPoints(drop: number, decimals = 1): string {
  const points = grouped(-drop * 100, decimals);
  return Number(points.replace("−", "-").replaceAll(",", "")) === 0 ? (0).toFixed(decimals) : points;
}

/** A finite number, or nothing: figures that are not finite arrive as null. */
export function finite(value: number | null | undefined): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** `1 layer`, `23 layers`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${grouped(n)} ${n === 1 ? one : many}`;
}

/** A count where there is little room: three figures from 10,000 on, `68.5 k`. */
export function shortCount(value: number): string {
  if (value < 10_000) return grouped(value);
  const prefixes = [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const;
  const [size, prefix] = prefixes.find(([s]) => value >= s) ?? [1, ""];
  return `${threeFigures(value / size)} ${prefix}`;
}

/** A size with three figures: `268 KiB`, `1.25 MiB`. */
export function shortBytes(bytes: number): string {
  const { size, label } = scaleFor("B", bytes);
  return `${size === 1 ? grouped(bytes) : threeFigures(bytes / size)} ${label}`;
}
