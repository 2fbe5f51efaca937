import { setStyle } from "../dom.ts";

/** Distance of menus and hovers from what they belong to and from the window's edges, pixels. */
const gap = 2;
const edge = 4;

/** Where a floating element hangs: under an element, or at the pointer. */
export type Anchor = Element | { readonly x: number; readonly y: number };

/** Puts a floating element beside its anchor: below if there is room, else above; never beyond the window. */
export function placeBeside(floating: HTMLElement, anchor: Anchor): void {
  const rect =
    anchor instanceof Element ? anchor.getBoundingClientRect() : { left: anchor.x, top: anchor.y, bottom: anchor.y };
  const { offsetWidth: width, offsetHeight: height } = floating;
  const below = rect.bottom + gap;
  const fits = below + height <= window.innerHeight - edge;
  const top = fits ? below : Math.max(edge, rect.top - gap - height);
  const left = Math.max(edge, Math.min(rect.left, window.innerWidth - width - edge));
  setStyle(floating, "left", `${left}px`);
  setStyle(floating, "top", `${top}px`);
}
