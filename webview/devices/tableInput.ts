import { openRowMenu, removeRow } from "./rowMenu.ts";
import type { Context } from "./state.ts";
import type { DevicesTable } from "./table.ts";

/** Rows that PageUp and PageDown move by. */
const page = 8;

/** The table's keyboard (DESIGN-NOTES 5): arrows by rows and cells, Enter opens the profile, or sorts in the header. */
export function addKeys(context: Context, table: DevicesTable): void {
  table.element.addEventListener("keydown", (event) => {
    if (event.altKey || !handle(context, table, event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  // Wherever the keyboard comes in, there the state says it is.
  table.element.addEventListener("focusin", (event) => {
    const { store } = context;
    const target = event.target as HTMLElement;
    const view = table.viewOf(target);
    const inHeader = table.head.contains(target);
    if (inHeader !== store.state.inHeader) store.set({ inHeader });
    if (view && store.state.view.active !== view.key) store.setView({ active: view.key });
  });
}

function handle(context: Context, table: DevicesTable, event: KeyboardEvent): boolean {
  const { store, post } = context;
  const { inHeader, view } = store.state;
  const place = Math.max(
    0,
    table.order.findIndex(({ key }) => key === view.active),
  );
  const row = table.order[place];
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() !== "c" || !row) return false;
    post({ type: "copyRows", rows: [{ model: row.row.model, device: row.row.device }] });
    return true;
  }
  switch (event.key) {
    case "ArrowDown":
      return moveTo(context, table, inHeader ? 0 : place + 1);
    case "ArrowUp":
      return place === 0 || inHeader ? toHeader(context, table) : moveTo(context, table, place - 1);
    case "PageDown":
      return moveTo(context, table, place + page);
    case "PageUp":
      return moveTo(context, table, place - page);
    case "Home":
      return moveTo(context, table, 0);
    case "End":
      return moveTo(context, table, table.order.length - 1);
    case "ArrowLeft":
      return moveColumn(context, table, -1);
    case "ArrowRight":
      return moveColumn(context, table, 1);
    case "Enter":
    case " ":
      if (inHeader) {
        table.sortBy(view.column);
        store.flush();
        table.focus();
      } else if (row) post({ type: "openProfile", device: row.row.device });
      return true;
    case "ContextMenu":
      return menu(context, table, place);
    case "F10":
      return event.shiftKey && menu(context, table, place);
    case "Delete":
      if (row && !inHeader) removeRow(context, row);
      return true;
    default:
      return false;
  }
}

function moveTo({ store }: Context, table: DevicesTable, place: number): boolean {
  const row = table.order[Math.max(0, Math.min(place, table.order.length - 1))];
  if (!row) return false;
  store.set({ inHeader: false });
  store.setView({ active: row.key });
  store.flush();
  table.focus();
  return true;
}

function toHeader({ store }: Context, table: DevicesTable): boolean {
  store.set({ inHeader: true });
  store.flush();
  table.focus();
  return true;
}

function moveColumn({ store }: Context, table: DevicesTable, by: number): boolean {
  const { columns } = table;
  const at = Math.max(0, columns.indexOf(store.state.view.column));
  const column = columns[Math.max(0, Math.min(at + by, columns.length - 1))];
  if (column === undefined) return false;
  store.setView({ column });
  store.flush();
  table.focus();
  return true;
}

function menu(context: Context, table: DevicesTable, place: number): boolean {
  const row = table.order[place];
  const cell = table.element.querySelector<HTMLElement>(":scope .d-row [tabindex='0']");
  if (!row || !cell || context.store.state.inHeader) return false;
  openRowMenu(context, row, cell);
  return true;
}

/** Clicks: a row is selected, a double click opens its profile, the right button (or the three dots) its menu. */
export function addPointer(context: Context, table: DevicesTable): void {
  const { store, post } = context;
  table.element.addEventListener("click", (event) => {
    const target = event.target as Element;
    const view = table.viewOf(target);
    if (!view?.shown) return;
    const cell = target.closest<HTMLElement>("[data-column]");
    const column = table.columns.find((id) => id === cell?.dataset.column);
    store.set({ inHeader: false });
    store.setView({ active: view.key, ...(column && { column }) });
    store.flush();
    if (target.closest(".d-more")) openRowMenu(context, view.shown, view.more);
    else table.focus();
  });
  table.element.addEventListener("dblclick", (event) => {
    const view = table.viewOf(event.target);
    if (view?.shown) post({ type: "openProfile", device: view.shown.row.device });
  });
  table.element.addEventListener("contextmenu", (event) => {
    const view = table.viewOf(event.target);
    if (!view?.shown) return;
    event.preventDefault();
    store.setView({ active: view.key });
    store.flush();
    openRowMenu(context, view.shown, { x: event.clientX, y: event.clientY });
  });
}
