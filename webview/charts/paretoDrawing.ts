import { grouped } from "../../src/core/plan/format.ts";
import { formatDropPoints, trimmed } from "../format/numbers.ts";
import type { Drawing } from "./chartView.ts";
import { type Area, drawDiamond, drawLine, drawRing, drawRowTick, drawText, limitDash } from "./draw.ts";
import { markName, type ParetoData, type ParetoMark, yTitle } from "./pareto.ts";
import { outsideFill } from "./patterns.ts";
import { decades, niceTicks, tickText } from "./ticks.ts";
import type { Tokens } from "./tokens.ts";

const margin = { left: 46, right: 14, top: 16, bottom: 32 } as const;

/** Half the side of a baseline's square. */
const square = 4;

interface Places {
  readonly area: Area;
  readonly x: (value: number) => number;
  readonly y: (mark: ParetoMark) => number;
}

/** The front as a line with dots, baselines as squares, the chosen plan as a diamond, what is out as a hatch. */
export function drawPareto(data: ParetoData, t: Tokens, c: CanvasRenderingContext2D, _width: number): Drawing {
  const { marks, budget, target, floor } = data;
  const known = marks.filter((m) => m.y !== undefined);
  const xs = [...known.map((m) => m.x), ...(budget === undefined ? [] : [budget])];
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const spread = Math.max(right - left, right * 0.05, 1e-9);
  const most = Math.max(...known.map((m) => m.y ?? 0), target ?? 0, floor * 10);
  const front = known.filter((m) => m.kind === "front").toSorted((a, b) => a.x - b.x);
  return {
    margin,
    x: { min: Math.max(0, left - spread * 0.05), max: right + spread * 0.05 },
    y: { min: floor * 0.83, max: most * 2, log: true },
    datasets: [
      {
        type: "line",
        data: front.map((m) => ({ x: m.x, y: Math.max(m.y ?? floor, floor) })),
        borderColor: t.blue,
        borderWidth: 1.5,
        pointRadius: 2,
        pointBackgroundColor: t.blue,
        pointBorderWidth: 0,
      },
    ],
    below: (chart) => {
      const { chartArea: area, scales } = chart;
      const x = (v: number): number => scales.x?.getPixelForValue(v) ?? 0;
      const y = (v: number): number => scales.y?.getPixelForValue(v) ?? 0;
      drawOutside(
        c,
        t,
        area,
        budget === undefined ? area.right : x(budget),
        target === undefined ? area.top : y(target),
      );
      for (const tick of decades(floor, most * 2)) {
        const isFloor = data.inPoints && tick <= floor * 1.001;
        drawRowTick(c, t, area, y(tick), `${isFloor ? "≤ " : ""}${tickText(tick)}`);
      }
      drawLine(c, [area.left, area.bottom], [area.right, area.bottom], t.axis);
      for (const tick of niceTicks(scales.x?.min ?? 0, scales.x?.max ?? 1, 6)) {
        drawText(c, t, tickText(tick), x(tick), area.bottom + 15, { align: "center" });
      }
      drawText(c, t, `Weight memory, ${data.unit.label}`, area.right, area.bottom + 29, { align: "right" });
      drawText(c, t, yTitle(data), 0, 11);
      drawLimits(c, t, data, { area, x, y });
    },
    above: (chart, _, focused) => {
      const { chartArea: area, scales } = chart;
      const places: Places = {
        area,
        x: (v) => scales.x?.getPixelForValue(v) ?? 0,
        y: (m) => scales.y?.getPixelForValue(Math.max(m.y ?? floor, floor)) ?? 0,
      };
      for (const mark of known) if (mark.kind === "baseline") drawBaseline(c, t, mark, places);
      const chosen = known.find((m) => m.kind === "chosen");
      if (chosen) drawChosen(c, t, chosen, data, places);
      const at = known[focused];
      if (at) drawRing(c, places.x(at.x), places.y(at), 9, t.focus);
    },
  };
}

/** Hatches what is over the budget or over the target. */
function drawOutside(c: CanvasRenderingContext2D, t: Tokens, area: Area, budget: number, target: number): void {
  c.fillStyle = outsideFill(c, t);
  c.fillRect(budget, area.top, Math.max(0, area.right - budget), area.bottom - area.top);
  c.fillRect(area.left, area.top, Math.max(0, budget - area.left), Math.max(0, target - area.top));
}

function drawLimits(
  c: CanvasRenderingContext2D,
  t: Tokens,
  { budget, target, unit }: ParetoData,
  { area, x, y }: { readonly area: Area; readonly x: (v: number) => number; readonly y: (v: number) => number },
): void {
  if (budget !== undefined) {
    const at = x(budget);
    drawLine(c, [at, area.top - 2], [at, area.bottom], t.foreground, limitDash);
    const fits = area.right - at > 120;
    drawText(c, t, `Budget ${trimmed(budget, 2)} ${unit.label}`, fits ? at + 6 : at - 6, area.top + 10, {
      colour: t.foreground,
      align: fits ? "left" : "right",
    });
  }
  if (target === undefined) return;
  drawLine(c, [area.left, y(target)], [area.right, y(target)], t.foreground, limitDash);
  drawText(c, t, `Accuracy target ${formatDropPoints(target / 100)} points`, area.right, y(target) - 5, {
    colour: t.foreground,
    align: "right",
  });
}

function drawBaseline(c: CanvasRenderingContext2D, t: Tokens, mark: ParetoMark, { area, x, y }: Places): void {
  const [px, py] = [x(mark.x), y(mark)];
  c.fillStyle = t.background;
  c.strokeStyle = t.loss;
  c.lineWidth = 1.6;
  c.fillRect(px - square, py - square, 2 * square, 2 * square);
  c.strokeRect(px - square, py - square, 2 * square, 2 * square);
  const fits = px + 80 < area.right;
  drawText(c, t, markName(mark), fits ? px + 9 : px - 9, fits ? py + 4 : py - 7, {
    colour: t.foreground,
    align: fits ? "left" : "right",
  });
}

function drawChosen(
  c: CanvasRenderingContext2D,
  t: Tokens,
  mark: ParetoMark,
  { unit, inPoints }: ParetoData,
  { area, x, y }: Places,
): void {
  const [px, py] = [x(mark.x), y(mark)];
  drawDiamond(c, px, py, 7, t.foreground, t.background);
  const loss = inPoints && mark.drop !== undefined ? `, ${formatDropPoints(mark.drop)}` : "";
  const left = px - 110 > area.left;
  drawText(c, t, `${grouped(mark.x, 1)} ${unit.label}${loss}`, left ? px - 11 : px + 11, py + (left ? 15 : 18), {
    colour: t.foreground,
    bold: true,
    align: left ? "right" : "left",
  });
}
