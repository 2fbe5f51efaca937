import type { Bits } from "../../src/core/hardware/profile.ts";
import { bitFill } from "../charts/patterns.ts";
import type { Tokens } from "../charts/tokens.ts";
import { el, setAttribute } from "../dom.ts";
import { barsFor, stripLabel } from "./bitBars.ts";

/** Size of the strip in CSS pixels: a bar of four and a gap of two for each layer, as long as there is room. */
const width = 138;
const height = 26;
const usualPitch = 6;
/** Height of one bit; 8 bits fill the strip up to its top line. */
const bitHeight = 3;
const baseline = height - 0.5;
const floatHeight = 8;

/** Bits of all layers along the network, one bar each: height is the bitwidth, the shade or pattern says it again. */
export class BitsStrip {
  readonly element = el("canvas", { class: "d-strip", role: "img" });
  #drawn: string | undefined;

  update(bits: readonly (Bits | null)[], tokens: Tokens, theme: number): void {
    const key = `${bits.join()} ${theme} ${window.devicePixelRatio}`;
    if (key === this.#drawn) return;
    this.#drawn = key;
    setAttribute(this.element, "aria-label", stripLabel(bits));
    draw(this.element, bits, tokens);
  }
}

function draw(canvas: HTMLCanvasElement, bits: readonly (Bits | null)[], tokens: Tokens): void {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const c = canvas.getContext("2d");
  if (c === null) return;
  c.scale(ratio, ratio);
  c.lineWidth = 1;
  const shown = barsFor(bits, width);
  const pitch = Math.min(usualPitch, width / Math.max(1, shown.length));
  for (const [i, own] of shown.entries()) {
    const tall = own === null ? floatHeight : own * bitHeight;
    const x = Math.floor(i * pitch) + 0.5;
    const wide = Math.max(1, Math.floor((i + 1) * pitch) - Math.floor(i * pitch) - 2);
    c.setLineDash(own === null ? [1.5, 1.5] : []);
    c.strokeStyle = own === null ? tokens.axis : tokens.bitEdge;
    if (own !== null) {
      c.fillStyle = bitFill(c, own, tokens);
      c.fillRect(x, baseline - tall, wide, tall);
    }
    c.strokeRect(x, baseline - tall, wide, tall);
  }
  c.setLineDash([]);
  c.strokeStyle = tokens.axis;
  c.beginPath();
  c.moveTo(0, baseline);
  c.lineTo(Math.min(width, shown.length * pitch), baseline);
  c.stroke();
}
