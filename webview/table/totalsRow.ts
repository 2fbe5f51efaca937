import { el, setAttribute, setChildren, setText, setTitle } from "../dom.ts";
import type { ColumnId } from "../model/columnIds.ts";
import { columnOf } from "../model/columns.ts";
import type { Figures } from "../model/figures.ts";
import { totalsOf, totalText, totalTitle } from "../model/totals.ts";

/** The sums of the rows shown; stays in sight. */
export class TotalsRow {
  readonly #row = el("div", { class: "total-row", role: "row" });
  readonly element = el("div", { class: "totals", role: "rowgroup" }, this.#row);
  readonly #cells = new Map<ColumnId, HTMLElement>();

  update(f: Figures, shown: readonly ColumnId[], order: readonly number[], filtered: boolean, narrow: boolean): void {
    const totals = totalsOf(f, order);
    const working = f.snapshot.work !== undefined;
    setAttribute(this.#row, "aria-rowindex", String(order.length + 2));
    setChildren(
      this.#row,
      shown.map((id) => this.#cell(id)),
    );
    for (const [at, id] of shown.entries()) {
      const cell = this.#cell(id);
      const text = totalText(f, totals, id, filtered, narrow);
      // Sums that are on their way are left open: a dash would say that there are none.
      setText(cell, working && text === "–" ? "" : text);
      setTitle(cell, totalTitle(totals, id));
      setAttribute(cell, "aria-colindex", String(at + 1));
    }
  }

  #cell(id: ColumnId): HTMLElement {
    let cell = this.#cells.get(id);
    if (cell === undefined) {
      const right = columnOf(id).align === "right" || id === "share";
      cell = el("div", { class: `total-cell${right ? " right" : ""}`, role: id === "name" ? "rowheader" : "gridcell" });
      this.#cells.set(id, cell);
    }
    return cell;
  }
}
