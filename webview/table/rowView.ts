import type { LayerRow } from "../../src/protocol/editor.ts";
import { el, setAttribute, setClass, setShown, setStyle, setText } from "../dom.ts";
import type { ColumnId } from "../model/columnIds.ts";
import { columnOf, lossText } from "../model/columns.ts";
import { type Figures, isFloat, sensitivities, shareOf, weightKl } from "../model/figures.ts";
import { showsLock } from "../model/visibleColumns.ts";
import { floatText } from "../model/words.ts";
import { icon } from "../ui/icons.ts";
import { BitCell } from "./bitCell.ts";
import { HeatStrip } from "./heatStrip.ts";

/** What rows share in one drawing. */
export interface RowContext {
  readonly f: Figures;
  readonly shown: readonly ColumnId[];
  /** Cuts a layer's name to its column. */
  readonly cut: (name: string) => string;
}

/** State of one row. */
export interface RowState {
  readonly index: number;
  /** Place among the rows shown. */
  readonly place: number;
  readonly selected: boolean;
  /** Has the keyboard, in this column. */
  readonly active: ColumnId | undefined;
  readonly editing: boolean;
}

/** Cells that a reason to stay in float stands across. */
const floatSpan: readonly ColumnId[] = ["sensitivity", "weightBits", "activationBits"];

/** One row of the table. Rows keep their element while their layer is in sight, wherever sorting puts them. */
export class RowView {
  readonly element = el("div", { class: "row", role: "row" });
  readonly cells = new Map<ColumnId, HTMLElement>();
  #heat: HeatStrip | undefined;
  #kl: HeatStrip | undefined;
  #bits: BitCell | undefined;
  #loss: HTMLElement | undefined;
  #lock: HTMLElement | undefined;
  #share: { readonly bar: HTMLElement; readonly text: HTMLElement } | undefined;
  readonly #float = el("span", { class: "ellipsis" });
  readonly #floatCell = el(
    "div",
    { class: "cell-float muted", role: "gridcell", tabIndex: -1 },
    icon("info"),
    this.#float,
  );

  constructor(readonly shown: readonly ColumnId[]) {
    for (const [at, id] of shown.entries()) {
      const cell = this.#cell(id);
      cell.setAttribute("aria-colindex", String(at + 1));
      this.cells.set(id, cell);
      this.element.append(cell);
    }
    const spanned = shown.filter((id) => floatSpan.includes(id));
    const first = shown.indexOf(spanned[0] as ColumnId);
    if (first < 0) return;
    this.#floatCell.style.gridColumn = `${first + 1} / span ${spanned.length}`;
    setAttribute(this.#floatCell, "aria-colindex", String(first + 1));
    setAttribute(this.#floatCell, "aria-colspan", String(spanned.length));
    this.element.insertBefore(this.#floatCell, this.cells.get(spanned[0] as ColumnId) ?? null);
  }

  #cell(id: ColumnId): HTMLElement {
    const { align, muted } = columnOf(id);
    const role = id === "name" ? "rowheader" : "gridcell";
    const cell = el("div", {
      class: `cell-${id} ${align}${muted ? " muted" : ""}`,
      role,
      tabIndex: -1,
      data: { column: id },
    });
    switch (id) {
      case "weightKl":
        this.#kl = new HeatStrip();
        cell.append(this.#kl.element);
        break;
      case "sensitivity":
        this.#heat = new HeatStrip();
        this.#loss = el("span", { class: "muted loss" });
        this.#lock = el("span", { class: "muted lock" }, icon("lock"), " needs trust");
        cell.append(this.#heat.element, this.#loss, this.#lock);
        break;
      case "weightBits":
        this.#bits = new BitCell(cell);
        break;
      case "share":
        this.#share = { bar: el("i", { class: "share-bar" }), text: el("span", { class: "right" }) };
        cell.append(this.#share.bar, this.#share.text);
        break;
      default:
    }
    return cell;
  }

  /** What takes the keyboard when a column is the active one. */
  focusable(column: ColumnId): HTMLElement | undefined {
    if (!this.#floatCell.hidden && floatSpan.includes(column)) return this.#floatCell;
    if (column === "weightBits" && this.#bits?.focusable) return this.#bits.focusable;
    return this.cells.get(column);
  }

  update(context: RowContext, state: RowState): void {
    const { f, shown } = context;
    const row = f.rows[state.index];
    if (row === undefined) return;
    const { element } = this;
    const { work } = f.snapshot;
    setAttribute(element, "aria-rowindex", String(state.place + 2));
    setAttribute(element, "aria-selected", String(state.selected));
    setStyle(element, "transform", `translateY(${state.place * rowHeight}px)`);
    setClass(element, "selected", state.selected);
    setClass(element, "active", state.active !== undefined);
    setClass(element, "outdated", row.outdated === true);
    element.dataset.layer = row.name;
    const reason = floatText(f, state.index);
    const spanned = reason !== undefined;
    setShown(this.#floatCell, spanned);
    if (reason !== undefined) setText(this.#float, reason);
    for (const id of shown) {
      const cell = this.cells.get(id);
      if (cell === undefined) continue;
      if (floatSpan.includes(id)) setShown(cell, !spanned);
      this.#paint(id, cell, context, row, state, work !== undefined);
    }
    this.#focus(state.active);
  }

  /** One element of the table can be reached by Tab: that of the active cell. */
  #focus(active: ColumnId | undefined): void {
    const wanted = active === undefined ? undefined : this.focusable(active);
    for (const element of [...this.cells.values(), this.#floatCell, this.#bits?.focusable]) {
      if (element !== undefined) element.tabIndex = element === wanted ? 0 : -1;
    }
  }

  #paint(
    id: ColumnId,
    cell: HTMLElement,
    { f, cut }: RowContext,
    row: LayerRow,
    state: RowState,
    working: boolean,
  ): void {
    switch (id) {
      case "name":
        setText(cell, cut(row.name));
        setAttribute(cell, "aria-label", row.name);
        break;
      case "weightKl":
        this.#kl?.update({
          bits: f.snapshot.bits,
          values: weightKl(row),
          assigned: undefined,
          allowed: [],
          pending: working,
        });
        break;
      case "sensitivity":
        this.#paintSensitivity(f, row, state.index);
        break;
      case "weightBits":
        this.#bits?.update(row, state.editing, working, f.snapshot.profile?.name ?? "this device");
        break;
      case "share":
        this.#paintShare(f, state.index, working && row.weightBits === undefined && !isFloat(row));
        break;
      default: {
        const waits = working && columnOf(id).value(f, state.index) === undefined && !isFloat(row);
        setClass(cell, "waits", waits);
        setText(cell, waits ? "" : columnOf(id).text(f, state.index));
      }
    }
  }

  #paintSensitivity(f: Figures, row: LayerRow, index: number): void {
    const locked = showsLock(f);
    if (this.#lock) setShown(this.#lock, locked);
    if (this.#loss) {
      setShown(this.#loss, !locked);
      setText(this.#loss, lossText(f, index));
      setClass(this.#loss, "small", f.source === "weights" && row.weightBits === undefined);
    }
    if (this.#heat === undefined) return;
    setShown(this.#heat.element, !locked);
    this.#heat.update({
      bits: f.snapshot.bits,
      values: sensitivities(f, row),
      assigned: row.weightBits ?? undefined,
      allowed: f.snapshot.profile === undefined ? [] : row.allowedBits,
      pending: f.source !== "weights" && f.snapshot.work !== undefined,
    });
  }

  #paintShare(f: Figures, index: number, waits: boolean): void {
    if (this.#share === undefined) return;
    const share = shareOf(f, index);
    const { bar, text } = this.#share;
    const full = f.largestLoss > 0 ? f.totalLoss / f.largestLoss : 0;
    bar.style.visibility = share === undefined ? "hidden" : "visible";
    setStyle(bar, "--share", `${share === undefined ? 0 : (share * full * 100).toFixed(1)}%`);
    setClass(text, "waits", waits);
    setText(text, waits ? "" : columnOf("share").text(f, index));
    setClass(text, "muted", share === undefined);
  }
}

/** Height of a row, pixels; as in styles/table.css. */
export const rowHeight = 22;
