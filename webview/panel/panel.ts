import { bitsChart } from "../charts/bits.ts";
import { ChartView } from "../charts/chartView.ts";
import { paretoChart } from "../charts/pareto.ts";
import { searchChart } from "../charts/search.ts";
import { sensitivityChart } from "../charts/sensitivity.ts";
import { weightsChart } from "../charts/weights.ts";
import type { Context, Part } from "../context.ts";
import { dropdown, iconButton, tabs } from "../controls.ts";
import { el, setClass, setShown, setStyle } from "../dom.ts";
import { leadingLayer } from "../model/selection.ts";
import { type TabId, tabIds } from "../state.ts";
import { createSash } from "./sash.ts";

export const tabTitles: Readonly<Record<TabId, string>> = {
  bits: "Bits along the network",
  sensitivity: "Sensitivity",
  pareto: "Pareto",
  weights: "Weights",
  search: "Search",
};

/** Heights, pixels (DESIGN-NOTES 2; the narrow page's picture). */
const defaultHeight = 292;
const narrowHeight = 212;

/** The panel of charts below the table, or beside it on a broad page. */
export function createPanel(context: Context): Part {
  const { store } = context;
  const views: Readonly<Record<TabId, Part>> = {
    bits: new ChartView(bitsChart, context),
    sensitivity: new ChartView(sensitivityChart, context),
    pareto: new ChartView(paretoChart, context),
    weights: new ChartView(weightsChart, context),
    search: new ChartView(searchChart, context),
  };
  const select = (id: string): void => {
    const tab = tabIds.find((t) => t === id);
    if (tab !== undefined && tab !== store.state.view.tab) store.setView({ tab });
  };
  const choice = dropdown("Chart", undefined, select);
  const before = el("div", { class: "panel-choice" }, choice.element);
  const table = iconButton("columns", "Show as table", () => store.setView({ asTable: !store.state.view.asTable }));
  const large = iconButton("chevronUp", "Maximize panel", () =>
    store.setView({ panelLarge: !store.state.view.panelLarge }),
  );
  const close = iconButton("close", "Close panel", () => store.setView({ panelOpen: false, panelLarge: false }));
  const after = el("div", { class: "panel-actions" }, table.element, large.element, close.element);
  const all = tabIds.map((id) => ({ id, title: tabTitles[id], view: views[id].element }));
  const control = tabs("Charts", all, { before, after }, select);
  const sash = createSash(context, () => element.getBoundingClientRect().height);
  const element: HTMLElement = el("section", { class: "panel", label: "Charts" }, sash.element, control.element);
  let charted = false;
  const options = tabIds.map((id) => ({ value: id, label: tabTitles[id] }));
  return {
    element,
    update: (state) => {
      const { view, fold } = state;
      setShown(element, view.panelOpen);
      if (!view.panelOpen) return;
      setClass(element, "large", view.panelLarge);
      const height = view.panelHeight ?? (fold === "narrow" ? narrowHeight : defaultHeight);
      setStyle(element, "--panel-height", `${height}px`);
      sash.update(height);
      control.select(view.tab);
      choice.update(options, view.tab);
      table.press(view.asTable);
      table.label(view.asTable ? "Show as chart" : "Show as table");
      large.icon(view.panelLarge ? "chevronDown" : "chevronUp");
      large.label(view.panelLarge ? "Restore panel" : "Maximize panel");
      askForWeights(context);
      // The table is what one waits for: the first chart comes a frame later.
      if (state.snapshot !== undefined && !charted) {
        charted = true;
        store.set({});
        return;
      }
      views[view.tab].update(state);
    },
  };
}

/** Layers whose histogram was asked for; the answer may take a moment. */
const asked = new Set<string>();

/** Asks for the histogram of the selected layer when its tab is open and it is not here yet. */
function askForWeights({ store, post }: Context): void {
  const { view, histograms, snapshot } = store.state;
  const layer = leadingLayer(view);
  if (view.tab !== "weights" || layer === undefined) return;
  if (histograms.has(layer)) asked.delete(layer);
  else if (!asked.has(layer) && snapshot?.layers.some((row) => row.name === layer)) {
    asked.add(layer);
    post({ type: "askHistogram", layer });
  }
}
