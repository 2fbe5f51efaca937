import type { Bits } from "../../src/core/hardware/profile.ts";
import type { Context } from "../context.ts";
import { checkbox } from "../controls.ts";
import { el, setShown, setText } from "../dom.ts";
import { count, finite, formatLoss } from "../format/numbers.ts";
import { type Figures, figuresOf, sensitivities } from "../model/figures.ts";
import { memoLast } from "../model/memo.ts";
import { leadingLayer } from "../model/selection.ts";
import { metricTitle } from "../model/words.ts";
import type { State } from "../state.ts";
import type { ChartKind, Drawing } from "./chartView.ts";
import { drawLayerNumbers, drawRing, drawRowTick, drawText } from "./draw.ts";
import { patchTable } from "./patchTable.ts";
import { decades, tickText } from "./ticks.ts";
import type { Tokens } from "./tokens.ts";

interface SensitivityData {
  readonly f: Figures;
  readonly lines: readonly Bits[];
  readonly selected: number;
  /** Of all values shown; the axis spans the powers of ten around them. */
  readonly least: number;
  readonly most: number;
}

/** Below the most sensitive by more than this, values differ in nothing that matters. */
const mostDecades = 7;

/** Dots on more layers than this run into each other. */
const mostDots = 300;

const margin = { left: 48, right: 60, top: 24, bottom: 26 } as const;

/** Lines are told apart by dash, not by shade; the lowest bitwidth is solid and strongest. */
const dashes: readonly (readonly number[])[] = [[], [5, 3], [1.5, 3], [8, 3, 2, 3], [3, 2], [10, 4], [1, 5]];

const read = memoLast((f: Figures, selected: string | undefined, allBits: boolean): SensitivityData => {
  const lines = allBits ? f.snapshot.bits : representative(f.snapshot.bits);
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const row of f.rows) {
    const values = sensitivities(f, row);
    for (const b of lines) {
      const value = finite(values?.[b]);
      if (value === undefined || value <= 0) continue;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
  }
  const index = selected === undefined ? undefined : f.indexOf.get(selected);
  return { f, lines, selected: index ?? -1, least: Math.max(least, most * 10 ** -mostDecades), most };
});

/** The lowest, the middle and the highest bitwidth: more lines hide each other. */
function representative(bits: readonly Bits[]): readonly Bits[] {
  if (bits.length <= 3) return bits;
  const middle = bits.includes(4) ? 4 : bits[bits.length >> 1];
  return bits.filter((b, i) => i === 0 || b === middle || i === bits.length - 1);
}

/** What each bitwidth costs each layer by itself. */
export const sensitivityChart: ChartKind<SensitivityData> = {
  nearest: "x",
  read: ({ snapshot, view }: State) => {
    if (snapshot === undefined) return "No layers yet.";
    const f = figuresOf(snapshot);
    if (f.source === "none") {
      return snapshot.trusted
        ? "Analyze the model to see what each bitwidth costs."
        : "Restricted Mode: the model is not run.";
    }
    return read(f, leadingLayer(view), view.allBits);
  },
  draw,
  label: ({ f, lines }) =>
    `${metricTitle(f.snapshot.metric, f.source)} of each layer at ${lines.join(", ")} bits, logarithmic`,
  points: ({ f, lines }) =>
    f.rows.map((row, i) => ({
      x: i + 1,
      y: 1,
      text: [`${i + 1}  ${row.name}`, ...valueLines(f, i, lines)].join("\n"),
    })),
  choose: ({ f }, point, context) => context.reveal(f.rows[point]?.name),
  table: ({ f, lines }) => ({
    head: ["Layer", ...lines.map((b) => `${b} bits`)],
    rows: f.rows.slice(0, 1000).map((row) => ({
      cells: [row.name, ...lines.map((b) => lossOrNone(f, sensitivities(f, row)?.[b]))],
    })),
  }),
  side,
};

function lossOrNone(f: Figures, value: number | undefined): string {
  const known = finite(value);
  return known === undefined ? "–" : formatLoss(known, f.snapshot.synthetic && f.source === "measured");
}

function valueLines(f: Figures, i: number, lines: readonly Bits[]): readonly string[] {
  const row = f.rows[i];
  if (row === undefined) return [];
  const values = sensitivities(f, row);
  if (values === undefined) return ["kept in float"];
  return lines.map((b) => `${b} bits  ${lossOrNone(f, values[b])}${row.weightBits === b ? ", assigned" : ""}`);
}

function draw(data: SensitivityData, t: Tokens, c: CanvasRenderingContext2D, width: number): Drawing {
  const { f, lines, selected } = data;
  const n = f.rows.length;
  const slot = (width - margin.left - margin.right) / n;
  const bottom = (data.least || 1e-5) * 0.6;
  const top = 10 ** Math.ceil(Math.log10(data.most || 1) - 1e-9);
  const valueAt = (i: number, b: Bits): number | undefined => {
    const value = finite(f.rows[i] && sensitivities(f, f.rows[i])?.[b]);
    // Zero has no place on a logarithmic axis; it lies on the floor.
    return value === undefined ? undefined : Math.max(value, bottom);
  };
  return {
    margin,
    x: { min: 0.5, max: n + 0.5 },
    y: { min: bottom, max: top, log: true },
    datasets: lines.map((b, at) => ({
      type: "line",
      data: f.rows.flatMap((_, i) => {
        const y = valueAt(i, b);
        return y === undefined ? [] : [{ x: i + 1, y }];
      }),
      borderColor: t.loss,
      borderWidth: at === 0 ? 1.8 : 1.2,
      borderDash: [...(dashes[at] ?? [])],
      pointRadius: 0,
      spanGaps: true,
    })),
    below: (chart) => {
      const { chartArea: area, scales } = chart;
      drawText(c, t, metricTitle(f.snapshot.metric, f.source), 0, 11);
      for (const tick of decades(bottom, top))
        drawRowTick(c, t, area, scales.y?.getPixelForValue(tick) ?? 0, tickText(tick));
      c.fillStyle = t.axis;
      c.fillRect(area.left, area.bottom, area.right - area.left, 1);
      if (selected < 0) return;
      const x = scales.x?.getPixelForValue(selected + 1) ?? 0;
      const box = [x - Math.max(1, slot / 2), area.top, Math.max(2, slot), area.bottom - area.top] as const;
      c.fillStyle = t.selection;
      c.strokeStyle = t.focus;
      if (t.contrast) c.strokeRect(...box);
      else c.fillRect(...box);
    },
    above: (chart, _, focused) => {
      const { chartArea: area, scales } = chart;
      const x = (i: number): number => scales.x?.getPixelForValue(i + 1) ?? 0;
      const y = (value: number): number => scales.y?.getPixelForValue(value) ?? 0;
      drawLineNames(c, t, lines, (b) => lastY(f, b, valueAt, y), area.right + 6);
      for (let i = 0; i < n && n <= mostDots; i++) {
        const b = f.rows[i]?.weightBits;
        const value = b && lines.includes(b) ? valueAt(i, b) : undefined;
        if (value === undefined) continue;
        c.fillStyle = t.foreground;
        c.beginPath();
        c.arc(x(i), y(value), 3.4, 0, 2 * Math.PI);
        c.fill();
      }
      drawLayerNumbers(c, t, n, selected, x, area);
      const [first] = lines;
      if (focused >= 0 && first !== undefined)
        drawRing(c, x(focused), y(valueAt(focused, first) ?? bottom), 6, t.focus);
    },
  };
}

function lastY(
  f: Figures,
  b: Bits,
  valueAt: (i: number, b: Bits) => number | undefined,
  y: (value: number) => number,
): number | undefined {
  for (let i = f.rows.length - 1; i >= 0; i--) {
    const value = valueAt(i, b);
    if (value !== undefined) return y(value);
  }
  return undefined;
}

/** Names at the ends of the lines, moved apart where they would lie on each other. */
function drawLineNames(
  c: CanvasRenderingContext2D,
  t: Tokens,
  lines: readonly Bits[],
  end: (b: Bits) => number | undefined,
  x: number,
): void {
  let above = Number.NEGATIVE_INFINITY;
  for (const b of lines) {
    const at = end(b);
    if (at === undefined) continue;
    const y = Math.max(at + 4, above + 13);
    drawText(c, t, `${b} bits`, x, y, { colour: t.foreground });
    above = y;
  }
}

function side({ store }: Context): ReturnType<ChartKind<SensitivityData>["side"]> {
  const legend = el("div", { class: "legend" });
  const all = checkbox("All bitwidths", (allBits) => store.setView({ allBits }));
  const how = el("p", { class: "muted" });
  const table = el("table", { class: "side-table" });
  let drawn = "";
  return {
    element: el("aside", {}, el("h3", { text: "Sensitivity by layer" }), legend, all.element, how, table),
    update: ({ f, lines, selected }, { view }) => {
      if (drawn !== lines.join()) {
        drawn = lines.join();
        legend.replaceChildren(
          ...lines.map((b, i) => el("div", {}, el("span", { class: `line-sample line-${i}` }), `${b} bits`)),
          el("div", {}, el("span", { class: "dot-sample" }), "assigned bits"),
        );
      }
      setShown(all.element, f.snapshot.bits.length > representative(f.snapshot.bits).length);
      all.update(view.allBits, `All ${f.snapshot.bits.length} bitwidths`);
      setText(how, howText(f));
      const row = f.rows[selected];
      setShown(table, row !== undefined);
      if (row === undefined) return;
      const values = sensitivities(f, row);
      patchTable(table, {
        head: [row.name, "Sensitivity"],
        rows: f.snapshot.bits.map((b) => ({
          cells: [`${b} bits${row.weightBits === b ? ", assigned" : ""}`, lossOrNone(f, values?.[b])],
          bold: row.weightBits === b,
        })),
      });
    },
  };
}

function howText(f: Figures): string {
  const title = metricTitle(f.snapshot.metric, f.source);
  if (f.source === "weights") return "KL divergence between float and quantized weights. Nothing was run.";
  const set = f.snapshot.calibration;
  const kind = f.snapshot.synthetic ? "synthetic sample" : "calibration sample";
  return `Measured: ${title.charAt(0)}${title.slice(1)} when only this layer is quantized${set ? `, on ${count(set.samples, kind)}` : ""}.`;
}
