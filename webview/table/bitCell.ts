import type { Bits } from "../../src/core/hardware/profile.ts";
import type { LayerRow } from "../../src/protocol/editor.ts";
import { el, setAttribute, setClass, setShown, setText, setTitle } from "../dom.ts";
import { drawIcon, icon } from "../ui/icons.ts";
import { slots } from "./slots.ts";

/** The next bitwidth of the device below or above the assigned one; undefined at the end. */
export function nextBits(row: Pick<LayerRow, "allowedBits" | "weightBits">, up: boolean): Bits | undefined {
  const current = row.weightBits;
  if (!current) return undefined;
  return up ? row.allowedBits.find((b) => b > current) : row.allowedBits.findLast((b) => b < current);
}

/**
 * Weight bits of a layer: number, slots and pin at rest; a stepper and a pin to press on the selected and the hovered row. The stepper
 * is made when it is first needed: of hundreds of rows, few are ever edited.
 */
export class BitCell {
  readonly #number = el("b");
  readonly #slots = slots();
  readonly #pinned = icon("pinned", "pin", "Pinned");
  readonly #was = el("span", { class: "small muted was" });
  readonly #outdated = el("span", { class: "small outdated-mark" }, icon("refresh"), " outdated");
  readonly #skeleton = el("span", { class: "skeleton skeleton-bits" });
  readonly #rest = el("span", { class: "bits-rest" }, this.#number, this.#slots, this.#pinned);
  #edit: Stepper | undefined;

  constructor(readonly cell: HTMLElement) {
    cell.append(this.#skeleton, this.#rest, this.#was, this.#outdated);
  }

  update(row: LayerRow, editing: boolean, pending: boolean, device: string): void {
    const bits = row.weightBits ?? undefined;
    const known = bits !== undefined;
    const edits = editing && known && row.allowedBits.length > 0;
    setShown(this.#skeleton, !known && pending);
    setShown(this.#rest, known && !edits);
    setText(this.#number, known ? String(bits) : "");
    if (this.#slots.dataset.bits !== String(bits ?? 0)) this.#slots.dataset.bits = String(bits ?? 0);
    this.#pinned.toggleAttribute("hidden", !row.pinned);
    const was = row.wasBits === undefined ? "" : `was ${row.wasBits ?? "float"}`;
    setText(this.#was, was);
    setShown(this.#was, was !== "");
    setShown(this.#outdated, row.outdated === true);
    if (edits && this.#edit === undefined) {
      this.#edit = new Stepper();
      this.cell.insertBefore(this.#edit.element, this.#was);
    }
    if (this.#edit === undefined) return;
    setShown(this.#edit.element, edits);
    if (edits) this.#edit.update(row, device);
  }

  /** What takes the keyboard when the cell is the active one. */
  get focusable(): HTMLElement | undefined {
    return this.#edit?.element.hidden === false ? this.#edit.step : undefined;
  }
}

class Stepper {
  readonly #minus = el("span", { class: "step-button", data: { do: "less" } }, icon("minus"));
  readonly #number = el("b", { class: "step-number", data: { do: "menu" }, title: "Choose bits" });
  readonly #plus = el("span", { class: "step-button", data: { do: "more" } }, icon("plus"));
  readonly step = el(
    "span",
    { class: "step", role: "spinbutton", tabIndex: -1 },
    this.#minus,
    this.#number,
    this.#plus,
  );
  readonly #pinIcon = icon("pin", "pin");
  readonly #pin = el("span", { class: "step-pin", data: { do: "pin" } }, this.#pinIcon);
  readonly element = el("span", { class: "bits-edit" }, this.step, this.#pin);

  update(row: LayerRow, device: string): void {
    const bits = row.weightBits ?? 0;
    setText(this.#number, String(bits));
    setAttribute(this.step, "aria-label", `Weight bits of ${row.name}`);
    setAttribute(this.step, "aria-valuenow", String(bits));
    setAttribute(this.step, "aria-valuemin", String(row.allowedBits[0] ?? bits));
    setAttribute(this.step, "aria-valuemax", String(row.allowedBits.at(-1) ?? bits));
    setAttribute(this.step, "aria-valuetext", `${bits} bits${row.pinned ? ", pinned" : ""}`);
    for (const [button, up] of [
      [this.#minus, false],
      [this.#plus, true],
    ] as const) {
      const next = nextBits(row, up);
      setClass(button, "disabled", next === undefined);
      setTitle(
        button,
        next === undefined ? `${bits} bits is the ${up ? "most" : "least"} on ${device}` : `${next} bits`,
      );
    }
    drawIcon(this.#pinIcon, row.pinned ? "pinned" : "pin");
    setTitle(this.#pin, row.pinned ? "Unpin (P)" : `Pin at ${bits} bits (P)`);
  }
}
