import type { Context } from "../context.ts";
import { columns } from "../model/columns.ts";
import { figuresOf } from "../model/figures.ts";
import { alwaysShown } from "../model/visibleColumns.ts";
import { type MenuItem, openMenu } from "../ui/menu.ts";
import type { Anchor } from "../ui/place.ts";

/** Opens the column chooser; the header's context menu is the same. */
export function openColumnMenu(context: Context, anchor: Anchor, shownNow: () => readonly string[]): void {
  openMenu("Columns", anchor, () => items(context, shownNow));
}

function items({ store }: Context, shownNow: () => readonly string[]): readonly MenuItem[] {
  const { snapshot, view } = store.state;
  if (snapshot === undefined) return [];
  const withPlan = figuresOf(snapshot).snapshot.profile !== undefined;
  // A choice is drawn before the menu asks again.
  store.flush();
  const shown = shownNow();
  return [
    ...columns.map(({ id, name, longName, ofPlan }): MenuItem => {
      const checked = shown.includes(id);
      const because = id === alwaysShown ? "always shown" : ofPlan && !withPlan ? "needs a device profile" : undefined;
      return {
        kind: "check",
        label: id === "index" ? (longName ?? name) : name,
        checked,
        stays: true,
        ...(because === undefined ? {} : { disabledBecause: because }),
        run: () => store.setView({ columns: { ...store.state.view.columns, [id]: !checked } }),
      };
    }),
    { kind: "separator" },
    {
      kind: "action",
      label: "Reset Columns",
      ...(Object.keys(view.columns).length === 0 ? { disabledBecause: "columns follow the width" } : {}),
      run: () => store.setView({ columns: {} }),
    },
  ];
}
