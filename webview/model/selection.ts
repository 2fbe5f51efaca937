import type { View } from "../state.ts";

type Selected = Pick<View, "selection" | "activeRow" | "anchor">;

/** How a click or key selects: the row alone, from the anchor to it, or it in or out. */
export type SelectHow = "one" | "extend" | "toggle";

/**
 * The selection after `name` was clicked or moved to.
 * @param order names of the rows as shown
 */
export function select(view: Selected, order: readonly string[], name: string, how: SelectHow): Selected {
  switch (how) {
    case "one":
      return { selection: [name], activeRow: name, anchor: name };
    case "toggle": {
      const rest = view.selection.filter((other) => other !== name);
      const selection = rest.length < view.selection.length ? rest : [...view.selection, name];
      return { selection, activeRow: name, anchor: name };
    }
    case "extend": {
      const from = order.indexOf(view.anchor ?? view.activeRow ?? name);
      const to = order.indexOf(name);
      if (from < 0) return { selection: [name], activeRow: name, anchor: name };
      return {
        selection: order.slice(Math.min(from, to), Math.max(from, to) + 1),
        activeRow: name,
        anchor: order[from],
      };
    }
  }
}

/** The layer that the panel follows: the one with the keyboard if it is selected, else the first of the selection. */
export function leadingLayer(view: Pick<View, "selection" | "activeRow">): string | undefined {
  if (view.activeRow !== undefined && view.selection.includes(view.activeRow)) return view.activeRow;
  return view.selection[0];
}
