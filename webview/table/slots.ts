import { el } from "../dom.ts";

/** Eight slots of which as many are filled as there are bits: length, not shade, is the code. */
export function slots(bits?: number): HTMLElement {
  const element = el("span", { class: "slots" }, el("i"));
  if (bits !== undefined) element.dataset.bits = String(bits);
  return element;
}
