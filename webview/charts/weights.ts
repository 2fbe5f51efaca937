import type { Bits } from "../../src/core/hardware/profile.ts";
import { formatSensitivity, grouped } from "../../src/core/plan/format.ts";
import type { LayerRow, WeightHistogram } from "../../src/protocol/editor.ts";
import type { Context } from "../context.ts";
import { el, setText } from "../dom.ts";
import { count, finite } from "../format/numbers.ts";
import { memoLast } from "../model/memo.ts";
import { leadingLayer } from "../model/selection.ts";
import type { State } from "../state.ts";
import type { ChartKind, Drawing } from "./chartView.ts";
import { drawLine, drawRing, drawText } from "./draw.ts";
import { patchTable } from "./patchTable.ts";
import { niceTicks, tickText } from "./ticks.ts";
import type { Tokens } from "./tokens.ts";

interface WeightsData {
  readonly row: LayerRow;
  readonly histogram: WeightHistogram;
  /** Whose levels are shown; undefined where there are none. */
  readonly bits: Bits | undefined;
  readonly narrow: boolean;
}

const margin = { left: 6, right: 6, top: 20, bottom: 24 } as const;

const read = memoLast(
  (row: LayerRow, histogram: WeightHistogram, chosen: Bits | undefined, narrow: boolean): WeightsData => {
    const known = levelBits(histogram);
    const assigned = row.weightBits ?? undefined;
    const bits = [chosen, assigned, known[0]].find((b) => b !== undefined && known.includes(b));
    return { row, histogram, bits, narrow };
  },
);

function levelBits({ levels }: WeightHistogram): readonly Bits[] {
  return ([2, 3, 4, 5, 6, 7, 8] as const).filter((b) => levels[b] !== undefined);
}

/** The weights of the selected layer and where quantization puts them. */
export const weightsChart: ChartKind<WeightsData> = {
  nearest: "x",
  read: ({ snapshot, view, histograms, fold }: State) => {
    const name = leadingLayer(view);
    const row = snapshot?.layers.find((layer) => layer.name === name);
    if (row === undefined) return "Select a layer to see its weights.";
    const histogram = histograms.get(row.name);
    return histogram === undefined
      ? `Reading the weights of ${row.name}.`
      : read(row, histogram, view.levelBits, fold === "narrow");
  },
  draw,
  label: ({ row, histogram, bits }) =>
    `Histogram of the weights of ${row.name} in ${histogram.counts.length} bins${bits === undefined ? "" : `, with ${levelText(histogram, bits)}`}`,
  points: ({ histogram }) => {
    const { min, max, counts } = histogram;
    const width = (max - min) / counts.length;
    return counts.map((n, i) => ({
      x: min + (i + 0.5) * width,
      y: n,
      text: `${tickText(Number((min + i * width).toPrecision(3)))} to ${tickText(Number((min + (i + 1) * width).toPrecision(3)))}\n${count(n, "weight")}`,
    }));
  },
  choose: () => {},
  table: ({ histogram }) => {
    const width = (histogram.max - histogram.min) / histogram.counts.length;
    return {
      head: ["From", "To", "Weights"],
      rows: histogram.counts.map((n, i) => ({
        cells: [
          tickText(Number((histogram.min + i * width).toPrecision(4))),
          tickText(Number((histogram.min + (i + 1) * width).toPrecision(4))),
          grouped(n),
        ],
      })),
      text: [],
    };
  },
  side,
};

function levelText({ levels }: WeightHistogram, bits: Bits): string {
  return `${count(levels[bits]?.length ?? 0, "level")} at ${bits} bits`;
}

function draw({ row, histogram, bits }: WeightsData, t: Tokens, c: CanvasRenderingContext2D, width: number): Drawing {
  const { min, max, counts, sigma } = histogram;
  const bin = (max - min) / counts.length || 1;
  const most = Math.max(...counts, 1);
  const place = (width - margin.left - margin.right) / counts.length;
  return {
    margin,
    x: { min, max: max > min ? max : min + 1 },
    y: { min: 0, max: most * 1.064 },
    datasets: [
      {
        type: "bar",
        data: counts.map((n, i) => ({ x: min + (i + 0.5) * bin, y: n })),
        barThickness: Math.max(1, place - 1),
        backgroundColor: t.use,
        borderWidth: 0,
      },
    ],
    below: () => {
      drawText(c, t, `${row.name}, σ ${sigma.toFixed(4)}`, margin.left, 11);
      if (bits !== undefined)
        drawText(c, t, levelText(histogram, bits), width - margin.right, 11, { align: "right", colour: t.blue });
    },
    above: (chart, _, focused) => {
      const { chartArea: area, scales } = chart;
      const x = (v: number): number => scales.x?.getPixelForValue(v) ?? 0;
      const levels = bits === undefined ? [] : (histogram.levels[bits] ?? []);
      // Many levels are thin lines: at 8 bits they are three pixels apart.
      c.strokeStyle = t.blue;
      c.lineWidth = levels.length > 64 ? 0.75 : 1.5;
      c.beginPath();
      for (const level of levels) {
        if (level < min || level > max) continue;
        c.moveTo(x(level), area.top);
        c.lineTo(x(level), area.bottom);
      }
      c.stroke();
      drawLine(c, [area.left, area.bottom], [area.right, area.bottom], t.axis);
      for (const tick of niceTicks(min, max, 4)) {
        const at = x(tick);
        const align = at < area.left + 12 ? "left" : at > area.right - 12 ? "right" : "center";
        drawText(c, t, tickText(tick), at, area.bottom + 15, { align });
      }
      const value = counts[focused];
      if (value !== undefined)
        drawRing(c, x(min + (focused + 0.5) * bin), scales.y?.getPixelForValue(value) ?? 0, 5, t.focus);
    },
  };
}

function side({ store }: Context): ReturnType<ChartKind<WeightsData>["side"]> {
  const title = el("h3", { class: "ellipsis" });
  const table = el("table", { class: "side-table" });
  const about = el("p", { class: "muted" });
  table.addEventListener("click", (event) => {
    const id = event.target instanceof Element ? event.target.closest("tr")?.dataset.id : undefined;
    const bits = ([2, 3, 4, 5, 6, 7, 8] as const).find((b) => String(b) === id);
    if (bits !== undefined) store.setView({ levelBits: bits });
  });
  return {
    element: el("aside", {}, title, table, about),
    update: ({ row, histogram, bits }) => {
      setText(title, row.name);
      patchTable(table, {
        head: ["Bits", "Levels", "SQNR, dB", "KL"],
        rows: levelBits(histogram).map((b) => {
          const error = row.weightErrors?.find((e) => e.bits === b);
          const [kl, sqnr] = [finite(error?.kl), finite(error?.sqnrDb)];
          const remarks = [row.weightBits === b ? "assigned" : "", b === bits && row.weightBits !== b ? "shown" : ""];
          return {
            cells: [
              [String(b), ...remarks.filter(Boolean)].join(", "),
              grouped(histogram.levels[b]?.length ?? 0),
              error === undefined ? "–" : (sqnr?.toFixed(1) ?? "exact"),
              kl === undefined ? "–" : formatSensitivity(kl),
            ],
            bold: b === bits,
            id: String(b),
          };
        }),
      });
      setText(about, aboutText(row, histogram, bits));
    },
  };
}

function aboutText(row: LayerRow, histogram: WeightHistogram, bits: Bits | undefined): string {
  const channels = finite(histogram.channels);
  const all = channels === undefined ? "" : `, all ${count(channels, "channel")}`;
  const first = `${count(row.params, "weight")} in ${count(histogram.counts.length, "bin")}${all}; levels are those of the median channel.`;
  const clipped = bits === undefined ? undefined : finite(histogram.clipped[bits]);
  if (clipped === undefined) return first;
  return `${first} ${clipped === 0 ? "No weight is clipped." : `${(clipped * 100).toFixed(1)} % of the weights are clipped.`}`;
}
