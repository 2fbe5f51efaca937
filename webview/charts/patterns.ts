import type { Bits } from "../../src/core/hardware/profile.ts";
import type { Tokens } from "./tokens.ts";

/** Draws one tile of a pattern. */
type Tile = (c: CanvasRenderingContext2D, size: number, colour: string) => void;

/** Lines from corner to corner; the tile is drawn over its edges so that neighbours join. */
const stripes =
  (width: number, up: boolean): Tile =>
  (c, size, colour) => {
    c.strokeStyle = colour;
    c.lineWidth = width;
    for (const shift of [-size, 0, size]) {
      c.beginPath();
      c.moveTo(shift - 1, up ? size + 1 : -1);
      c.lineTo(shift + size + 1, up ? -1 : size + 1);
      c.stroke();
    }
  };

const dots: Tile = (c, size, colour) => {
  c.fillStyle = colour;
  c.beginPath();
  c.arc(size / 2, size / 2, size / 5, 0, 2 * Math.PI);
  c.fill();
};

/** High contrast has no shades: few bits are light patterns, many are dense ones (DESIGN-NOTES 3). */
const tiles: Readonly<Partial<Record<Bits, { readonly tile: Tile; readonly size: number }>>> = {
  3: { tile: dots, size: 5 },
  4: { tile: stripes(1.3, true), size: 6 },
  5: { tile: stripes(1.8, true), size: 4.5 },
  6: { tile: stripes(2, false), size: 4 },
  7: { tile: stripes(2.6, false), size: 4 },
};

function pattern(c: CanvasRenderingContext2D, size: number, colour: string, tile: Tile): CanvasPattern | string {
  const ratio = window.devicePixelRatio || 1;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(size * ratio);
  canvas.height = canvas.width;
  const own = canvas.getContext("2d");
  if (own === null) return colour;
  own.scale(canvas.width / size, canvas.width / size);
  tile(own, size, colour);
  const made = c.createPattern(canvas, "repeat");
  // Patterns are in device pixels; the canvas they fill is scaled.
  made?.setTransform(new DOMMatrix().scale(size / canvas.width));
  return made ?? colour;
}

/** Fill of a bar of `bits`: a shade of blue, or in high contrast a pattern. */
export function bitFill(c: CanvasRenderingContext2D, bits: Bits, tokens: Tokens): CanvasPattern | string {
  if (!tokens.contrast) return tokens.bits[bits];
  if (bits === 8) return tokens.foreground;
  const entry = tiles[bits];
  return entry === undefined ? tokens.background : pattern(c, entry.size, tokens.foreground, entry.tile);
}

/** Hatch of what stays in float. */
export function floatFill(c: CanvasRenderingContext2D, tokens: Tokens): CanvasPattern | string {
  return pattern(c, 7, tokens.axis, stripes(1, true));
}

/** Hatch of what is outside a budget or a target. */
export function outsideFill(c: CanvasRenderingContext2D, tokens: Tokens): CanvasPattern | string {
  return pattern(c, 10, tokens.grid, stripes(1, true));
}
