import { isColumnId } from "../model/columnIds.ts";
import { nextSort } from "../model/order.ts";
import { hideHover, hoverAt } from "../ui/hover.ts";
import { openBitMenu } from "./bitMenu.ts";
import { cellFacts } from "./cellHover.ts";
import { openColumnMenu } from "./columnMenu.ts";
import { rowsWith, stepBits, togglePin } from "./edits.ts";
import type { LayerTable } from "./layerTable.ts";
import { goTo } from "./tableKeys.ts";

/** What a click or the resting pointer does in the table. Listeners are on the table: rows come and go. */
export function addPointer(table: LayerTable): void {
  onHeader(table);
  onRows(table);
  onHover(table);
}

function onHeader(table: LayerTable): void {
  const { store } = table.context;
  const columnAt = (event: Event): HTMLElement | undefined =>
    event.target instanceof Element
      ? (event.target.closest<HTMLElement>("[role=columnheader]") ?? undefined)
      : undefined;
  table.header.row.addEventListener("click", (event) => {
    const id = columnAt(event)?.dataset.column;
    if (!isColumnId(id)) return;
    table.headerActive = true;
    store.setView({ sort: nextSort(store.state.view.sort, id), activeColumn: id });
    store.flush();
    table.focusActive();
  });
  table.header.row.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    openColumnMenu(table.context, { x: event.clientX, y: event.clientY }, () => table.shown);
  });
}

function onRows(table: LayerTable): void {
  const { context, scroller } = table;
  scroller.addEventListener("mousedown", (event) => {
    // Shift with a click would select text.
    if (event.shiftKey) event.preventDefault();
  });
  scroller.addEventListener("click", (event) => {
    const layer = layerAt(event.target);
    if (layer === undefined) return;
    const column = columnAt(event.target);
    const does = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-do]") : null;
    if (column !== undefined) context.store.setView({ activeColumn: column });
    const how = event.shiftKey ? "extend" : event.ctrlKey || event.metaKey ? "toggle" : "one";
    // A stepper edits all selected rows: pressing it on one of them leaves them selected.
    const keeps = does !== null && context.store.state.view.selection.includes(layer);
    if (keeps) context.store.setView({ activeRow: layer });
    else goTo(table, layer, how);
    context.store.flush();
    table.focusActive();
    if (does !== null) act(table, layer, does);
  });
  scroller.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    const layer = layerAt(event.target);
    if (layer === undefined) return;
    if (!context.store.state.view.selection.includes(layer)) goTo(table, layer, "one");
    openBitMenu(context, layer, { x: event.clientX, y: event.clientY });
  });
}

function act(table: LayerTable, layer: string, does: HTMLElement): void {
  const { context } = table;
  const rows = rowsWith(context.store.state, layer);
  switch (does.dataset.do) {
    case "less":
      stepBits(context, rows, false);
      break;
    case "more":
      stepBits(context, rows, true);
      break;
    case "pin":
      togglePin(context, rows);
      break;
    case "menu":
      openBitMenu(context, layer, does);
      break;
    default:
  }
}

function onHover(table: LayerTable): void {
  const { scroller } = table;
  const show = (target: EventTarget | null, delay?: number): void => {
    const cell = target instanceof Element ? target.closest<HTMLElement>("[role=gridcell], [role=rowheader]") : null;
    const layer = layerAt(target);
    const index = layer === undefined ? undefined : table.figures?.indexOf.get(layer);
    if (cell === null || index === undefined) {
      hideHover();
      return;
    }
    const column = columnAt(cell) ?? "float";
    const facts = (): readonly Node[] => (table.figures ? cellFacts(table.figures, index, column, table.shown) : []);
    hoverAt(cell, cell, facts, delay);
  };
  const enter = (layer: string | undefined): void => {
    if (table.hovered === layer) return;
    table.hovered = layer;
    table.drawRows();
  };
  scroller.addEventListener("pointerover", (event) => {
    enter(layerAt(event.target));
    show(event.target);
  });
  scroller.addEventListener("pointerleave", () => {
    enter(undefined);
    hideHover();
  });
  scroller.addEventListener("scroll", () => hideHover(), { passive: true });
  scroller.addEventListener("pointerdown", () => hideHover());
  scroller.addEventListener("focusin", (event) => {
    if (event.target instanceof Element && event.target.matches(":focus-visible")) show(event.target);
  });
  scroller.addEventListener("focusout", () => hideHover());
}

function layerAt(target: EventTarget | null): string | undefined {
  return target instanceof Element ? target.closest<HTMLElement>(".row")?.dataset.layer : undefined;
}

function columnAt(target: EventTarget | null): ReturnType<typeof columnIdOf> {
  return columnIdOf(
    target instanceof Element ? target.closest<HTMLElement>("[data-column]")?.dataset.column : undefined,
  );
}

function columnIdOf(value: string | undefined) {
  return isColumnId(value) ? value : undefined;
}
