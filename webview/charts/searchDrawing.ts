import type { Drawing } from "./chartView.ts";
import { type Area, drawDiamond, drawLine, drawRing, drawText, limitDash } from "./draw.ts";
import { outsideFill } from "./patterns.ts";
import type { SearchData } from "./search.ts";
import { niceTicks, tickText } from "./ticks.ts";
import type { Tokens } from "./tokens.ts";

const margin = { left: 44, right: 14, top: 20, bottom: 32 } as const;

/** Circles that hold their number have this radius; beyond so many steps they are dots. */
const radius = 7.5;
const mostNumbers = 30;

/** Zones as areas between budget, target and the abandon line; the path through them; the plan as a diamond. */
export function drawSearch(data: SearchData, t: Tokens, c: CanvasRenderingContext2D, _width: number): Drawing {
  const { steps, unit, budget, target, abandon, chosen } = data;
  const xs = [...steps.map((s) => s.weightMemory / unit.size), ...(budget === undefined ? [] : [budget])];
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const spread = Math.max(right - left, right * 0.1, 1e-9);
  const drops = steps.map((s) => s.drop * 100);
  const worst = Math.max(...drops, (target ?? 0) * 1.5, (abandon ?? 0) * 1.3, 0.5);
  const best = Math.min(0, ...drops);
  return {
    margin,
    x: { min: left - spread * 0.15, max: right + spread * 0.1 },
    // Points of accuracy lost, worse further down.
    y: { min: best, max: worst * 1.05, reverse: true },
    datasets: [
      {
        type: "line",
        data: steps.map((s, i) => ({ x: s.weightMemory / unit.size, y: drops[i] ?? 0 })),
        borderColor: t.blue,
        borderWidth: 1.5,
        pointRadius: steps.length > mostNumbers ? 2 : 0,
        pointBackgroundColor: t.blue,
      },
    ],
    below: (chart) => {
      const { chartArea: area, scales } = chart;
      const x = (v: number): number => scales.x?.getPixelForValue(v) ?? 0;
      const y = (v: number): number => scales.y?.getPixelForValue(v) ?? 0;
      drawText(c, t, "Loss, points", 0, 11);
      drawZones(c, t, area, {
        budget: budget === undefined ? undefined : x(budget),
        target: target === undefined ? undefined : y(target),
        abandon: abandon === undefined ? undefined : y(abandon),
      });
      for (const tick of niceTicks(best, worst * 1.05, 3)) {
        drawText(c, t, tickText(-tick), area.left - 7, y(tick) + 4, { align: "right" });
      }
      for (const tick of niceTicks(scales.x?.min ?? 0, scales.x?.max ?? 1, 7)) {
        drawText(c, t, tickText(tick), x(tick), area.bottom + 15, { align: "center" });
      }
      drawText(c, t, `Weight memory, ${unit.label}`, area.right, area.bottom + 29, { align: "right" });
    },
    above: (chart, _, focused) => {
      const { scales } = chart;
      for (const [i, step] of steps.entries()) {
        const x = scales.x?.getPixelForValue(step.weightMemory / unit.size) ?? 0;
        const y = scales.y?.getPixelForValue(drops[i] ?? 0) ?? 0;
        if (i === chosen) drawDiamond(c, x, y, 7, t.foreground, t.background);
        else if (steps.length <= mostNumbers) drawStep(c, t, x, y, String(i), step.kept);
        if (i === focused) drawRing(c, x, y, 10, t.focus);
      }
    },
  };
}

function drawStep(c: CanvasRenderingContext2D, t: Tokens, x: number, y: number, text: string, kept: boolean): void {
  c.save();
  c.fillStyle = t.background;
  c.strokeStyle = t.blue;
  c.lineWidth = 1;
  // A step that was taken back has a broken edge.
  if (!kept) c.setLineDash([2, 2]);
  c.beginPath();
  c.arc(x, y, radius, 0, 2 * Math.PI);
  c.fill();
  c.stroke();
  c.restore();
  drawText(c, t, text, x, y + 3.5, { align: "center", colour: t.foreground, size: 10 });
}

/** Where budget, target and abandon line are, in pixels; a line that the search does not have divides nothing. */
interface Borders {
  readonly budget: number | undefined;
  readonly target: number | undefined;
  readonly abandon: number | undefined;
}

function drawZones(c: CanvasRenderingContext2D, t: Tokens, area: Area, { budget, target, abandon }: Borders): void {
  const x = Math.min(area.right, budget ?? area.right);
  const y = Math.min(area.bottom, target ?? area.bottom);
  const z = Math.min(area.bottom, Math.max(y, abandon ?? area.bottom));
  c.fillStyle = t.target;
  c.fillRect(area.left, area.top, x - area.left, y - area.top);
  if (z < area.bottom) {
    c.fillStyle = outsideFill(c, t);
    c.fillRect(area.left, z, area.right - area.left, area.bottom - z);
    drawLine(c, [area.left, z], [area.right, z], t.grid);
    drawText(c, t, "abandon", area.right - 7, area.bottom - 6, { align: "right" });
  }
  c.strokeStyle = t.grid;
  c.lineWidth = 1;
  c.strokeRect(area.left + 0.5, area.top + 0.5, area.right - area.left - 1, area.bottom - area.top - 1);
  drawText(c, t, "target", area.left + 7, y - 6);
  if (budget !== undefined) drawText(c, t, "bit-decrease", area.right - 7, y - 6, { align: "right" });
  if (target !== undefined) drawText(c, t, "bit-increase", area.left + 7, z - 6);
  if (budget !== undefined && target !== undefined)
    drawText(c, t, "transition", area.right - 7, z - 6, { align: "right" });
  if (budget !== undefined) drawLine(c, [x, area.top], [x, area.bottom], t.foreground, limitDash);
  if (target !== undefined) drawLine(c, [area.left, y], [area.right, y], t.foreground, limitDash);
}
