import type { Bits } from "../../src/core/hardware/profile.ts";
import { el, setAttribute, setChildren, setClass, setStyle } from "../dom.ts";
import { finite, plainTwoFigures } from "../format/numbers.ts";
import { heatPercent } from "../model/heat.ts";

/** What a strip of heat cells shows. */
export interface HeatState {
  readonly bits: readonly Bits[];
  readonly values: Readonly<Partial<Record<Bits, number>>> | undefined;
  readonly assigned: Bits | undefined;
  /** Bits that the device has; others are short cells. Empty = no device yet. */
  readonly allowed: readonly Bits[];
  /** Values that are missing are on their way. */
  readonly pending: boolean;
}

/** The sensitivity of a layer over the bitwidths: a cell each, hotter = worse; the assigned one has a box. */
export class HeatStrip {
  readonly element = el("span", { class: "heat", role: "img" });
  readonly #cells: HTMLElement[] = [];

  update(state: HeatState): void {
    const { bits, values, assigned, allowed, pending } = state;
    while (this.#cells.length < bits.length) this.#cells.push(el("i"));
    setChildren(this.element, this.#cells.slice(0, bits.length));
    for (const [at, b] of bits.entries()) {
      const cell = this.#cells[at] as HTMLElement;
      const value = finite(values?.[b]);
      setClass(cell, "missing", allowed.length > 0 && !allowed.includes(b));
      setClass(cell, "assigned", b === assigned);
      setClass(cell, "pending", value === undefined && pending);
      setStyle(cell, "--heat", `${value === undefined ? 0 : heatPercent(value)}%`);
    }
    setAttribute(this.element, "aria-label", said(state));
  }
}

/** All values in words: `2 bits 0.62, 3 bits not measured yet, 4 bits 0.041 assigned`. */
function said({ bits, values, assigned, pending }: HeatState): string {
  const parts = bits.map((b) => {
    const value = finite(values?.[b]);
    const text = value === undefined ? (pending ? "not measured yet" : "unknown") : plainTwoFigures(value);
    return `${b} bits ${text}${b === assigned ? " assigned" : ""}`;
  });
  return parts.join(", ");
}
