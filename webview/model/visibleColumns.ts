import type { Fold } from "../fold.ts";
import type { State } from "../state.ts";
import { type ColumnId, columnIds } from "./columnIds.ts";
import { columnOf } from "./columns.ts";
import type { Figures } from "./figures.ts";

/** Columns that give way when there is less room, the first one first (DESIGN-NOTES 2). */
const givesWay: readonly ColumnId[] = [
  "macs",
  "params",
  "shape",
  "energy",
  "op",
  "sigma",
  "activationBits",
  "latency",
  "index",
  "weightKl",
];

/** How many of them are left out at a width of the table. */
const leftOut: Readonly<Record<Fold, number>> = { broad: 0, wide: 0, medium: 4, small: 8, narrow: 9 };

/** The name is what a row is; it can't be hidden. */
export const alwaysShown: ColumnId = "name";

/** Whether a column is there without a word from anyone about it. */
export function isShownByDefault(f: Figures, id: ColumnId, fold: Fold): boolean {
  const position = givesWay.indexOf(id);
  if (position >= 0 && position < leftOut[fold]) return false;
  if (columnOf(id).ofPlan && f.snapshot.profile === undefined) return false;
  if (hasNoFigures(f, id)) return false;
  // Where the model may not be run, the divergence of the weights stands beside the sensitivity that is not measured.
  return id === "weightKl" ? showsLock(f) : true;
}

/** There are bits for the device, whose profile does not say what they take of this. */
function hasNoFigures(f: Figures, id: ColumnId): boolean {
  // A column without any figure has no unit.
  return (id === "latency" || id === "energy") && f[id].label === "" && f.bytes.label !== "";
}

/** The workspace is not trusted, and nothing was measured before. */
export function showsLock(f: Figures): boolean {
  return !f.snapshot.trusted && f.source !== "measured";
}

/**
 * Columns to show, in order: the defaults of the width, what a person has shown or hidden by hand, and of these as many as fit.
 * @param width pixels for all columns together
 * @param widthOf pixels that a column needs at least
 */
export function visibleColumns(
  f: Figures,
  chosen: State["view"]["columns"],
  fold: Fold,
  width: number,
  widthOf: (id: ColumnId) => number,
): readonly ColumnId[] {
  const shown = columnIds.filter((id) => id === alwaysShown || (chosen[id] ?? isShownByDefault(f, id, fold)));
  let needed = shown.reduce((sum, id) => sum + widthOf(id), 0);
  const out = new Set<ColumnId>();
  // Those that someone has asked for go last.
  const order = [...givesWay.filter((id) => !chosen[id]), ...givesWay.filter((id) => chosen[id])];
  for (const id of order) {
    if (needed <= width) break;
    if (!shown.includes(id)) continue;
    out.add(id);
    needed -= widthOf(id);
  }
  return shown.filter((id) => !out.has(id));
}
