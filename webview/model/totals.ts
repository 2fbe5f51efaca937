import { formatBytes, formatCount, formatJoules, formatSeconds, grouped } from "../../src/core/plan/format.ts";
import { finite, none } from "../format/numbers.ts";
import { exactBelow } from "../format/scales.ts";
import type { ColumnId } from "./columnIds.ts";
import type { ColumnScale, Figures } from "./figures.ts";

/** Sums over the rows shown. Undefined = no row has the figure. */
export interface Totals {
  readonly rows: number;
  readonly params: number;
  readonly macs: number | undefined;
  readonly bytes: number | undefined;
  readonly latency: number | undefined;
  readonly energy: number | undefined;
  /** Mean over the weights of the quantized rows. */
  readonly weightBits: number | undefined;
  /** The one bitwidth of all quantized rows' activations, else their mean. */
  readonly activationBits: number | undefined;
  /** Fraction of the whole model's loss. */
  readonly share: number | undefined;
}

export function totalsOf(f: Figures, order: readonly number[]): Totals {
  const sum = (pick: (i: number) => number | null | undefined): number | undefined => {
    let total = 0;
    let any = false;
    for (const i of order) {
      const value = finite(pick(i));
      if (value === undefined) continue;
      total += value;
      any = true;
    }
    return any ? total : undefined;
  };
  const bits = (i: number): number => f.rows[i]?.weightBits ?? 0;
  const weights = sum((i) => (bits(i) > 0 ? f.rows[i]?.params : undefined));
  const activations = order.flatMap((i) => (bits(i) > 0 ? (f.rows[i]?.activationBits ?? []) : []));
  const loss = sum((i) => f.loss[i]);
  return {
    rows: order.length,
    params: sum((i) => f.rows[i]?.params) ?? 0,
    macs: sum((i) => f.rows[i]?.macs),
    bytes: sum((i) => f.rows[i]?.bytes),
    latency: sum((i) => f.rows[i]?.latencyS),
    energy: sum((i) => f.rows[i]?.energyJ),
    weightBits: weights ? (sum((i) => bits(i) * (f.rows[i]?.params ?? 0)) ?? 0) / weights : undefined,
    activationBits: activations.length > 0 ? activations.reduce((a, b) => a + b, 0) / activations.length : undefined,
    share: loss !== undefined && f.totalLoss > 0 ? loss / f.totalLoss : undefined,
  };
}

/** What the totals row says in a column; empty where a sum means nothing. */
export function totalText(f: Figures, totals: Totals, id: ColumnId, filtered: boolean, narrow: boolean): string {
  const scaled = (scale: ColumnScale, value: number | undefined): string =>
    value === undefined ? none : grouped(value / scale.size, sumDecimals(value / scale.size, scale.decimals));
  switch (id) {
    case "name":
      return filtered ? `Total of ${grouped(totals.rows)}` : "Total";
    case "params":
      return f.params.size === 1 ? formatCount(totals.params) : scaled(f.params, totals.params);
    case "macs":
      return scaled(f.macs, totals.macs);
    case "bytes":
      return scaled(f.bytes, totals.bytes);
    case "latency":
      return scaled(f.latency, totals.latency);
    case "energy":
      return scaled(f.energy, totals.energy);
    case "weightBits":
      return totals.weightBits === undefined ? none : `${totals.weightBits.toFixed(1)} ${narrow ? "avg" : "average"}`;
    case "activationBits":
      return totals.activationBits === undefined ? none : trimmedMean(totals.activationBits);
    case "share":
      return totals.share === undefined ? none : `${percent(totals.share)} %`;
    default:
      return "";
  }
}

/** What a sum is in full, for the hover: the column's unit has room for few figures. */
export function totalTitle(totals: Totals, id: ColumnId): string {
  switch (id) {
    case "params":
      return `${grouped(totals.params)} parameters`;
    case "macs":
      return totals.macs === undefined
        ? ""
        : `${totals.macs < exactBelow ? grouped(totals.macs) : formatCount(totals.macs)} MACs`;
    case "bytes":
      return totals.bytes === undefined ? "" : formatBytes(totals.bytes, 2);
    case "latency":
      return totals.latency === undefined ? "" : formatSeconds(totals.latency);
    case "energy":
      return totals.energy === undefined ? "" : formatJoules(totals.energy);
    case "weightBits":
      return "Mean over the weights of the quantized layers";
    default:
      return "";
  }
}

/** A sum is larger than what it sums: of 1,595.022 ms the last decimals say nothing and take room. */
function sumDecimals(value: number, decimals: number): number {
  if (value >= 1000) return 0;
  return value >= 100 ? Math.min(1, decimals) : decimals;
}

function trimmedMean(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}

function percent(fraction: number): string {
  const value = fraction * 100;
  return value > 99.95 ? "100" : value.toFixed(1);
}
