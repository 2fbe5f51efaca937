/**
 * Draws accuracy against weight memory from the figures of accuracy/main:
 *   node bench/run.mjs accuracy/chart FIGURES.json PICTURE.png
 * One panel a model; points are means over the calibration seeds, whiskers their range.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import type { ChartConfiguration, Plugin } from "chart.js";
import { launchBrowser } from "../../test/support/browser.ts";
import type { StrategyName } from "./options.ts";
import type { Row } from "./table.ts";

interface Series {
  readonly label: string;
  readonly strategy: StrategyName;
  readonly recovered: boolean;
  readonly color: string;
  readonly dash: readonly number[];
}

const series: readonly Series[] = [
  { label: "SigmaQuant", strategy: "two-phase", recovered: true, color: "#0969da", dash: [] },
  { label: "SigmaQuant, no recovery", strategy: "two-phase", recovered: false, color: "#0969da", dash: [5, 4] },
  { label: "One bitwidth for all", strategy: "uniform", recovered: true, color: "#cf222e", dash: [] },
  { label: "One bitwidth for all, no recovery", strategy: "uniform", recovered: false, color: "#cf222e", dash: [5, 4] },
];

/** Points of accuracy below the float model's that a panel shows. What is worse leaves it at the bottom. */
const pointsShown = 12;
/** With more bits all lines lie on the float model's. */
const mostBits = 4;
const panel = { width: 480, height: 360 };
const ink = "#24292f";
const grid = "#d8dee4";

interface Point {
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
}

/** Means and ranges over the seeds, by memory. x: KiB, y: percent */
function pointsOf(rows: readonly Row[], { strategy, recovered }: Series): readonly Point[] {
  const own = rows.filter((row) => row.strategy === strategy && (row.recovery !== "none") === recovered);
  const memories = [...new Set(own.map(({ weightMemory }) => weightMemory))].sort((a, b) => a - b);
  return memories.map((memory) => {
    const top1 = own.filter((row) => row.weightMemory === memory).map((row) => 100 * row.top1);
    const y = top1.reduce((a, b) => a + b, 0) / top1.length;
    return { x: memory / 1024, y, low: Math.min(...top1), high: Math.max(...top1) };
  });
}

function configOf(model: string, rows: readonly Row[]): ChartConfiguration<"line", Point[]> {
  const float = 100 * (rows[0]?.floatTop1 ?? 0);
  const samples = rows[0]?.samples.toLocaleString("en") ?? "";
  const drawn = series.map((each) => ({
    label: each.label,
    data: [...pointsOf(rows, each)],
    borderColor: each.color,
    backgroundColor: each.color,
    borderDash: [...each.dash],
    borderWidth: 2,
    pointRadius: 3,
  }));
  const memories = drawn.flatMap(({ data }) => data.map(({ x }) => x));
  const edge = 0.04 * (Math.max(...memories) - Math.min(...memories));
  const line = [Math.min(...memories) - edge, Math.max(...memories) + edge].map((x) => ({
    x,
    y: float,
    low: float,
    high: float,
  }));
  return {
    type: "line",
    data: {
      datasets: [
        ...drawn,
        {
          label: "Float",
          data: line,
          borderColor: "#57606a",
          backgroundColor: "#57606a",
          borderWidth: 1,
          borderDash: [2, 3],
          pointRadius: 0,
        },
      ],
    },
    options: {
      animation: false,
      responsive: false,
      devicePixelRatio: 2,
      layout: { padding: 12 },
      scales: {
        x: {
          type: "linear",
          min: line[0]?.x ?? 0,
          max: line[1]?.x ?? 1,
          title: { display: true, text: "Weight memory, KiB", color: ink },
          ticks: { color: ink, maxTicksLimit: 8, includeBounds: false },
          grid: { color: grid },
        },
        y: {
          min: Math.floor(float - pointsShown),
          max: Math.ceil(float + 1),
          title: { display: true, text: `Top-1 on ${samples} samples, %`, color: ink },
          ticks: { color: ink, includeBounds: false },
          grid: { color: grid },
        },
      },
      plugins: {
        title: { display: true, text: model, color: ink, font: { size: 15, weight: "bold" } },
        legend: {
          position: "bottom",
          labels: { color: ink, boxWidth: 28, boxHeight: 0 },
        },
      },
    },
  };
}

/** What is used of a page's canvas: the compiler knows no pages here. */
interface Canvas {
  width: number;
  height: number;
  getContext(kind: "2d"): {
    fillStyle: string;
    fillRect(x: number, y: number, width: number, height: number): void;
    drawImage(from: Canvas, x: number, y: number): void;
  } | null;
  toDataURL(type: string): string;
}

/** Runs in the page: the picture of all panels, as a data URL. */
function draw({
  configs,
  size,
}: {
  configs: readonly ChartConfiguration<"line", Point[]>[];
  size: typeof panel;
}): string {
  const { Chart } = globalThis as unknown as { Chart: typeof import("chart.js").Chart };
  const whiskers: Plugin<"line"> = {
    id: "whiskers",
    afterDatasetsDraw({ ctx, data, chartArea, scales: { x, y } }) {
      if (!x || !y) return;
      ctx.save();
      ctx.beginPath();
      ctx.rect(chartArea.left, chartArea.top, chartArea.width, chartArea.height);
      ctx.clip();
      for (const { data: points, borderColor } of data.datasets) {
        ctx.strokeStyle = String(borderColor);
        for (const point of points as unknown as Point[]) {
          if (point.low === point.high) continue;
          const at = x.getPixelForValue(point.x);
          ctx.beginPath();
          ctx.moveTo(at, y.getPixelForValue(point.low));
          ctx.lineTo(at, y.getPixelForValue(point.high));
          ctx.stroke();
        }
      }
      ctx.restore();
    },
  };
  const { document } = globalThis as unknown as { readonly document: { createElement(tag: "canvas"): Canvas } };
  const all = document.createElement("canvas");
  all.width = 2 * size.width * configs.length;
  all.height = 2 * size.height;
  const whole = all.getContext("2d");
  if (!whole) throw new Error("no canvas");
  whole.fillStyle = "white";
  whole.fillRect(0, 0, all.width, all.height);
  for (const [i, config] of configs.entries()) {
    const canvas = document.createElement("canvas");
    canvas.width = size.width;
    canvas.height = size.height;
    // Ticks are written by a function, which does not come across.
    const ticks = config.options?.scales?.x?.ticks;
    if (ticks) ticks.callback = (value) => Math.round(Number(value)).toString();
    const chart = new Chart(canvas, { ...config, plugins: [whiskers] });
    whole.drawImage(chart.canvas, 2 * size.width * i, 0);
  }
  return all.toDataURL("image/png");
}

const [figures, picture] = process.argv.slice(2);
if (figures === undefined || picture === undefined)
  throw new Error("usage: node bench/run.mjs accuracy/chart FIGURES.json PICTURE.png");
const rows = (JSON.parse(readFileSync(figures, "utf8")) as readonly Row[]).filter(
  (row) => row.activations === "activations in float" && row.memoryOf <= mostBits,
);
const models = [...new Set(rows.map(({ model }) => model))];
const browser = await launchBrowser();
try {
  const page = await browser.newPage();
  const require = createRequire(import.meta.url);
  await page.addScriptTag({ path: path.join(path.dirname(require.resolve("chart.js")), "chart.umd.js") });
  const configs = models.map((model) =>
    JSON.parse(
      JSON.stringify(
        configOf(
          model,
          rows.filter((row) => row.model === model),
        ),
      ),
    ),
  );
  const url = await page.evaluate(draw, { configs, size: panel });
  writeFileSync(picture, Buffer.from(url.slice(url.indexOf(",") + 1), "base64"));
} finally {
  await browser.close();
}
