import { el, setAttribute, setChildren, setClass, setShown, setText, setTitle } from "../dom.ts";
import type { Fold } from "../fold.ts";
import type { ColumnId } from "../model/columnIds.ts";
import { type Column, columnOf } from "../model/columns.ts";
import type { Figures } from "../model/figures.ts";
import type { Sort } from "../state.ts";
import { drawIcon, icon } from "../ui/icons.ts";

/** One header cell. */
interface Head {
  readonly element: HTMLElement;
  readonly arrow: SVGSVGElement;
  readonly name: HTMLElement;
  readonly remark: HTMLElement;
  readonly unit: HTMLElement;
}

export interface HeaderState {
  readonly f: Figures;
  readonly shown: readonly ColumnId[];
  readonly sort: Sort;
  readonly fold: Fold;
  /** The column with the keyboard, when the header has it. */
  readonly active: ColumnId | undefined;
}

/** The table's header: names and units, which sort on a click. */
export class TableHeader {
  readonly row = el("div", { class: "head-row", role: "row", attributes: { "aria-rowindex": "1" } });
  readonly element = el("div", { class: "head", role: "rowgroup" }, this.row);
  readonly #heads = new Map<ColumnId, Head>();

  head(id: ColumnId): HTMLElement | undefined {
    return this.#heads.get(id)?.element;
  }

  update({ f, shown, sort, fold, active }: HeaderState): void {
    setChildren(
      this.row,
      shown.map((id) => this.#headOf(columnOf(id)).element),
    );
    for (const [at, id] of shown.entries()) {
      const column = columnOf(id);
      const head = this.#headOf(column);
      const sorted = sort.column === id;
      const narrow = fold === "narrow";
      setText(head.name, (narrow && column.narrowName) || column.name);
      setClass(head.element, "sorted", sorted);
      // In narrow pages the last column is all number.
      setClass(head.element, "right", column.align === "right" || (narrow && id === "share"));
      setAttribute(head.element, "aria-sort", sorted ? (sort.descending ? "descending" : "ascending") : "none");
      setAttribute(head.element, "aria-colindex", String(at + 1));
      head.element.tabIndex = active === id ? 0 : -1;
      head.arrow.toggleAttribute("hidden", !sorted);
      drawIcon(head.arrow, sort.descending ? "sortDown" : "sortUp");
      setTitle(head.element, column.longName ?? "");
      this.#unit(head, column, f, narrow);
    }
  }

  #unit(head: Head, column: Column, f: Figures, narrow: boolean): void {
    const isStrip = column.id === "sensitivity" || column.id === "weightKl";
    setShown(head.remark, column.id === "sensitivity" && f.snapshot.synthetic && f.source === "measured");
    if (!isStrip) {
      setText(head.unit, narrow && column.id === "share" ? "share" : (column.unit?.(f) ?? "") || " ");
      return;
    }
    const { bits, profile } = f.snapshot;
    const key = `${bits.join()} ${profile?.weightBits.join()}`;
    if (head.unit.dataset.bits === key) return;
    head.unit.dataset.bits = key;
    head.unit.replaceChildren(
      ...bits.map((b) => {
        const missing = column.id === "sensitivity" && profile !== undefined && !profile.weightBits.includes(b);
        return el("i", {
          text: String(b),
          class: missing ? "missing" : "",
          title: missing ? `not on ${profile.name}` : "",
        });
      }),
    );
  }

  #headOf(column: Column): Head {
    let head = this.#heads.get(column.id);
    if (head === undefined) {
      const arrow = icon("sortUp", "sort-arrow");
      const name = el("span", { class: "head-name" });
      const remark = el("span", { class: "tiny muted", text: " synthetic" });
      const unit = el("span", {
        class: column.id === "sensitivity" || column.id === "weightKl" ? "head-unit strip-bits" : "head-unit",
      });
      const line = column.align === "right" ? [arrow, name] : [name, remark, arrow];
      head = {
        arrow,
        name,
        remark,
        unit,
        element: el(
          "div",
          { class: `head-cell head-${column.id}`, role: "columnheader", tabIndex: -1, data: { column: column.id } },
          el("span", { class: "head-line" }, ...line),
          unit,
        ),
      };
      this.#heads.set(column.id, head);
    }
    return head;
  }
}
