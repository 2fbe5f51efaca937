import { grouped } from "../../src/core/plan/format.ts";
import { labelStep } from "./ticks.ts";
import type { Tokens } from "./tokens.ts";

/** A rectangle in CSS pixels. */
export interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface TextStyle {
  readonly align?: CanvasTextAlign;
  readonly colour?: string;
  readonly bold?: boolean;
  readonly size?: number;
}

/** Size of type in charts, pixels. */
const typeSize = 11;

/** Text with its baseline at y. */
export function drawText(
  c: CanvasRenderingContext2D,
  t: Tokens,
  text: string,
  x: number,
  y: number,
  style: TextStyle = {},
): void {
  c.font = `${style.bold ? 600 : 400} ${style.size ?? typeSize}px ${t.font}`;
  c.textAlign = style.align ?? "left";
  c.textBaseline = "alphabetic";
  c.fillStyle = style.colour ?? t.muted;
  c.fillText(text, x, y);
}

export function textWidth(c: CanvasRenderingContext2D, t: Tokens, text: string): number {
  c.font = `400 ${typeSize}px ${t.font}`;
  return c.measureText(text).width;
}

/** A line of one pixel that is not blurred: on the middle of a row or column of pixels. */
export function drawLine(
  c: CanvasRenderingContext2D,
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  colour: string,
  dash: readonly number[] = [],
): void {
  const straight = x1 === x2 || y1 === y2;
  const snap = (v: number): number => (straight ? Math.round(v - 0.5) + 0.5 : v);
  c.save();
  c.strokeStyle = colour;
  c.lineWidth = 1;
  c.setLineDash([...dash]);
  c.beginPath();
  c.moveTo(snap(x1), snap(y1));
  c.lineTo(snap(x2), snap(y2));
  c.stroke();
  c.restore();
}

/** Budget and target lines. */
export const limitDash = [4, 3] as const;

/** The chosen point. @param r half its width */
export function drawDiamond(
  c: CanvasRenderingContext2D,
  x: number,
  y: number,
  r: number,
  fill: string,
  edge?: string,
): void {
  c.beginPath();
  c.moveTo(x, y - r);
  c.lineTo(x + r, y);
  c.lineTo(x, y + r);
  c.lineTo(x - r, y);
  c.closePath();
  if (edge !== undefined) {
    c.strokeStyle = edge;
    c.lineWidth = 3;
    c.stroke();
  }
  c.fillStyle = fill;
  c.fill();
}

/** A ring around the point that has the keyboard. */
export function drawRing(c: CanvasRenderingContext2D, x: number, y: number, r: number, colour: string): void {
  c.save();
  c.strokeStyle = colour;
  c.lineWidth = 1.5;
  c.beginPath();
  c.arc(x, y, r, 0, 2 * Math.PI);
  c.stroke();
  c.restore();
}

/** A label of a horizontal line of the grid, and the line. */
export function drawRowTick(
  c: CanvasRenderingContext2D,
  t: Tokens,
  area: Area,
  y: number,
  label: string,
  base = false,
): void {
  drawLine(c, [area.left, y], [area.right, y], base ? t.axis : t.grid);
  drawText(c, t, label, area.left - 7, y + 4, { align: "right" });
}

/**
 * Numbers of layers below a chart, as many as have room, in round steps; the selected one always, in bold.
 * @param n layers @param selected position, or negative @param at middle of a layer in pixels
 */
export function drawLayerNumbers(
  c: CanvasRenderingContext2D,
  t: Tokens,
  n: number,
  selected: number,
  at: (layer: number) => number,
  area: Pick<Area, "left" | "right" | "bottom">,
): void {
  const baseline = area.bottom + 14;
  const room = textWidth(c, t, grouped(n)) + 8;
  const taken: number[] = [];
  const draw = (layer: number, bold: boolean): void => {
    const x = at(layer);
    if (taken.some((other) => Math.abs(other - x) < room) || x > area.right - room / 3) return;
    taken.push(x);
    drawText(c, t, grouped(layer + 1), x, baseline, { align: "center", bold, colour: bold ? t.foreground : t.muted });
  };
  if (selected >= 0) draw(selected, true);
  const step = labelStep(n, area.right - area.left, room);
  draw(0, false);
  for (let number = step; number <= n; number += step) draw(number - 1, false);
}
