import type { Tokens } from "../charts/tokens.ts";
import { el, setAttribute, setChildren, setClass, setShown, setStyle, setText } from "../dom.ts";
import { count, none } from "../format/numbers.ts";
import { gaugeFigures } from "../model/gauge.ts";
import { icon } from "../ui/icons.ts";
import { BitsStrip } from "./bitsStrip.ts";
import type { ColumnId } from "./columns.ts";
import {
  type BudgetColumn,
  bitsText,
  budgetColumns,
  budgetOf,
  budgetTexts,
  type ColumnScale,
  type ColumnScales,
  lossTexts,
  type ShownRow,
  verdictText,
} from "./figures.ts";

/** What rows are drawn with. */
export interface RowStyle {
  readonly columns: readonly ColumnId[];
  readonly scales: ColumnScales;
  readonly tokens: Tokens;
  readonly theme: number;
  /** Rows are called after models. */
  readonly models: boolean;
  /** Both models and devices are several: the second line says which model. */
  readonly both: boolean;
}

/** One row: made once, brought up to date with what is known. */
export class RowView {
  readonly element = el("div", { class: "d-row", role: "row" });
  readonly more: HTMLButtonElement;
  shown: ShownRow | undefined;
  readonly #cells = new Map<ColumnId, HTMLElement>();
  readonly #name = el("span", { class: "bold ellipsis d-name" });
  readonly #under = el("span", { class: "muted small ellipsis" });
  readonly #verdictIcon = { fits: icon("ok", "ok"), fails: icon("error", "err"), unknown: icon("warning", "warn") };
  readonly #mark = el("span", { class: "d-mark" });
  readonly #word = el("span");
  readonly #reason = el("span", { class: "muted small ellipsis" });
  readonly #skeleton = el("span", { class: "skeleton" });
  readonly #strip = new BitsStrip();
  readonly #average = el("span");
  readonly #budgets: Readonly<Record<BudgetColumn, BudgetView>>;
  readonly #loss = el("span", { class: "bold" });
  readonly #how = el("span", { class: "muted small" });

  constructor(readonly key: string) {
    this.element.dataset.key = key;
    this.more = el("button", { class: "d-more", tabIndex: -1, attributes: { type: "button" } }, icon("more"));
    const name = el("div", { class: "d-two" }, this.#name, this.#under);
    const word = el("span", { class: "d-word" }, this.#mark, this.#word, this.#skeleton);
    this.#budgets = Object.fromEntries(budgetColumns.map((id) => [id, new BudgetView()])) as Record<
      BudgetColumn,
      BudgetView
    >;
    this.#cell("device", name, this.more);
    this.#cell("verdict", el("div", { class: "d-two" }, word, this.#reason));
    this.#cell("bits", this.#strip.element);
    this.#cell("average", this.#average);
    for (const id of budgetColumns) this.#cell(id, this.#budgets[id].element);
    this.#cell("loss", el("div", { class: "d-two" }, this.#loss, this.#how));
  }

  cell(column: ColumnId): HTMLElement {
    return this.#cells.get(column) as HTMLElement;
  }

  update(shown: ShownRow, style: RowStyle): void {
    this.shown = shown;
    setChildren(
      this.element,
      style.columns.map((id) => this.cell(id)),
    );
    for (const [at, id] of style.columns.entries()) setAttribute(this.cell(id), "aria-colindex", String(at + 1));
    this.#updateName(shown, style);
    this.#updateVerdict(shown, style.scales);
    const { figures } = shown.row;
    setShown(this.#strip.element, figures !== undefined);
    if (figures && style.columns.includes("bits")) this.#strip.update(figures.bits, style.tokens, style.theme);
    const waits = shown.row.state === "waiting";
    setText(this.#average, waits ? "" : figures && figures.averageBits > 0 ? figures.averageBits.toFixed(1) : none);
    for (const id of budgetColumns)
      this.#budgets[id].update(budgetOf(shown, id), style.scales[id], figures !== undefined);
    const { value, how } = lossTexts(shown);
    setText(this.#loss, waits ? "" : value);
    setText(this.#how, how);
    setClass(this.element, "d-waiting", waits);
  }

  #updateName({ row, model, device }: ShownRow, { models, both }: RowStyle): void {
    setText(this.#name, models ? model.name : device.name);
    const facts = models
      ? [model.layers > 0 ? count(model.layers, "layer") : ""]
      : [both ? model.name : "", bitsText(device.weightBits)];
    setText(this.#under, [...facts, row.inUse ? "in use" : ""].filter((text) => text !== "").join(", "));
    this.more.setAttribute("aria-label", `Actions for ${models ? model.name : device.name}`);
    this.more.title = "Actions";
  }

  #updateVerdict(shown: ShownRow, scales: ColumnScales): void {
    const { status, word, reason } = verdictText(shown, scales);
    setShown(this.#skeleton, status === "waiting");
    setChildren(this.#mark, status === "waiting" ? [] : [this.#verdictIcon[status]]);
    setText(this.#word, word);
    setText(this.#reason, reason);
  }

  #cell(id: ColumnId, ...children: readonly Node[]): void {
    const right = id === "average" || id === "loss";
    this.#cells.set(
      id,
      el(
        "div",
        { class: `d-cell d-${id}${right ? " right" : ""}`, role: "gridcell", tabIndex: -1, data: { column: id } },
        ...children,
        ...(id === "device" || id === "verdict" ? [] : [el("span", { class: "skeleton" })]),
      ),
    );
  }
}

/** `31.2 of 32` over a bar. */
class BudgetView {
  readonly #use = el("b");
  readonly #limit = el("span", { class: "muted" });
  readonly #none = el("span", { class: "muted" });
  readonly #used = el("span", { class: "bar-use" });
  readonly #over = el("span", { class: "bar-over" });
  readonly #mark = el("span", { class: "bar-mark" });
  readonly #bar = el("div", { class: "bar" }, this.#used, this.#over, this.#mark);
  readonly #text = el("span", { class: "d-budget-text ellipsis" }, this.#use, this.#limit, this.#none);
  readonly element = el("div", { class: "d-budget read-only" }, this.#text, this.#bar);

  update(budget: ReturnType<typeof budgetOf>, column: ColumnScale | undefined, known: boolean): void {
    const texts = budgetTexts(budget, column);
    const limit = texts?.limit;
    setText(this.#use, texts?.use ?? "");
    setText(this.#limit, limit === undefined ? "" : ` of ${limit}`);
    setText(this.#none, known && !texts ? "no figure" : "");
    setClass(this.element, "over", texts?.over ?? false);
    const bar = budget && texts && limit !== undefined ? gaugeFigures(budget, budget.limit) : undefined;
    setShown(this.#bar, bar !== undefined);
    if (!bar) return;
    setStyle(this.#used, "width", `${bar.usePercent.toFixed(2)}%`);
    setStyle(this.#over, "left", `${bar.usePercent.toFixed(2)}%`);
    setStyle(this.#over, "width", `${bar.overPercent.toFixed(2)}%`);
    setStyle(this.#mark, "left", `${(bar.limitPercent ?? 0).toFixed(2)}%`);
  }
}
