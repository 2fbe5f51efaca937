import { el, setClass, setText } from "../dom.ts";
import { type IconName, icon } from "../ui/icons.ts";

/** A small table: of a chart's side, or the chart as a table. */
export interface TableData {
  readonly head: readonly string[];
  readonly rows: readonly TableRow[];
  /** Columns of text; the others are numbers and stand at the right. Default: the first. */
  readonly text?: readonly number[];
}

export interface TableRow {
  readonly cells: readonly string[];
  readonly bold?: boolean;
  /** Before the first cell: a swatch or a mark, by class. */
  readonly mark?: string;
  /** Classes by cell: `ok`, `muted`. */
  readonly classes?: readonly (string | undefined)[];
  /** A picture in place of a cell's text, which is then what the picture says. */
  readonly icons?: readonly (IconName | undefined)[];
  /** Clicking the row, or Enter on it. */
  readonly id?: string;
}

/** Brings a table up to date in place: a drag changes its figures with every frame, its rows almost never. */
export function patchTable(table: HTMLTableElement, data: TableData): void {
  const head = table.tHead ?? table.createTHead();
  const body = table.tBodies[0] ?? table.createTBody();
  const text = data.text ?? [0];
  patchRow(head.rows[0] ?? head.insertRow(), "th", { cells: data.head }, text);
  while (body.rows.length > data.rows.length) body.deleteRow(-1);
  for (const [i, row] of data.rows.entries()) patchRow(body.rows[i] ?? body.insertRow(), "td", row, text);
}

function patchRow(row: HTMLTableRowElement, tag: "td" | "th", data: TableRow, text: readonly number[]): void {
  while (row.cells.length > data.cells.length) row.deleteCell(-1);
  while (row.cells.length < data.cells.length) row.append(el(tag));
  setClass(row, "bold", data.bold === true);
  if (row.dataset.id !== data.id) {
    if (data.id === undefined) delete row.dataset.id;
    else row.dataset.id = data.id;
  }
  setClass(row, "choosable", data.id !== undefined);
  for (const [i, value] of data.cells.entries()) {
    const cell = row.cells[i] as HTMLTableCellElement;
    const mark = i === 0 ? data.mark : undefined;
    const wanted = [text.includes(i) ? "" : "right", data.classes?.[i] ?? ""].filter(Boolean).join(" ");
    if (cell.className !== wanted) cell.className = wanted;
    const picture = data.icons?.[i];
    if (mark !== undefined) patchMarked(cell, mark, value);
    else if (picture !== undefined) patchIcon(cell, picture, value);
    else {
      if (cell.dataset.mark !== undefined) {
        delete cell.dataset.mark;
        cell.textContent = "";
      }
      setText(cell, value);
    }
  }
}

function patchIcon(cell: HTMLElement, name: IconName, label: string): void {
  const key = `${name} ${label}`;
  if (cell.dataset.mark === key) return;
  cell.dataset.mark = key;
  cell.replaceChildren(icon(name, "", label));
}

function patchMarked(cell: HTMLElement, mark: string, value: string): void {
  if (cell.dataset.mark !== mark) {
    cell.dataset.mark = mark;
    cell.replaceChildren(el("span", { class: `mark ${mark}`, attributes: { "aria-hidden": "true" } }), el("span"));
  }
  setText(cell.lastElementChild as HTMLElement, value);
}
