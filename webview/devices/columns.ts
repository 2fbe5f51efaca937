import type { Fold } from "../fold.ts";
import { budgetColumns, budgetOf, lossOf, type ShownRow, verdictText } from "./figures.ts";

export const columnIds = ["device", "verdict", "bits", "average", ...budgetColumns, "loss"] as const;
export type ColumnId = (typeof columnIds)[number];

export interface Sort {
  readonly column: ColumnId;
  readonly descending: boolean;
}

/** Columns that each width has room for, in their order. What is left out is in the row's hover. */
const shown: Readonly<Record<Fold, readonly ColumnId[]>> = {
  broad: columnIds,
  wide: columnIds,
  medium: ["device", "verdict", "bits", "weightMemory", "latency", "loss"],
  small: ["device", "verdict", "average", "weightMemory", "loss"],
  narrow: ["device", "verdict", "loss"],
};

export function columnsAt(fold: Fold): readonly ColumnId[] {
  return shown[fold];
}

/** What rows are ordered by in a column; rows without it are last, whichever way. Bits along the network have no order. */
const keys: Readonly<Partial<Record<ColumnId, (row: ShownRow) => number | string | undefined>>> = {
  device: ({ device, model }) => `${device.name}\n${model.name}`,
  verdict: (row) => ({ fits: 0, fails: 1, unknown: undefined, waiting: undefined })[verdictText(row).status],
  average: ({ row }) => (row.figures && row.figures.averageBits > 0 ? row.figures.averageBits : undefined),
  weightMemory: (row) => budgetOf(row, "weightMemory")?.use ?? undefined,
  activationMemory: (row) => budgetOf(row, "activationMemory")?.use ?? undefined,
  latency: (row) => budgetOf(row, "latency")?.use ?? undefined,
  energy: (row) => budgetOf(row, "energy")?.use ?? undefined,
  loss: lossOf,
};

export function isSortable(column: ColumnId): boolean {
  return keys[column] !== undefined;
}

/** Numbers inside names count as numbers. */
const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Rows in the order of a column; without one as they were given. */
export function sorted(rows: readonly ShownRow[], sort: Sort | undefined): readonly ShownRow[] {
  const key = sort && keys[sort.column];
  if (!key) return rows;
  const sign = sort.descending ? -1 : 1;
  return rows
    .map((row, at) => ({ row, at, key: key(row) }))
    .sort((a, b) => {
      if (a.key === undefined || b.key === undefined) {
        return a.key === b.key ? a.at - b.at : a.key === undefined ? 1 : -1;
      }
      const order =
        typeof a.key === "number" && typeof b.key === "number"
          ? a.key - b.key
          : collator.compare(`${a.key}`, `${b.key}`);
      return sign * order || a.at - b.at;
    })
    .map(({ row }) => row);
}

/** The best first: least loss, fits before not, names from A; other numbers from the largest. */
const ascendingFirst: readonly ColumnId[] = ["device", "verdict", "loss"];

/** What a click on a header does: its first way, then the other, then the order in which the rows were given. */
export function nextSort(current: Sort | undefined, column: ColumnId): Sort | undefined {
  if (!isSortable(column)) return current;
  const first = !ascendingFirst.includes(column);
  if (current?.column !== column) return { column, descending: first };
  return current.descending === first ? { column, descending: !first } : undefined;
}
