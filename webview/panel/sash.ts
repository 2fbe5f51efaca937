import type { Context } from "../context.ts";
import { el, setAttribute } from "../dom.ts";

/** The panel's least height, pixels (DESIGN-NOTES 2). */
const least = 160;

/** Pixels that an arrow key moves the edge by. */
const step = 20;

/** The edge between table and panel: drag it, move it by arrow keys, double click for the default height. */
export function createSash(
  { store }: Context,
  heightNow: () => number,
): { element: HTMLElement; update(height: number): void } {
  const element = el("div", {
    class: "sash",
    role: "separator",
    label: "Height of the panel",
    tabIndex: 0,
    attributes: { "aria-orientation": "horizontal", "aria-valuemin": String(least) },
  });
  const set = (height: number): void =>
    store.setView({ panelHeight: Math.max(least, Math.round(height)), panelLarge: false });
  let from: { readonly y: number; readonly height: number } | undefined;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = { y: event.clientY, height: heightNow() };
    element.setPointerCapture(event.pointerId);
    element.classList.add("dragged");
    event.preventDefault();
  });
  element.addEventListener("pointermove", (event) => {
    if (from !== undefined) set(from.height + from.y - event.clientY);
  });
  const end = (): void => {
    from = undefined;
    element.classList.remove("dragged");
  };
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
  element.addEventListener("dblclick", () => store.setView({ panelHeight: undefined }));
  element.addEventListener("keydown", (event) => {
    const by = { ArrowUp: step, ArrowDown: -step }[event.key];
    if (by === undefined) return;
    set(heightNow() + by);
    event.preventDefault();
  });
  return {
    element,
    update: (height) => setAttribute(element, "aria-valuenow", String(Math.round(height))),
  };
}
