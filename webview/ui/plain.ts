import { el } from "../dom.ts";

/** A small box in the page's own type to write a number into; it lasts as long as the editing does. */
export function inlineField(label: string, value: string): HTMLInputElement {
  const field = el("input", {
    class: "inline-field",
    label,
    attributes: { type: "text", spellcheck: "false", autocomplete: "off" },
  });
  field.value = value;
  return field;
}

/** Looks like a link, does something on this page or in the editor: a button, for assistive technology and the keyboard. */
export function linkButton(label: string, run: () => void): HTMLButtonElement {
  const element = el("button", { class: "link", text: label, attributes: { type: "button" } });
  element.addEventListener("click", run);
  return element;
}
