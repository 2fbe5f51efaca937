import type { Bits } from "../../src/core/hardware/profile.ts";
import type { EditorSnapshot, LayerRow } from "../../src/protocol/editor.ts";
import { finite } from "../format/numbers.ts";
import { columnCountScale, type Scale, scaleFor, threeFigureDecimals } from "../format/scales.ts";
import { memoLast } from "./memo.ts";

/** A unit with the decimals that all values of a column have. */
export interface ColumnScale extends Scale {
  readonly decimals: number;
}

/** What the table, the charts and their side tables need of a snapshot besides itself. */
export interface Figures {
  readonly snapshot: EditorSnapshot;
  readonly rows: readonly LayerRow[];
  /** Position in the network by name. */
  readonly indexOf: ReadonlyMap<string, number>;
  /** Where sensitivities are from: measured on samples, or the KL divergence of the weights. */
  readonly source: "measured" | "weights" | "none";
  /** Sensitivity at the assigned bits by row; NaN where there is none. */
  readonly loss: Float64Array;
  readonly totalLoss: number;
  /** Largest loss of one layer: the full length of a bar in Share of loss. */
  readonly largestLoss: number;
  readonly params: ColumnScale;
  readonly macs: ColumnScale;
  readonly bytes: ColumnScale;
  readonly latency: ColumnScale;
  readonly energy: ColumnScale;
  /** Rows with pins and in float. */
  readonly pinned: number;
  readonly float: number;
  readonly changed: number;
  readonly outdated: number;
}

/** KL divergence of the weights by bits, once per row. */
const weightKlOf = new WeakMap<LayerRow, Readonly<Partial<Record<Bits, number>>>>();

/** KL divergence between float and quantized weights by bits; needs no run. */
export function weightKl(row: LayerRow): Readonly<Partial<Record<Bits, number>>> | undefined {
  if (row.weightErrors === undefined) return undefined;
  let kl = weightKlOf.get(row);
  if (kl === undefined) {
    kl = Object.fromEntries(row.weightErrors.map((e) => [e.bits, e.kl]));
    weightKlOf.set(row, kl);
  }
  return kl;
}

/** The sensitivities that a row shows: measured ones, else those of the weights. */
export function sensitivities(
  f: Pick<Figures, "source">,
  row: LayerRow,
): Readonly<Partial<Record<Bits, number>>> | undefined {
  return f.source === "weights" ? weightKl(row) : row.sensitivity;
}

export const figuresOf: (snapshot: EditorSnapshot) => Figures = memoLast((snapshot: EditorSnapshot) => {
  const rows = snapshot.layers;
  const measured = rows.some((row) => row.sensitivity !== undefined);
  const measuring = snapshot.work?.kind === "analyze";
  const fromWeights = !measured && !measuring && rows.some((row) => row.weightErrors !== undefined);
  const source = measured ? "measured" : fromWeights ? "weights" : "none";
  const loss = new Float64Array(rows.length).fill(Number.NaN);
  const indexOf = new Map<string, number>();
  const largest = { params: 0, macs: 0, bytes: 0, latency: 0, energy: 0 };
  let [totalLoss, largestLoss, pinned, float, changed, outdated] = [0, 0, 0, 0, 0, 0];
  for (const [i, row] of rows.entries()) {
    indexOf.set(row.name, i);
    largest.params = Math.max(largest.params, row.params);
    largest.macs = Math.max(largest.macs, row.macs ?? 0);
    largest.bytes = Math.max(largest.bytes, row.bytes ?? 0);
    largest.latency = Math.max(largest.latency, row.latencyS ?? 0);
    largest.energy = Math.max(largest.energy, row.energyJ ?? 0);
    if (row.pinned) pinned++;
    if (isFloat(row)) float++;
    if (row.wasBits !== undefined) changed++;
    if (row.outdated) outdated++;
    const own = row.weightBits ? finite(sensitivities({ source }, row)?.[row.weightBits]) : undefined;
    if (own === undefined) continue;
    loss[i] = own;
    totalLoss += Math.max(0, own);
    largestLoss = Math.max(largestLoss, own);
  }
  return {
    snapshot,
    rows,
    indexOf,
    source,
    loss,
    totalLoss,
    largestLoss,
    params: countColumn(largest.params),
    macs: countColumn(largest.macs),
    bytes: sizeColumn(largest.bytes),
    latency: threeFigureColumn(scaleFor("s", largest.latency), largest.latency),
    energy: threeFigureColumn(scaleFor("J", largest.energy), largest.energy),
    pinned,
    float,
    changed,
    outdated,
  };
});

function countColumn(largest: number): ColumnScale {
  const scale = columnCountScale(largest);
  return { ...scale, decimals: scale.size === 1 ? 0 : 1 };
}

/** A column without any figure yet has no unit: it may become another. */
function sizeColumn(largest: number): ColumnScale {
  const scale = scaleFor("B", largest);
  return { ...scale, label: largest > 0 ? scale.label : "", decimals: largest >= 1024 ? 2 : 0 };
}

function threeFigureColumn(scale: Scale, largest: number): ColumnScale {
  return { ...scale, label: largest > 0 ? scale.label : "", decimals: threeFigureDecimals(largest / scale.size) };
}

/** Kept in float: with a reason, or decided so. A row without bits and without reason is not decided yet. */
export function isFloat(row: LayerRow): boolean {
  return row.floatReason !== undefined || row.weightBits === null;
}

/** Share of a row in the loss of all; undefined for float rows and before anything is known. */
export function shareOf(f: Figures, i: number): number | undefined {
  const own = finite(f.loss[i]);
  return own === undefined || f.totalLoss <= 0 ? undefined : Math.max(0, own) / f.totalLoss;
}
