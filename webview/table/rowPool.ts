import type { ColumnId } from "../model/columnIds.ts";
import type { Figures } from "../model/figures.ts";
import type { View } from "../state.ts";
import { RowView, rowHeight } from "./rowView.ts";

/** Rows drawn beyond what is in sight, so that a turn of the wheel shows no gap. */
const overscan = 4;

/** What the rows in sight are drawn from. */
export interface RowsState {
  readonly f: Figures;
  readonly order: readonly number[];
  readonly shown: readonly ColumnId[];
  readonly view: View;
  /** Pixels from the top of all rows, and of the part in sight. */
  readonly top: number;
  readonly height: number;
  /** Place of the row that Tab leads to, and its column; -1 when the header has the keyboard. */
  readonly activePlace: number;
  readonly activeColumn: ColumnId;
  readonly hovered: string | undefined;
  readonly cut: (name: string) => string;
}

/**
 * The rows that exist: those in sight and the active one, which has the keyboard wherever it is. A row keeps its element while its layer
 * stays among them, so that sorting moves elements and redraws only what differs.
 */
export class RowPool {
  readonly #used = new Map<number, RowView>();
  readonly #spare: RowView[] = [];

  constructor(private readonly canvas: HTMLElement) {}

  /** The row of a layer, by its position in the network. */
  row(index: number): RowView | undefined {
    return this.#used.get(index);
  }

  /** Other columns: the rows are made anew. */
  clear(): void {
    for (const row of [...this.#used.values(), ...this.#spare]) row.element.remove();
    this.#used.clear();
    this.#spare.length = 0;
  }

  draw(state: RowsState): void {
    const { f, order, view, activePlace } = state;
    const first = Math.max(0, Math.floor(state.top / rowHeight) - overscan);
    const last = Math.min(order.length, Math.ceil((state.top + state.height) / rowHeight) + overscan);
    const places = new Map<number, number>();
    for (let place = first; place < last; place++) places.set(order[place] as number, place);
    if (activePlace >= 0 && activePlace < order.length) places.set(order[activePlace] as number, activePlace);
    for (const [index, row] of this.#used) {
      if (places.has(index)) continue;
      this.#used.delete(index);
      this.#spare.push(row);
    }
    const selected = new Set(view.selection);
    for (const [index, place] of places) {
      const name = f.rows[index]?.name ?? "";
      const isSelected = selected.has(name);
      this.#take(index, state.shown).update(state, {
        index,
        place,
        selected: isSelected,
        active: place === activePlace ? state.activeColumn : undefined,
        editing: isSelected || state.hovered === name,
      });
    }
    for (const row of this.#spare) row.element.remove();
  }

  #take(index: number, shown: readonly ColumnId[]): RowView {
    let row = this.#used.get(index);
    if (row === undefined) {
      row = this.#spare.pop() ?? new RowView(shown);
      this.#used.set(index, row);
      this.canvas.append(row.element);
    }
    return row;
  }
}
