import type { Context, Part } from "../context.ts";
import { button, iconButton, textField } from "../controls.ts";
import { el, setShown, setText } from "../dom.ts";
import { count } from "../format/numbers.ts";
import { figuresOf } from "../model/figures.ts";
import { orderOf } from "../model/order.ts";
import { countText } from "../model/words.ts";
import { openColumnMenu } from "./columnMenu.ts";
import { copyRows } from "./edits.ts";
import type { LayerTable } from "./layerTable.ts";

/** The line above the table: filter, count, and what can be done with all rows. */
export function createToolbar(context: Context, table: LayerTable): Part & { focusFilter(): void } {
  const { store, post } = context;
  const filter = textField({
    label: "Filter layers",
    icon: "filter",
    typed: (text) => store.setView({ filter: text }),
    escaped: () => {
      filter.set("");
      store.setView({ filter: "" });
      // The row to go back to may have been filtered out.
      store.flush();
      table.focusActive();
    },
  });
  filter.element.addEventListener("keydown", (event) => {
    // From the filter straight into what it found.
    if (event.key !== "ArrowDown" && event.key !== "Enter") return;
    event.preventDefault();
    const name = table.nameAt(0);
    if (name === undefined) return;
    if (table.placeOf(store.state.view.activeRow) < 0) store.setView({ activeRow: name });
    table.headerActive = false;
    store.flush();
    table.focusActive();
  });
  const counted = el("span", { class: "muted small count ellipsis", role: "status" });
  const reallocate = button({
    label: "Re-allocate",
    title: "Choose the other layers’ bits again around the pinned ones",
    run: () => post({ type: "command", command: "reallocate" }),
  });
  const comparison = button({ label: "Comparison", run: () => store.setView({ screen: "comparison" }) });
  const showPanel = iconButton("chart", "Show charts", () => store.setView({ panelOpen: true }));
  const copy = iconButton("copy", "Copy table as CSV", () => copyRows(context, true));
  const columns = iconButton("columns", "Choose columns", (at) => openColumnMenu(context, at, () => table.shown));
  const openPlan = (): void => post({ type: "command", command: "openPlan" });
  const plan = button({ label: "Open Plan", icon: "file", run: openPlan });
  const planIcon = iconButton("file", "Open Plan", openPlan);
  plan.element.classList.add("roomy");
  planIcon.element.classList.add("tight-only");
  copy.element.classList.add("roomy");
  const element = el(
    "div",
    { class: "toolbar" },
    filter.element,
    counted,
    el("span", { class: "grow" }),
    reallocate.element,
    comparison.element,
    showPanel.element,
    copy.element,
    columns.element,
    plan.element,
    planIcon.element,
  );
  return {
    element,
    focusFilter: () => filter.focus(),
    update: ({ snapshot, view, fold }) => {
      filter.update(view.filter);
      if (view.filter === "" && !filter.element.matches(":focus-within")) filter.set("");
      showPanel.show(!view.panelOpen);
      const f = snapshot && figuresOf(snapshot);
      const layers = f?.rows.length ?? 0;
      filter.placeholder(
        fold === "narrow" ? `Filter ${count(layers, "layer")}` : "Filter layers, e.g. conv, bits:<4, @pinned",
      );
      plan.show(snapshot?.hasPlan === true && fold !== "narrow");
      planIcon.show(snapshot?.hasPlan === true && fold === "narrow");
      comparison.show(snapshot?.comparison !== undefined && fold !== "narrow");
      reallocate.show(f !== undefined && f.changed > 0);
      setShown(counted, f !== undefined);
      if (f === undefined) return;
      const filtered = view.filter.trim() !== "";
      setText(counted, countText(f, orderOf(f, view.sort, view.filter).length, filtered));
    },
  };
}
