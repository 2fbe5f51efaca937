import { el } from "../dom.ts";
import { type Anchor, placeBeside } from "./place.ts";

/** A hover comes after the pointer has rested this long; on focus it comes at once. VS Code's own hovers use 300 ms. */
const restMs = 300;

/** The page's one hover: facts in a box like the editor's own. */
const box = el("div", { class: "hover", role: "tooltip", attributes: { id: "hover" } });

let timer: number | undefined;
let owner: Element | undefined;

/** Shows content beside an element, after the pointer has rested on it. Nothing to say = no hover. */
export function hoverAt(element: Element, anchor: Anchor, content: () => readonly Node[], delay = restMs): void {
  if (owner === element && box.isConnected) {
    if (!(anchor instanceof Element)) fill(content(), anchor);
    return;
  }
  hideHover();
  owner = element;
  const show = (): void => {
    if (fill(content(), anchor)) element.setAttribute("aria-describedby", box.id);
  };
  if (delay === 0) show();
  else timer = window.setTimeout(show, delay);
}

function fill(content: readonly Node[], anchor: Anchor): boolean {
  if (content.length === 0) {
    box.remove();
    return false;
  }
  box.replaceChildren(...content);
  if (!box.isConnected) document.body.append(box);
  placeBeside(box, anchor);
  return true;
}

/** Takes the hover away: of one element, or whichever it is. */
export function hideHover(element?: Element): void {
  if (element !== undefined && element !== owner) return;
  window.clearTimeout(timer);
  owner?.removeAttribute("aria-describedby");
  owner = undefined;
  box.remove();
}

/** Lines `name  value` for a hover. */
export function factLines(facts: readonly (readonly [string, string])[]): HTMLElement {
  return el(
    "dl",
    { class: "facts-list" },
    ...facts.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]),
  );
}
