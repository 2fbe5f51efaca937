import { isColumnId } from "./model/columnIds.ts";
import { initialView, tabIds, type View } from "./state.ts";

/** Raised when the shape changes; what another version saved is not read. */
const version = 1;

/** More selected rows than this are not worth keeping. */
const maxSelection = 1000;

const maxText = 4096;

/** A selection of panels' heights that fits screens. */
const maxHeight = 10_000;

/** The view as it is kept over a reload. */
export function saveView(view: View): object {
  return { version, view: { ...view, selection: view.selection.slice(0, maxSelection) } };
}

/** Reads back what `saveView` made; whatever is missing or odd becomes the initial value, one field at a time. */
export function restoreView(saved: unknown): View {
  if (!isBag(saved) || saved.version !== version || !isBag(saved.view)) return initialView;
  const from = saved.view;
  const text = (value: unknown): value is string => typeof value === "string" && value.length <= maxText;
  const flag = (value: unknown, otherwise: boolean): boolean => (typeof value === "boolean" ? value : otherwise);
  const sort = isBag(from.sort) && isColumnId(from.sort.column) ? from.sort : undefined;
  return {
    selection: Array.isArray(from.selection) ? from.selection.filter(text).slice(0, maxSelection) : [],
    activeRow: text(from.activeRow) ? from.activeRow : undefined,
    activeColumn: isColumnId(from.activeColumn) ? from.activeColumn : initialView.activeColumn,
    anchor: text(from.anchor) ? from.anchor : undefined,
    sort: sort
      ? { column: sort.column as View["sort"]["column"], descending: sort.descending === true }
      : initialView.sort,
    filter: text(from.filter) ? from.filter : "",
    columns: columnsOf(from.columns),
    scrollTop: typeof from.scrollTop === "number" && from.scrollTop >= 0 ? from.scrollTop : 0,
    tab: tabIds.find((id) => id === from.tab) ?? initialView.tab,
    panelOpen: flag(from.panelOpen, true),
    panelLarge: flag(from.panelLarge, false),
    panelHeight: heightOf(from.panelHeight),
    asTable: flag(from.asTable, false),
    screen: from.screen === "comparison" ? "comparison" : "layers",
    levelBits: ([2, 3, 4, 5, 6, 7, 8] as const).find((bits) => bits === from.levelBits),
    allBits: flag(from.allBits, false),
    detailsOpen: flag(from.detailsOpen, false),
  };
}

function columnsOf(value: unknown): View["columns"] {
  if (!isBag(value)) return {};
  return Object.fromEntries(Object.entries(value).filter(([id, on]) => isColumnId(id) && typeof on === "boolean"));
}

function heightOf(value: unknown): number | undefined {
  return typeof value === "number" && value > 0 && value < maxHeight ? value : undefined;
}

function isBag(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
