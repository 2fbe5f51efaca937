import { createStrip } from "./budgets/strip.ts";
import { createComparison } from "./comparison/comparison.ts";
import type { Context, Part } from "./context.ts";
import { el, setClass, setShown } from "./dom.ts";
import { createHeader } from "./header/header.ts";
import { createBands } from "./notices/bands.ts";
import { createFatal } from "./notices/fatal.ts";
import { createNotices } from "./notices/notices.ts";
import { createProgress } from "./notices/progress.ts";
import { createPanel } from "./panel/panel.ts";
import type { State } from "./state.ts";
import { LayerTable } from "./table/layerTable.ts";
import { addKeys } from "./table/tableKeys.ts";
import { addPointer } from "./table/tablePointer.ts";
import { createToolbar } from "./table/toolbar.ts";

/** The whole page: the layers with everything around them, the comparison of a run, or the file that cannot be read. */
export interface Page {
  readonly element: HTMLElement;
  readonly table: LayerTable;
  update(state: State): void;
}

export function createPage(context: Context): Page {
  const table = new LayerTable(context);
  addPointer(table);
  addKeys(table);
  const toolbar = createToolbar(context, table);
  const panel = createPanel(context);
  const main = el(
    "div",
    { class: "main" },
    el("div", { class: "table-side" }, toolbar.element, table.element),
    panel.element,
  );
  // What is tried stands right above the gauges that it is about; what concerns the file, at the top.
  const onTop = createNotices(context, (kind) => kind !== "whatIf");
  const tried = createNotices(context, (kind) => kind === "whatIf");
  const parts: readonly Part[] = [
    onTop,
    createHeader(context),
    createProgress(context),
    tried,
    createBands(context),
    createStrip(context),
    toolbar,
    table,
    panel,
  ];
  const layers = el(
    "div",
    { class: "layers" },
    ...parts.filter((p) => p !== toolbar && p !== table && p !== panel).map((p) => p.element),
    main,
  );
  const comparison = createComparison(context);
  const fatal = createFatal(context);
  const element = el("main", { class: "page" }, layers, comparison.element, fatal.element, context.announcer.element);

  document.addEventListener("keydown", (event) => {
    const find = event.key === "/" || (event.key.toLowerCase() === "f" && (event.ctrlKey || event.metaKey));
    if (!find || isTyping(event) || layers.hidden) return;
    event.preventDefault();
    toolbar.focusFilter();
  });

  return {
    element,
    table,
    update: (state) => {
      const { snapshot, view } = state;
      const isFatal = snapshot?.fatal !== undefined;
      const compares = !isFatal && view.screen === "comparison" && snapshot?.comparison !== undefined;
      setShown(fatal.element, isFatal);
      setShown(comparison.element, compares);
      setShown(layers, !isFatal && !compares);
      setClass(main, "panel-large", view.panelLarge && view.panelOpen);
      if (isFatal) fatal.update(state);
      else if (compares) comparison.update(state);
      else for (const part of parts) part.update(state);
    },
  };
}

/** Ctrl+F belongs to the page, "/" to a field in which someone types. */
function isTyping(event: KeyboardEvent): boolean {
  if (event.key !== "/") return false;
  const [target] = event.composedPath();
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}
