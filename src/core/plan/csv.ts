import type { Plan } from "./types.ts";

/** The per-layer table with raw numbers and units in the header, for spreadsheets (RFC 4180). */
export function csvReport(plan: Plan): string {
  const bits = [2, 3, 4, 5, 6, 7, 8] as const;
  const head = [
    "index",
    "name",
    "operator",
    "weight_shape",
    "params",
    "macs",
    "sigma",
    ...bits.map((b) => `sensitivity_${b}bit`),
    "weight_bits",
    "pinned",
    "activation_bits",
    "bytes",
    "latency_s",
    "energy_j",
    "bops",
    "float_reason",
  ];
  const rows = plan.layers.map((l, i) => [
    i + 1,
    l.name,
    l.opType,
    l.weightShape.join("x"),
    l.params,
    l.macs,
    l.sigma,
    ...bits.map((b) => l.sensitivity?.[b]),
    l.weightBits ?? "float",
    l.pinned ?? false,
    l.activationBits ?? "float",
    l.bytes,
    l.latencyS,
    l.energyJ,
    l.bops,
    l.floatReason,
  ]);
  return csvText([head, ...rows]);
}

type CsvValue = string | number | boolean | undefined;

/** Lines of cells as RFC 4180 has them; undefined is an empty cell. */
export function csvText(lines: readonly (readonly CsvValue[])[]): string {
  return lines
    .map((cells) => cells.map(csvCell).join(","))
    .join("\r\n")
    .concat("\r\n");
}

function csvCell(value: CsvValue): string {
  if (value === undefined) return "";
  const text = String(value);
  // A leading = + - @ would be a formula in a spreadsheet: layer names come from strangers' files.
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}
