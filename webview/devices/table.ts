import { readTokens, type Tokens } from "../charts/tokens.ts";
import { el, setAttribute, setChildren, setClass, setStyle, setText, setTitle } from "../dom.ts";
import { factLines, hideHover, hoverAt } from "../ui/hover.ts";
import { drawIcon, icon } from "../ui/icons.ts";
import { type ColumnId, columnsAt, isSortable, nextSort, sorted, tracksOf } from "./columns.ts";
import { budgetColumns, columnScale, lossUnit, rowsAreModels, rowsOf, type ShownRow } from "./figures.ts";
import { rowFacts } from "./rowFacts.ts";
import { type RowStyle, RowView } from "./rowView.ts";
import type { Context, Part, State } from "./state.ts";

interface Head {
  readonly element: HTMLElement;
  readonly arrow: SVGSVGElement;
  readonly name: HTMLElement;
  readonly unit: HTMLElement;
}

const names: Readonly<Record<ColumnId, string>> = {
  device: "Device",
  verdict: "Verdict",
  bits: "Bits along the network",
  average: "Average",
  weightMemory: "Weight memory",
  activationMemory: "Activation memory",
  latency: "Latency",
  energy: "Energy",
  loss: "Loss",
};

/** The table of all rows: one stop of Tab, sorted by its headers. */
export class DevicesTable implements Part {
  readonly head = el("div", { class: "d-head", role: "row", attributes: { "aria-rowindex": "1" } });
  readonly #body = el("div", { role: "rowgroup" });
  readonly element = el(
    "div",
    { class: "d-grid", role: "grid", label: "Devices side by side" },
    el("div", { role: "rowgroup" }, this.head),
    this.#body,
  );
  readonly #heads = new Map<ColumnId, Head>();
  readonly #views = new Map<string, RowView>();
  #order: readonly ShownRow[] = [];
  #tokens: Tokens | undefined;
  #theme = -1;

  constructor(private readonly context: Context) {
    // A hover says what the width has no room for.
    this.#body.addEventListener("pointerover", (event) => {
      const view = this.viewOf(event.target);
      if (view) this.#hover(view, event.target as Element);
    });
    this.#body.addEventListener("pointerleave", () => hideHover());
  }

  /** Rows as they are shown. */
  get order(): readonly ShownRow[] {
    return this.#order;
  }

  get columns(): readonly ColumnId[] {
    return columnsAt(this.context.store.state.width, this.#order);
  }

  /** The row that an element lies in. */
  viewOf(target: EventTarget | null): RowView | undefined {
    const row = target instanceof Element ? target.closest<HTMLElement>(".d-row") : null;
    return row?.dataset.key === undefined ? undefined : this.#views.get(row.dataset.key);
  }

  /** Puts the keyboard where the state says that it is. */
  focus(): void {
    const { inHeader, view } = this.context.store.state;
    const column = this.#column(view.column);
    const cell = inHeader ? this.#heads.get(column)?.element : this.#active(view.active)?.cell(column);
    cell?.focus({ preventScroll: true });
    cell?.scrollIntoView({ block: "nearest" });
  }

  sortBy(column: ColumnId): void {
    const { store } = this.context;
    store.setView({ sort: nextSort(store.state.view.sort, column), column });
  }

  update(state: State): void {
    const { snapshot, view, width, theme, inHeader } = state;
    if (!snapshot) return;
    if (theme !== this.#theme || !this.#tokens) this.#tokens = readTokens();
    this.#theme = theme;
    const all = rowsOf(snapshot);
    this.#order = sorted(all, view.sort);
    const columns = columnsAt(width, all);
    setStyle(this.element, "--d-tracks", tracksOf(columns));
    const style: RowStyle = {
      columns,
      scales: Object.fromEntries(budgetColumns.map((id) => [id, columnScale(all, id)])),
      tokens: this.#tokens,
      theme,
      models: rowsAreModels(snapshot),
      both: snapshot.models.length > 1 && snapshot.devices.length > 1,
    };
    this.#updateHead(state, columns, style, all);
    const views = this.#order.map((row) => this.#view(row.key));
    setChildren(
      this.#body,
      views.map(({ element }) => element),
    );
    const active = this.#active(view.active);
    const stop = this.#column(view.column);
    for (const [at, row] of this.#order.entries()) {
      const own = views[at] as RowView;
      own.update(row, style);
      setAttribute(own.element, "aria-rowindex", String(at + 2));
      setAttribute(own.element, "aria-selected", String(row.key === view.active));
      for (const id of columns) own.cell(id).tabIndex = !inHeader && own === active && id === stop ? 0 : -1;
    }
    setAttribute(this.element, "aria-rowcount", String(this.#order.length + 1));
    setAttribute(this.element, "aria-colcount", String(columns.length));
    for (const key of this.#views.keys()) if (!all.some((row) => row.key === key)) this.#views.delete(key);
  }

  #updateHead(state: State, columns: readonly ColumnId[], style: RowStyle, all: readonly ShownRow[]): void {
    const { view, snapshot, inHeader } = state;
    const layers = snapshot?.models.length === 1 ? (snapshot.models[0]?.layers ?? 0) : 0;
    const loss = lossUnit(all);
    setChildren(
      this.head,
      columns.map((id) => this.#head(id).element),
    );
    for (const [at, id] of columns.entries()) {
      const head = this.#head(id);
      const isSorted = view.sort?.column === id;
      setText(head.name, id === "loss" ? loss.name : id === "device" && style.models ? "Model" : names[id]);
      setText(head.unit, this.#unit(id, style, layers, loss.unit) || " ");
      setClass(head.element, "sorted", isSorted);
      setAttribute(head.element, "aria-colindex", String(at + 1));
      if (isSortable(id)) {
        setAttribute(
          head.element,
          "aria-sort",
          isSorted ? (view.sort?.descending ? "descending" : "ascending") : "none",
        );
      }
      head.arrow.toggleAttribute("hidden", !isSorted);
      drawIcon(head.arrow, view.sort?.descending ? "sortDown" : "sortUp");
      head.element.tabIndex = inHeader && id === this.#column(view.column) ? 0 : -1;
    }
  }

  #unit(id: ColumnId, style: RowStyle, layers: number, lossUnitText: string): string {
    switch (id) {
      case "device":
        return style.models ? "layers" : "weight bits";
      case "bits":
        return layers > 0 ? `${layers} layers` : "";
      case "average":
        return "bits";
      case "loss":
        return lossUnitText;
      case "verdict":
        return "";
      default:
        return style.scales[id]?.scale.label ?? "";
    }
  }

  /** Where the keyboard would go: the active row, else the first. */
  #active(key: string | undefined): RowView | undefined {
    const row = this.#order.find((each) => each.key === key) ?? this.#order[0];
    return row && this.#view(row.key);
  }

  /** A column that this width has. */
  #column(wanted: ColumnId): ColumnId {
    return this.columns.includes(wanted) ? wanted : "device";
  }

  #view(key: string): RowView {
    const known = this.#views.get(key);
    if (known) return known;
    const view = new RowView(key);
    this.#views.set(key, view);
    return view;
  }

  #head(id: ColumnId): Head {
    const known = this.#heads.get(id);
    if (known) return known;
    const arrow = icon("sortUp", "sort-arrow");
    const name = el("span", { class: "ellipsis" });
    const unit = el("small", { class: "muted" });
    const right = id === "average" || id === "loss";
    const element = el(
      "div",
      {
        class: `d-head-cell${right ? " right" : ""}${isSortable(id) ? " sortable" : ""}`,
        role: "columnheader",
        tabIndex: -1,
        data: { column: id },
      },
      el("span", { class: "d-head-line" }, ...(right ? [arrow, name] : [name, arrow])),
      unit,
    );
    setTitle(element, names[id]);
    element.addEventListener("click", () => this.sortBy(id));
    const head = { element, arrow, name, unit };
    this.#heads.set(id, head);
    return head;
  }

  #hover(view: RowView, target: Element): void {
    const cell = target.closest<HTMLElement>(".d-cell");
    const { shown } = view;
    if (!cell || !shown || target.closest(".d-more")) return;
    hoverAt(cell, cell, () => [factLines(rowFacts(shown))]);
  }
}
