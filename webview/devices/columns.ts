import { budgetColumns, budgetOf, lossOf, type ShownRow, verdictText } from "./figures.ts";

export const columnIds = ["device", "verdict", "bits", "average", ...budgetColumns, "loss"] as const;
export type ColumnId = (typeof columnIds)[number];

export interface Sort {
  readonly column: ColumnId;
  readonly descending: boolean;
}

/**
 * The least width of each column in pixels, for the widest of the usual fonts, and its part of what is left over. Bits take what their
 * bars take.
 */
const widths: Readonly<Record<ColumnId, readonly [least: number, part: number]>> = {
  device: [130, 1.2],
  verdict: [196, 1.6],
  bits: [162, 0],
  average: [66, 0],
  weightMemory: [100, 1],
  activationMemory: [128, 1],
  latency: [92, 1],
  energy: [92, 1],
  loss: [84, 0.7],
};

/** Left out one after the other where there is no room for all; what they say is in the row's hover. The others are always there. */
const optional: readonly ColumnId[] = ["energy", "activationMemory", "average", "bits", "latency", "weightMemory"];

/**
 * Columns that a width has room for, in their order.
 * @param width of the table, pixels
 * @param rows a column in which none of them has a figure goes first, and always once all of them are known
 */
export function columnsAt(width: number, rows: readonly ShownRow[]): readonly ColumnId[] {
  const empty = budgetColumns.filter((id) => rows.every((row) => budgetOf(row, id)?.use === undefined));
  const known = rows.length > 0 && rows.every(({ row }) => row.figures !== undefined);
  let columns: readonly ColumnId[] = known ? columnIds.filter((id) => !empty.some((each) => each === id)) : columnIds;
  for (const id of [...empty, ...optional]) {
    if (columns.reduce((sum, each) => sum + widths[each][0], 0) <= width) break;
    columns = columns.filter((each) => each !== id);
  }
  return columns;
}

/** The columns' tracks, for `grid-template-columns`. Where there is no room for more than the last three, their texts wrap. */
export function tracksOf(columns: readonly ColumnId[]): string {
  if (columns.length <= 3) return "minmax(0, 1fr) minmax(0, 1.15fr) 84px";
  return columns
    .map((id) => {
      const [least, part] = widths[id];
      return part === 0 ? `${least}px` : `minmax(${least}px, ${part}fr)`;
    })
    .join(" ");
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
