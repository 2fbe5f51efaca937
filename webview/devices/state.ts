import type { DevicesSnapshot, FromDevicesPage } from "../../src/protocol/devices.ts";
import type { Announcer } from "../ui/announce.ts";
import { type ColumnId, columnIds, isSortable, type Sort } from "./columns.ts";

/** What a person has chosen on the page; kept over a reload. */
export interface View {
  /** Undefined = as the rows were given. */
  readonly sort: Sort | undefined;
  /** Key of the row that is selected and has the keyboard. */
  readonly active: string | undefined;
  readonly column: ColumnId;
}

export const initialView: View = { sort: undefined, active: undefined, column: "device" };

export interface State {
  readonly snapshot: DevicesSnapshot | undefined;
  readonly view: View;
  /** The header has the keyboard. */
  readonly inHeader: boolean;
  /** Of the page, pixels. */
  readonly width: number;
  /** Grows when the theme changes; what is drawn on a canvas must be drawn anew. */
  readonly theme: number;
}

/** The page's only mutable state; changes are drawn together in the next frame. */
export class Store {
  #state: State;
  #scheduled = false;

  constructor(
    initial: State,
    private readonly draw: (state: State) => void,
  ) {
    this.#state = initial;
  }

  get state(): State {
    return this.#state;
  }

  set(patch: Partial<State>): void {
    this.#state = { ...this.#state, ...patch };
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => this.flush());
  }

  setView(patch: Partial<View>): void {
    this.set({ view: { ...this.#state.view, ...patch } });
  }

  flush(): void {
    this.#scheduled = false;
    this.draw(this.#state);
  }
}

/** What every part of the page is given. */
export interface Context {
  readonly store: Store;
  readonly post: (message: FromDevicesPage) => void;
  readonly announcer: Announcer;
}

/** A part of the page: made once, brought up to date with each state. */
export interface Part {
  readonly element: HTMLElement;
  update(state: State): void;
}

const version = 1;
const maxText = 8192;

/** As it is kept; what is compared goes with it, for a window that comes back. */
export function saved({ view, snapshot }: State): object {
  const sets = snapshot && {
    models: snapshot.models.map(({ uri }) => uri),
    profiles: snapshot.devices.map(({ id }) => id),
  };
  return { version, view, ...(sets && { sets }) };
}

/** Reads back what `saved` made; whatever is odd becomes the initial value. */
export function restored(value: unknown): View {
  if (!isBag(value) || value.version !== version || !isBag(value.view)) return initialView;
  const { sort, active, column } = value.view;
  const isColumn = (id: unknown): id is ColumnId => columnIds.some((each) => each === id);
  return {
    sort:
      isBag(sort) && isColumn(sort.column) && isSortable(sort.column)
        ? { column: sort.column, descending: sort.descending === true }
        : undefined,
    active: typeof active === "string" && active.length <= maxText ? active : undefined,
    column: isColumn(column) ? column : initialView.column,
  };
}

function isBag(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
