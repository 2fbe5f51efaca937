import { grouped } from "../../src/core/plan/format.ts";
import { finite, formatLoss, formatShape, formatShare, none } from "../format/numbers.ts";
import type { ColumnId } from "./columnIds.ts";
import { type ColumnScale, type Figures, isFloat, sensitivities, shareOf, weightKl } from "./figures.ts";

/** A column of the layer table. Cells with more than text (heat, slots, bars) have a painter besides. */
export interface Column {
  readonly id: ColumnId;
  /** What the header says, and below 560 px. */
  readonly name: string;
  readonly narrowName?: string;
  /** How the column chooser and the CSV call it. */
  readonly longName?: string;
  readonly kind: "text" | "number";
  readonly align: "left" | "right";
  /** Pixels at least; the live font may ask for more. */
  readonly width: number;
  readonly narrowWidth?: number;
  /** Its cells are secondary text. */
  readonly muted?: boolean;
  /** Empty until there is a profile: left out before. */
  readonly ofPlan?: boolean;
  /** What it sorts by. */
  readonly value: (f: Figures, i: number) => number | string | undefined;
  readonly text: (f: Figures, i: number) => string;
  /** Second line of the header. */
  readonly unit?: (f: Figures) => string;
}

const scaled = (scale: ColumnScale, value: number | undefined): string =>
  value === undefined ? none : grouped(value / scale.size, scale.decimals);

const synthetic = (f: Figures): boolean => f.snapshot.synthetic && f.source === "measured";

export const columns: readonly Column[] = [
  {
    id: "index",
    name: "#",
    longName: "Number",
    kind: "number",
    align: "right",
    width: 48,
    muted: true,
    value: (_, i) => i,
    text: (_, i) => String(i + 1),
  },
  {
    id: "name",
    name: "Layer",
    kind: "text",
    align: "left",
    width: 176,
    narrowWidth: 114,
    value: (f, i) => f.rows[i]?.name,
    text: (f, i) => f.rows[i]?.name ?? none,
  },
  {
    id: "op",
    name: "Op",
    longName: "Operator",
    kind: "text",
    align: "left",
    width: 66,
    muted: true,
    value: (f, i) => f.rows[i]?.opType,
    text: (f, i) => f.rows[i]?.opType ?? none,
  },
  {
    id: "shape",
    name: "Weight shape",
    kind: "number",
    align: "left",
    width: 114,
    muted: true,
    // Sorts by size: a shape has no order of its own.
    value: (f, i) => f.rows[i]?.params,
    text: (f, i) => formatShape(f.rows[i]?.weightShape ?? []),
  },
  {
    id: "params",
    name: "Params",
    longName: "Parameters",
    kind: "number",
    align: "right",
    width: 70,
    value: (f, i) => f.rows[i]?.params,
    text: (f, i) => scaled(f.params, f.rows[i]?.params),
    unit: (f) => f.params.label,
  },
  {
    id: "macs",
    name: "MACs",
    kind: "number",
    align: "right",
    width: 68,
    value: (f, i) => finite(f.rows[i]?.macs),
    text: (f, i) => scaled(f.macs, finite(f.rows[i]?.macs)),
    unit: (f) => f.macs.label,
  },
  {
    id: "sigma",
    name: "σ",
    longName: "σ of the weights",
    kind: "number",
    align: "right",
    width: 66,
    value: (f, i) => finite(f.rows[i]?.sigma),
    text: (f, i) => finite(f.rows[i]?.sigma)?.toFixed(4) ?? none,
    unit: () => "weights",
  },
  {
    id: "weightKl",
    name: "KL of the weights",
    kind: "number",
    align: "left",
    width: 130,
    value: (f, i) => firstValue(weightKlAt(f, i), f),
    text: () => none,
  },
  {
    id: "sensitivity",
    name: "Sensitivity",
    kind: "number",
    align: "left",
    width: 156,
    narrowWidth: 92,
    value: (f, i) => finite(f.loss[i]) ?? firstValue(f.rows[i] && sensitivities(f, f.rows[i]), f),
    text: (f, i) => lossText(f, i),
  },
  {
    id: "weightBits",
    name: "W bits",
    longName: "Weight bits",
    kind: "number",
    align: "left",
    width: 108,
    narrowWidth: 82,
    ofPlan: true,
    value: (f, i) => f.rows[i]?.weightBits ?? undefined,
    text: (f, i) => (f.rows[i]?.weightBits ? String(f.rows[i].weightBits) : none),
  },
  {
    id: "activationBits",
    name: "A bits",
    longName: "Activation bits",
    kind: "number",
    align: "right",
    width: 52,
    ofPlan: true,
    value: (f, i) => f.rows[i]?.activationBits ?? undefined,
    text: (f, i) => (f.rows[i]?.activationBits ? String(f.rows[i].activationBits) : none),
  },
  {
    id: "bytes",
    name: "Bytes",
    kind: "number",
    align: "right",
    width: 66,
    narrowWidth: 54,
    ofPlan: true,
    value: (f, i) => finite(f.rows[i]?.bytes),
    text: (f, i) => scaled(f.bytes, finite(f.rows[i]?.bytes)),
    unit: (f) => f.bytes.label,
  },
  {
    id: "latency",
    name: "Latency",
    kind: "number",
    align: "right",
    width: 64,
    ofPlan: true,
    value: (f, i) => finite(f.rows[i]?.latencyS),
    text: (f, i) => scaled(f.latency, finite(f.rows[i]?.latencyS)),
    unit: (f) => f.latency.label,
  },
  {
    id: "energy",
    name: "Energy",
    kind: "number",
    align: "right",
    width: 58,
    ofPlan: true,
    value: (f, i) => finite(f.rows[i]?.energyJ),
    text: (f, i) => scaled(f.energy, finite(f.rows[i]?.energyJ)),
    unit: (f) => f.energy.label,
  },
  {
    id: "share",
    name: "Share of loss",
    narrowName: "Loss",
    kind: "number",
    align: "left",
    width: 110,
    narrowWidth: 60,
    ofPlan: true,
    value: (f, i) => shareOf(f, i),
    text: (f, i) => {
      const share = shareOf(f, i);
      return share === undefined ? none : formatShare(share, synthetic(f));
    },
    unit: (f) => (synthetic(f) ? "synthetic" : ""),
  },
];

const byId = new Map(columns.map((column) => [column.id, column]));

export function columnOf(id: ColumnId): Column {
  const column = byId.get(id);
  if (column === undefined) throw new Error(`no column ${id}`);
  return column;
}

/** The number beside a row's heat cells: its sensitivity at the assigned bits. */
export function lossText(f: Figures, i: number): string {
  const own = finite(f.loss[i]);
  if (own !== undefined) return formatLoss(own, synthetic(f));
  const row = f.rows[i];
  if (row === undefined || isFloat(row) || f.source !== "weights" || row.weightBits !== undefined) return "";
  return weightKl(row) === undefined ? "" : "from the weights";
}

function weightKlAt(f: Figures, i: number): ReturnType<typeof weightKl> {
  const row = f.rows[i];
  return row === undefined ? undefined : weightKl(row);
}

/** Where no bits are assigned, rows sort by the lowest candidate's sensitivity. */
function firstValue(values: ReturnType<typeof weightKl>, f: Figures): number | undefined {
  const [lowest] = f.snapshot.bits;
  return lowest === undefined ? undefined : finite(values?.[lowest]);
}
