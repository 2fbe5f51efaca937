import type { Bits } from "../../src/core/hardware/profile.ts";
import type { LayerGroup } from "../model/groups.ts";
import type { BitBar, BitsData } from "./bits.ts";
import type { Drawing } from "./chartView.ts";
import { drawLayerNumbers, drawLine, drawRing, drawRowTick, drawText, textWidth } from "./draw.ts";
import { bitFill, floatFill } from "./patterns.ts";
import { niceTicks, tickText } from "./ticks.ts";
import type { Tokens } from "./tokens.ts";

/** A bar takes this part of its place. */
const barPart = 0.812;

const margin = { left: 38, right: 4, top: 20, bottom: 44 } as const;

/** Bars in shades of their bits, the number on each, brackets below layers that share a name. */
export function drawBits(
  { f, bars, selected, perBar, groups }: BitsData,
  t: Tokens,
  c: CanvasRenderingContext2D,
  width: number,
): Drawing {
  const values = bars.map((bar) => bar.bytes / f.bytes.size);
  const largest = axisTop(Math.max(...values, Number.MIN_VALUE));
  const slot = (width - margin.left - margin.right) / bars.length;
  const fills = new Map<number | undefined, CanvasPattern | string>();
  const fill = (bits: Bits | undefined): CanvasPattern | string => {
    const made = fills.get(bits) ?? (bits === undefined ? floatFill(c, t) : bitFill(c, bits, t));
    fills.set(bits, made);
    return made;
  };
  return {
    margin,
    x: { min: 0.5, max: bars.length + 0.5 },
    y: { min: 0, max: largest },
    datasets: [
      {
        type: "bar",
        data: values.map((y, i) => ({ x: i + 1, y })),
        barThickness: Math.max(1, slot * barPart),
        backgroundColor: bars.map((bar) => fill(bar.bits)),
        borderColor: bars.map((bar) => (bar.bits === undefined ? t.axis : t.bitEdge)),
        borderWidth: slot >= 4 ? 1 : 0,
        borderSkipped: false,
      },
    ],
    below: (chart) => {
      const { chartArea: area, scales } = chart;
      const title = perBar > 1 ? `Bytes of ${perBar} layers, ${f.bytes.label}` : `Bytes, ${f.bytes.label}`;
      drawText(c, t, title, 0, 11);
      for (const tick of niceTicks(0, largest, 3)) {
        drawRowTick(c, t, area, scales.y?.getPixelForValue(tick) ?? 0, tickText(tick), tick === 0);
      }
      const x = scales.x?.getPixelForValue(selected + 1);
      if (selected < 0 || x === undefined) return;
      c.fillStyle = t.selection;
      c.strokeStyle = t.focus;
      const box = [x - slot / 2, area.top, Math.max(2, slot), area.bottom - area.top + 18] as const;
      if (t.contrast) c.strokeRect(...box);
      else c.fillRect(...box);
    },
    above: (chart, _, focused) => {
      const { scales } = chart;
      for (const [i, bar] of bars.entries()) {
        const x = scales.x?.getPixelForValue(i + 1) ?? 0;
        const y = scales.y?.getPixelForValue(values[i] ?? 0) ?? 0;
        if (slot >= 12 && perBar === 1) drawBarLabel(c, t, bar, x, y - 5, slot, i === selected);
        if (i === focused) drawRing(c, x, Math.min(y, chart.chartArea.bottom - 4), 5, t.focus);
      }
      const at = (layer: number): number => scales.x?.getPixelForValue(Math.floor(layer / perBar) + 1) ?? 0;
      drawLayerNumbers(c, t, f.rows.length, selected * perBar, at, chart.chartArea);
      for (const group of groups) drawBracket(c, t, group, slot, chart.chartArea);
    },
  };
}

/** Room for the labels above the highest bar, and for one more line of the grid if that is near. */
function axisTop(largest: number): number {
  const [, step = 0] = niceTicks(0, largest, 3);
  const next = Math.ceil(largest / (step || 1)) * step;
  return Math.max(largest * 1.08, next <= largest * 1.2 ? next * 1.02 : 0);
}

function drawBarLabel(
  c: CanvasRenderingContext2D,
  t: Tokens,
  bar: BitBar,
  x: number,
  y: number,
  slot: number,
  bold: boolean,
): void {
  const text = bar.bits === undefined ? (slot >= 30 ? "float" : "f") : String(bar.bits);
  drawText(c, t, text, bar.pinned && slot >= 24 ? x - 4 : x, y, { align: "center", colour: t.foreground, bold });
  if (bar.pinned && slot >= 24) drawPin(c, t, x + 3, y - 8);
}

/** The filled pin, 7 pixels wide, as beside pinned rows. */
function drawPin(c: CanvasRenderingContext2D, t: Tokens, x: number, y: number): void {
  c.save();
  c.translate(x, y);
  c.scale(0.6, 0.6);
  c.translate(-3, -2);
  const pin = new Path2D("M5.5 2.5h5L9.8 6.6l2 2.4H4.2l2-2.4zM8 9v4.8");
  c.fillStyle = t.foreground;
  c.strokeStyle = t.foreground;
  c.lineWidth = 1.3;
  c.fill(pin);
  c.stroke(pin);
  c.restore();
}

/** A bracket below layers that share a name, as far as the name has room. */
function drawBracket(
  c: CanvasRenderingContext2D,
  t: Tokens,
  group: LayerGroup,
  slot: number,
  area: { left: number; bottom: number },
): void {
  const left = area.left + group.from * slot + 3;
  const right = area.left + (group.to + 1) * slot - 3;
  if (right - left < textWidth(c, t, group.name)) return;
  const [top, foot] = [area.bottom + 21, area.bottom + 25];
  drawLine(c, [left, foot], [right, foot], t.axis);
  drawLine(c, [left, top], [left, foot], t.axis);
  drawLine(c, [right, top], [right, foot], t.axis);
  drawText(c, t, group.name, (left + right) / 2, area.bottom + 38, { align: "center" });
}
