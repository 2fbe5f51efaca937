import { type Fold, foldOf } from "./fold.ts";

/** Calls `changed` now and whenever the width of `element` falls into another fold; the element carries it as `data-fold`. */
export function watchFold(element: HTMLElement, changed: (fold: Fold) => void): void {
  let current: Fold | undefined;
  const look = (width: number): void => {
    const fold = foldOf(width);
    if (fold === current) return;
    current = fold;
    element.dataset.fold = fold;
    changed(fold);
  };
  look(element.clientWidth);
  new ResizeObserver(() => look(element.clientWidth)).observe(element);
}
