import { finite } from "../format/numbers.ts";
import { type Figures, isFloat, sensitivities, shareOf } from "./figures.ts";

/**
 * Rows as CSV (RFC 4180): raw numbers, the unit in the header, one line a layer in the order shown.
 * @param order positions in the network
 */
export function csvOf(f: Figures, order: readonly number[]): string {
  const { bits, metric, synthetic } = f.snapshot;
  const measure = f.source === "weights" ? "KL of the weights" : `${metric ?? "KL"}${synthetic ? ", synthetic" : ""}`;
  const head = [
    "#",
    "Layer",
    "Operator",
    "Weight shape",
    "Parameters",
    "MACs",
    "Sigma of the weights",
    ...bits.map((b) => `Sensitivity at ${b} bits (${measure})`),
    "Weight bits",
    "Activation bits",
    "Pinned",
    "Size (bytes)",
    "Latency (ms)",
    "Energy (µJ)",
    "Share of loss (%)",
    "Kept in float",
  ];
  const lines = order.flatMap((i) => {
    const row = f.rows[i];
    if (row === undefined) return [];
    const values = sensitivities(f, row);
    return [
      [
        i + 1,
        row.name,
        row.opType,
        row.weightShape.join("x"),
        row.params,
        row.macs,
        row.sigma,
        ...bits.map((b) => values?.[b]),
        row.weightBits,
        row.activationBits,
        row.pinned ? "yes" : "no",
        row.bytes,
        scaled(row.latencyS, 1e3),
        scaled(row.energyJ, 1e6),
        scaled(shareOf(f, i), 100),
        isFloat(row) ? (row.floatReason ?? "yes") : "",
      ],
    ];
  });
  return [head, ...lines]
    .map((line) => line.map(cell).join(","))
    .join("\r\n")
    .concat("\r\n");
}

/** Twelve digits undo what the multiplication added at the end: 0.234, not 0.23400000000000001. */
function scaled(value: number | null | undefined, by: number): number | undefined {
  const number = finite(value);
  return number === undefined ? undefined : Number((number * by).toPrecision(12));
}

/** Names come from files: one that a spreadsheet would take for a formula gets an apostrophe before it. */
function cell(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
