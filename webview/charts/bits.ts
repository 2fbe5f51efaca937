import type { Bits } from "../../src/core/hardware/profile.ts";
import { formatBytes, grouped } from "../../src/core/plan/format.ts";
import type { Context } from "../context.ts";
import { el, setText } from "../dom.ts";
import { finite } from "../format/numbers.ts";
import { type Figures, figuresOf, isFloat } from "../model/figures.ts";
import { groupsOf, type LayerGroup } from "../model/groups.ts";
import { memoLast } from "../model/memo.ts";
import { leadingLayer } from "../model/selection.ts";
import { averageBits } from "../model/words.ts";
import type { State } from "../state.ts";
import { drawBits } from "./bitsDrawing.ts";
import type { ChartKind } from "./chartView.ts";
import { patchTable, type TableData } from "./patchTable.ts";

/** One bar: a layer, or several when there are more layers than room for bars. */
export interface BitBar {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  /** Of the weights in it, rounded; undefined = in float. */
  readonly bits: Bits | undefined;
  readonly pinned: boolean;
}

export interface BitsData {
  readonly f: Figures;
  readonly bars: readonly BitBar[];
  /** Layers per bar. */
  readonly perBar: number;
  readonly selected: number;
  readonly groups: readonly LayerGroup[];
}

/** Bars narrower than two pixels are no bars. */
const mostBars = 400;

const read = memoLast((f: Figures, selected: string | undefined): BitsData => {
  const perBar = Math.ceil(f.rows.length / mostBars);
  const bars: BitBar[] = [];
  for (let from = 0; from < f.rows.length; from += perBar)
    bars.push(barOf(f, from, Math.min(f.rows.length, from + perBar) - 1));
  const index = selected === undefined ? undefined : f.indexOf.get(selected);
  return {
    f,
    bars,
    perBar,
    selected: index === undefined ? -1 : Math.floor(index / perBar),
    groups: perBar > 1 ? [] : groupsOf(f.rows.map((row) => row.name)),
  };
});

function barOf(f: Figures, from: number, to: number): BitBar {
  let [bytes, bits, params] = [0, 0, 0];
  let pinned = false;
  for (let i = from; i <= to; i++) {
    const row = f.rows[i];
    if (row === undefined) continue;
    bytes += finite(row.bytes) ?? 0;
    pinned ||= row.pinned;
    if (!row.weightBits) continue;
    bits += row.weightBits * row.params;
    params += row.params;
  }
  return {
    from,
    to,
    bytes,
    bits: params > 0 ? (Math.round(bits / params) as Bits) : undefined,
    pinned: pinned && from === to,
  };
}

/** Bits and bytes of each layer along the network. */
export const bitsChart: ChartKind<BitsData> = {
  nearest: "x",
  read: ({ snapshot, view }: State) => {
    if (snapshot === undefined || snapshot.layers.length === 0) return "";
    if (!snapshot.layers.some((row) => finite(row.bytes) !== undefined)) {
      return snapshot.profile === undefined ? "Choose a device to see bits and bytes of each layer." : "No plan yet.";
    }
    return read(figuresOf(snapshot), leadingLayer(view));
  },
  draw: drawBits,
  label: ({ f }) => `Bytes and bits of each of ${f.rows.length} layers in network order`,
  points: ({ f, bars }) => bars.map((bar, i) => ({ x: i + 1, y: bar.bytes / f.bytes.size, text: barText(f, bar) })),
  choose: ({ f, bars }, point, context) => context.reveal(f.rows[bars[point]?.from ?? -1]?.name),
  table: ({ f }) => ({
    head: ["Layer", "Weight bits", `Bytes, ${f.bytes.label}`],
    rows: f.rows.slice(0, mostBars).map((row) => ({
      cells: [
        row.name,
        row.weightBits ? `${row.weightBits}${row.pinned ? ", pinned" : ""}` : "float",
        amount(f, row.bytes),
      ],
    })),
  }),
  side,
};

function amount(f: Figures, bytes: number | undefined): string {
  return bytes === undefined ? "–" : grouped(bytes / f.bytes.size, f.bytes.decimals);
}

function barText(f: Figures, { from, to, bytes, bits, pinned }: BitBar): string {
  const size = formatBytes(bytes, 2);
  if (from < to) return `Layers ${from + 1} to ${to + 1}\n${size}\n${bits ?? "–"} bits on average`;
  const how = bits === undefined ? "in float" : `${bits} bits${pinned ? ", pinned" : ""}`;
  return `${from + 1}  ${f.rows[from]?.name ?? ""}\n${how}\n${size}`;
}

function side(_: Context): ReturnType<ChartKind<BitsData>["side"]> {
  const title = el("h3");
  const table = el("table", { class: "side-table" });
  return {
    element: el("aside", {}, title, table),
    update: ({ f }) => {
      const average = averageBits(f);
      setText(title, average === undefined ? "Bits" : `Bits, ${average.toFixed(1)} on average`);
      patchTable(table, bitTotals(f));
    },
  };
}

/** Layers, size and loss by bitwidth. */
function bitTotals(f: Figures): TableData {
  const groups = new Map<Bits | undefined, { layers: number; bytes: number; loss: number }>();
  let total = 0;
  for (const [i, row] of f.rows.entries()) {
    const bits = isFloat(row) ? undefined : (row.weightBits ?? undefined);
    const group = groups.get(bits) ?? { layers: 0, bytes: 0, loss: 0 };
    group.layers++;
    group.bytes += finite(row.bytes) ?? 0;
    group.loss += Math.max(0, finite(f.loss[i]) ?? 0);
    total += finite(row.bytes) ?? 0;
    groups.set(bits, group);
  }
  const percent = (part: number, whole: number): string => (whole > 0 ? `${Math.round((part / whole) * 100)} %` : "–");
  const sorted = [...groups].sort(([a], [b]) => (a ?? 99) - (b ?? 99));
  return {
    head: ["Weight bits", "Layers", f.bytes.label, "Size", "Loss"],
    rows: sorted.map(([bits, g]) => ({
      cells: [
        bits === undefined ? "float" : String(bits),
        grouped(g.layers),
        grouped(g.bytes / f.bytes.size, f.bytes.size === 1 ? 0 : 1),
        percent(g.bytes, total),
        bits === undefined ? "–" : percent(g.loss, f.totalLoss),
      ],
      mark: `swatch ${bits === undefined ? "swatch-float" : `swatch-${bits}`}`,
    })),
  };
}
