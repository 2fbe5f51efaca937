import type { Bits, Resource } from "../src/core/hardware/profile.ts";
import type { EditorSnapshot, WeightHistogram } from "../src/protocol/editor.ts";
import type { Fold } from "./fold.ts";
import type { ColumnId } from "./model/columnIds.ts";

export const tabIds = ["bits", "sensitivity", "pareto", "weights", "search"] as const;
export type TabId = (typeof tabIds)[number];

export interface Sort {
  readonly column: ColumnId;
  readonly descending: boolean;
}

/** Network order: what the table starts with. */
export const networkOrder: Sort = { column: "index", descending: false };

/** What a person has chosen on the page; kept over a reload. Layers go by name: their order is another after each sort. */
export interface View {
  readonly selection: readonly string[];
  /** The row and column that have the keyboard; no row = the header. */
  readonly activeRow: string | undefined;
  readonly activeColumn: ColumnId;
  /** Where a Shift selection starts. */
  readonly anchor: string | undefined;
  readonly sort: Sort;
  readonly filter: string;
  /** Columns shown or hidden by hand; others follow the width. */
  readonly columns: Readonly<Partial<Record<ColumnId, boolean>>>;
  readonly scrollTop: number;
  readonly tab: TabId;
  readonly panelOpen: boolean;
  readonly panelLarge: boolean;
  /** Pixels, by hand; undefined = the default. */
  readonly panelHeight: number | undefined;
  readonly asTable: boolean;
  /** The layers of the model, or the comparison of the last run. */
  readonly screen: "layers" | "comparison";
  /** Bits whose levels the histogram shows; undefined = the assigned ones. */
  readonly levelBits: Bits | undefined;
  /** Lines of all bitwidths in the sensitivity chart, not only the lowest, the middle and the highest. */
  readonly allBits: boolean;
  /** Calibration, strategy and target, when they are behind a disclosure. */
  readonly detailsOpen: boolean;
}

export const initialView: View = {
  selection: [],
  activeRow: undefined,
  activeColumn: "name",
  anchor: undefined,
  sort: networkOrder,
  filter: "",
  columns: {},
  scrollTop: 0,
  tab: "bits",
  panelOpen: true,
  panelLarge: false,
  panelHeight: undefined,
  asTable: false,
  screen: "layers",
  levelBits: undefined,
  allBits: false,
  detailsOpen: false,
};

/** A budget under the pointer or the arrow keys: what it is now and was before, in the program's units. */
export interface BudgetDrag {
  readonly resource: Resource;
  readonly limit: number;
  readonly before: number;
  /** Let go; shown until the host says the same. */
  readonly done: boolean;
}

export interface State {
  readonly snapshot: EditorSnapshot | undefined;
  readonly view: View;
  readonly drag: BudgetDrag | undefined;
  readonly histograms: ReadonlyMap<string, WeightHistogram>;
  readonly fold: Fold;
  /** Grows when the theme changes; what is drawn on a canvas must be drawn anew. */
  readonly theme: number;
}
