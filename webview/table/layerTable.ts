import type { Context, Part } from "../context.ts";
import { el, setAttribute, setChildren, setShown, setStyle, setText } from "../dom.ts";
import { foldOf } from "../fold.ts";
import type { ColumnId } from "../model/columnIds.ts";
import { type Figures, figuresOf } from "../model/figures.ts";
import { orderOf } from "../model/order.ts";
import { visibleColumns } from "../model/visibleColumns.ts";
import type { State } from "../state.ts";
import { linkButton } from "../ui/plain.ts";
import { type ColumnWidths, measureColumns, tracksOf, widthsKey } from "./columnWidths.ts";
import { NameCutter, TextMeasure } from "./measure.ts";
import { RowPool } from "./rowPool.ts";
import { rowHeight } from "./rowView.ts";
import { TableHeader } from "./tableHeader.ts";
import { TotalsRow } from "./totalsRow.ts";

/** Rows of the skeleton: what fits the smallest table. */
const skeletonRows = 12;

/** A scroll position is kept when scrolling has come to rest. */
const scrollRestMs = 100;

/** The layer table: header, rows, totals. What the pointer and the keys do is in tablePointer.ts and tableKeys.ts. */
export class LayerTable implements Part {
  readonly header = new TableHeader();
  readonly #totals = new TotalsRow();
  readonly #canvas = el("div", { class: "canvas", role: "presentation" });
  readonly #pool = new RowPool(this.#canvas);
  readonly #skeleton = el("div", { class: "skeleton-rows", attributes: { "aria-hidden": "true" } });
  readonly #emptyText = el("span");
  readonly #clear: HTMLElement;
  readonly #empty: HTMLElement;
  readonly scroller = el("div", { class: "rows", role: "rowgroup", tabIndex: -1 }, this.#canvas);
  readonly grid = el(
    "div",
    { class: "grid", role: "grid", label: "Layers", attributes: { "aria-multiselectable": "true" } },
    this.header.element,
    this.scroller,
    this.#totals.element,
  );
  readonly element: HTMLElement;
  readonly #text = new TextMeasure();
  readonly #cutter = new NameCutter(this.#text);
  // As last measured: reading them anew would make the page lay itself out in the middle of a drawing.
  #width = 0;
  #height = 0;
  #top = 0;
  #widths: ColumnWidths | undefined;
  #widthsKey = "";
  #scrollTimer: number | undefined;
  #restored = false;
  figures: Figures | undefined;
  /** Columns and rows as drawn. */
  shown: readonly ColumnId[] = [];
  order: readonly number[] = [];
  /** The header has the keyboard. */
  headerActive = false;
  /** The row under the pointer. */
  hovered: string | undefined;

  constructor(readonly context: Context) {
    this.#clear = linkButton("Clear Filter", () => context.store.setView({ filter: "" }));
    this.#empty = el("div", { class: "empty-table muted" }, this.#emptyText, this.#clear);
    this.element = el("section", { class: "table" }, this.grid, this.#empty, this.#skeleton);
    this.#skeleton.append(...Array.from({ length: skeletonRows }, skeletonRow));
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => {
      this.#measure();
      context.store.set({});
    }).observe(this.scroller);
  }

  /** Does beforehand what needs no snapshot. */
  warm(): void {
    this.#text.warm();
    this.#measure();
  }

  /** Rows that a page key moves by. */
  get pageRows(): number {
    return Math.max(1, Math.floor(this.#height / rowHeight) - 1);
  }

  nameAt(place: number): string | undefined {
    return this.figures?.rows[this.order[place] ?? -1]?.name;
  }

  /** Place of a layer among the rows shown; -1 if it is filtered out. */
  placeOf(name: string | undefined): number {
    const index = name === undefined ? undefined : this.figures?.indexOf.get(name);
    return index === undefined ? -1 : this.order.indexOf(index);
  }

  /** Names of the rows in the order shown. */
  names(): string[] {
    return this.order.map((i) => this.figures?.rows[i]?.name ?? "");
  }

  /** The active column, as long as it is there. */
  get activeColumn(): ColumnId {
    const { activeColumn } = this.context.store.state.view;
    return this.shown.includes(activeColumn) ? activeColumn : "name";
  }

  /** Brings a layer into sight, scrolling as little as needed. */
  reveal(name: string): void {
    const place = this.placeOf(name);
    if (place < 0) return;
    const top = place * rowHeight;
    if (top < this.#top) this.#scrollTo(top);
    else if (top + rowHeight > this.#top + this.#height) this.#scrollTo(top + rowHeight - this.#height);
    this.drawRows();
  }

  #scrollTo(top: number): void {
    this.scroller.scrollTop = top;
    this.#top = this.scroller.scrollTop;
  }

  /** Gives the keyboard to the active cell. */
  focusActive(): void {
    const { activeRow } = this.context.store.state.view;
    if (this.headerActive) {
      this.header.head(this.activeColumn)?.focus({ preventScroll: true });
      return;
    }
    const index = activeRow === undefined ? undefined : this.figures?.indexOf.get(activeRow);
    if (index !== undefined) this.#pool.row(index)?.focusable(this.activeColumn)?.focus({ preventScroll: true });
  }

  update(state: State): void {
    const { snapshot, view } = state;
    const waits = snapshot === undefined || (snapshot.layers.length === 0 && snapshot.work?.kind === "open");
    setShown(this.#skeleton, waits);
    setShown(this.#empty, false);
    if (waits) return;
    const f = figuresOf(snapshot);
    const hadFocus = this.grid.contains(document.activeElement);
    if (this.#width === 0) this.#measure();
    this.figures = f;
    this.order = orderOf(f, view.sort, view.filter);
    this.#layout(f, state);
    const fold = foldOf(this.#width);
    const active = this.headerActive ? this.activeColumn : undefined;
    this.header.update({ f, shown: this.shown, sort: view.sort, fold, active });
    this.#totals.update(f, this.shown, this.order, view.filter.trim() !== "", fold === "narrow");
    setAttribute(this.grid, "aria-rowcount", String(this.order.length + 2));
    setAttribute(this.grid, "aria-colcount", String(this.shown.length));
    setStyle(this.#canvas, "height", `${this.order.length * rowHeight}px`);
    this.#drawEmpty(f, view.filter);
    if (!this.#restored) {
      this.#restored = true;
      if (view.scrollTop > 0) this.#scrollTo(view.scrollTop);
    }
    this.drawRows();
    if (hadFocus && !this.grid.contains(document.activeElement)) this.focusActive();
  }

  /** Draws the rows that are in sight now. */
  drawRows(): void {
    const f = this.figures;
    if (f === undefined) return;
    const { view } = this.context.store.state;
    this.#pool.draw({
      f,
      order: this.order,
      shown: this.shown,
      view,
      top: this.#top,
      height: this.#height,
      activePlace: this.headerActive ? -1 : Math.max(0, this.placeOf(view.activeRow)),
      activeColumn: this.activeColumn,
      hovered: this.hovered,
      cut: this.#cutter.cut,
    });
  }

  #measure(): void {
    this.#width = this.scroller.clientWidth;
    this.#height = this.scroller.clientHeight;
    setStyle(this.grid, "--gutter", `${this.scroller.offsetWidth - this.#width}px`);
  }

  /** Which columns, how wide. Measured anew only when something changed that widths depend on. */
  #layout(f: Figures, { view, theme }: State): void {
    const fold = foldOf(this.#width);
    const key = widthsKey(f, fold, theme);
    if (this.#widths === undefined || key !== this.#widthsKey) {
      this.#text.refresh();
      this.#cutter.forget();
      this.#widths = measureColumns(f, fold, this.#text);
      this.#widthsKey = key;
    }
    const { content } = this.#widths;
    const shown = visibleColumns(f, view.columns, fold, this.#width, (id) => content[id]);
    if (shown.join() !== this.shown.join()) {
      this.shown = shown;
      this.#pool.clear();
    }
    const tracks = tracksOf(this.shown, this.#widths, this.#width);
    setStyle(this.grid, "--tracks", tracks.template);
    if (this.grid.dataset.fold !== fold) this.grid.dataset.fold = fold;
    this.#cutter.fit(tracks.name, fold === "narrow", this.shown[0] === "name");
  }

  #drawEmpty(f: Figures, filter: string): void {
    setShown(this.#empty, this.order.length === 0);
    setShown(this.#clear, f.rows.length > 0);
    const nothing = "This model has no layers with constant weights.";
    setText(this.#emptyText, f.rows.length > 0 ? `No layer matches "${filter.trim()}". ` : nothing);
  }

  #scrolled(): void {
    this.#top = this.scroller.scrollTop;
    this.drawRows();
    window.clearTimeout(this.#scrollTimer);
    this.#scrollTimer = window.setTimeout(() => {
      const scrollTop = this.#top;
      if (scrollTop !== this.context.store.state.view.scrollTop) this.context.store.setView({ scrollTop });
    }, scrollRestMs);
  }
}

function skeletonRow(): HTMLElement {
  const line = el("div", { class: "skeleton-row" });
  setChildren(
    line,
    Array.from({ length: 3 }, () => el("span", { class: "skeleton" })),
  );
  return line;
}
