import { nextSort } from "../model/order.ts";
import { type SelectHow, select } from "../model/selection.ts";
import { networkOrder } from "../state.ts";
import { closeMenu } from "../ui/menu.ts";
import { openBitMenu } from "./bitMenu.ts";
import { openColumnMenu } from "./columnMenu.ts";
import { copyRows, resetBits, rowsWith, setBits, stepBits, togglePin } from "./edits.ts";
import type { LayerTable } from "./layerTable.ts";

/** The table's keyboard (DESIGN-NOTES 5). The whole table is one stop of Tab. */
export function addKeys(table: LayerTable): void {
  table.grid.addEventListener("keydown", (event) => {
    const handled = event.ctrlKey || event.metaKey ? withControl(table, event) : plain(table, event);
    if (!handled) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

function withControl(table: LayerTable, event: KeyboardEvent): boolean {
  const { store } = table.context;
  switch (event.key.toLowerCase()) {
    case "a":
      store.setView({ selection: table.names() });
      return true;
    case "c":
      copyRows(table.context, false);
      return true;
    case "home":
      return moveTo(table, 0, event.shiftKey);
    case "end":
      return moveTo(table, table.order.length - 1, event.shiftKey);
    case " ":
      return toggle(table);
    default:
      return false;
  }
}

function plain(table: LayerTable, event: KeyboardEvent): boolean {
  const place = currentPlace(table);
  switch (event.key) {
    case "ArrowDown":
      return moveTo(table, table.headerActive ? 0 : place + 1, event.shiftKey);
    case "ArrowUp":
      return place === 0 && !event.shiftKey ? toHeader(table) : moveTo(table, place - 1, event.shiftKey);
    case "PageDown":
      return moveTo(table, place + table.pageRows, event.shiftKey);
    case "PageUp":
      return moveTo(table, place - table.pageRows, event.shiftKey);
    case "Home":
      return moveTo(table, 0, event.shiftKey);
    case "End":
      return moveTo(table, table.order.length - 1, event.shiftKey);
    case "ArrowLeft":
      return moveColumn(table, -1);
    case "ArrowRight":
      return moveColumn(table, 1);
    case "Enter":
    case "F2":
      return table.headerActive ? sort(table) : enter(table);
    case "ContextMenu":
      return menu(table);
    case "F10":
      return event.shiftKey && menu(table);
    case "Escape":
      return leave(table);
    default:
      return !table.headerActive && edit(table, event.key);
  }
}

/** Keys that change the selected rows. */
function edit(table: LayerTable, key: string): boolean {
  const { context } = table;
  const name = activeName(table);
  if (name === undefined || context.store.state.snapshot?.profile === undefined) return false;
  const rows = rowsWith(context.store.state, name);
  const bits = ([2, 3, 4, 5, 6, 7, 8] as const).find((b) => String(b) === key);
  if (bits !== undefined) setBits(context, rows, bits);
  else if (key === "-" || key === "−") stepBits(context, rows, false);
  else if (key === "+" || key === "=") stepBits(context, rows, true);
  else if (key.toLowerCase() === "p") togglePin(context, rows);
  else if (key === "Delete" || key === "Backspace") resetBits(context, rows);
  else if (key === " ") return toggle(table);
  else return false;
  return true;
}

function currentPlace(table: LayerTable): number {
  if (table.headerActive) return -1;
  return Math.max(0, table.placeOf(table.context.store.state.view.activeRow));
}

/**
 * The layer that has the keyboard: the first one where none was chosen yet, or the chosen one is filtered out, as that is the row which
 * Tab leads to.
 */
function activeName(table: LayerTable): string | undefined {
  return table.nameAt(currentPlace(table));
}

/** Selects a row and goes there; with Shift everything between. */
export function goTo(table: LayerTable, name: string, how: SelectHow): void {
  const { store } = table.context;
  table.headerActive = false;
  store.setView(select(store.state.view, how === "extend" ? table.names() : [], name, how));
  store.flush();
  table.reveal(name);
}

function moveTo(table: LayerTable, place: number, extend: boolean): boolean {
  const name = table.nameAt(Math.min(table.order.length - 1, Math.max(0, place)));
  if (name === undefined) return true;
  goTo(table, name, extend ? "extend" : "one");
  table.focusActive();
  return true;
}

function toHeader(table: LayerTable): boolean {
  table.headerActive = true;
  table.context.store.set({});
  table.context.store.flush();
  table.focusActive();
  return true;
}

function moveColumn(table: LayerTable, by: number): boolean {
  const { store } = table.context;
  const next = table.shown[table.shown.indexOf(table.activeColumn) + by];
  if (next === undefined) return true;
  store.setView({ activeColumn: next, ...(!table.headerActive && { activeRow: activeName(table) }) });
  store.flush();
  table.focusActive();
  return true;
}

function toggle(table: LayerTable): boolean {
  const name = activeName(table);
  if (name === undefined) return false;
  goTo(table, name, "toggle");
  table.focusActive();
  return true;
}

function sort(table: LayerTable): boolean {
  const { store, announcer } = table.context;
  const next = nextSort(store.state.view.sort, table.activeColumn);
  store.setView({ sort: next });
  announcer.say(next === networkOrder ? "Network order" : `Sorted ${next.descending ? "descending" : "ascending"}`);
  return true;
}

function enter(table: LayerTable): boolean {
  const name = activeName(table);
  if (name === undefined) return true;
  if (table.activeColumn === "weightBits") return menu(table);
  table.context.post({ type: "openPlanAt", layer: name });
  return true;
}

function menu(table: LayerTable): boolean {
  const { context } = table;
  const at = document.activeElement;
  if (!(at instanceof HTMLElement)) return true;
  if (table.headerActive) openColumnMenu(context, at, () => table.shown);
  else openBitMenu(context, activeName(table) ?? "", at);
  return true;
}

function leave(table: LayerTable): boolean {
  const { store } = table.context;
  closeMenu();
  if (store.state.view.filter === "") return false;
  store.setView({ filter: "" });
  return true;
}
