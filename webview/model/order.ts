import type { Sort } from "../state.ts";
import { networkOrder } from "../state.ts";
import { columnOf } from "./columns.ts";
import type { Figures } from "./figures.ts";
import { parseFilter } from "./filter.ts";
import { memoLast } from "./memo.ts";

/**
 * Rows to show, in order, as positions in the network. Rows without a value are always last, whichever way the column is sorted;
 * equal ones keep the order of the network.
 */
export const orderOf: (f: Figures, sort: Sort, filter: string) => readonly number[] = memoLast(
  (f: Figures, sort: Sort, filter: string) => {
    const test = parseFilter(filter);
    const shown: number[] = [];
    for (let i = 0; i < f.rows.length; i++) if (test === undefined || test(f, i)) shown.push(i);
    if (sort.column === "index") return sort.descending ? shown.reverse() : shown;
    return sorted(f, shown, sort);
  },
);

function sorted(f: Figures, shown: number[], sort: Sort): readonly number[] {
  const { value } = columnOf(sort.column);
  // Keys once per row: the comparison below runs n log n times.
  const keys: (number | string | undefined)[] = new Array(f.rows.length);
  for (const i of shown) keys[i] = value(f, i);
  const sign = sort.descending ? -1 : 1;
  return shown.sort((a, b) => {
    const [x, y] = [keys[a], keys[b]];
    if (x === undefined || y === undefined) return x === y ? a - b : x === undefined ? 1 : -1;
    if (typeof x === "number" && typeof y === "number") return sign * (x - y) || a - b;
    return sign * collator.compare(String(x), String(y)) || a - b;
  });
}

/** Numbers inside names count as numbers: layer2 is before layer10. */
const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/**
 * What a click on a header does: first descending for numbers and ascending for names, then the other way, then network order.
 */
export function nextSort(current: Sort, clicked: Sort["column"]): Sort {
  if (clicked === "index") return { column: "index", descending: current.column === "index" && !current.descending };
  const first = columnOf(clicked).kind === "number";
  if (current.column !== clicked) return { column: clicked, descending: first };
  return current.descending === first ? { column: clicked, descending: !first } : networkOrder;
}
