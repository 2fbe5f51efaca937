import type { GaugeBudget } from "../../src/protocol/editor.ts";
import { el, setAttribute, setClass, setShown, setStyle, setText, setTitle } from "../dom.ts";
import { none } from "../format/numbers.ts";
import { type GaugeFigures, gaugeFigures } from "../model/gauge.ts";
import { resourceTitle } from "../model/words.ts";

/** A gauge as it is at one moment. */
export interface GaugeState {
  readonly budget: GaugeBudget;
  /** The limit shown: the one in force, or the one under the pointer. */
  readonly limit: number | undefined;
  readonly dragged: boolean;
  /** The use is being worked out. */
  readonly pending: boolean;
}

/** One budget: its use, its limit and what is left, as text and as a bar. */
export class Gauge {
  readonly element: HTMLElement;
  readonly bar = el("div", { class: "bar" });
  /** Stands at the limit; with the keyboard on it the limit moves. */
  readonly mark = el("span", { class: "bar-mark" });
  readonly limitText = el("button", { class: "limit", attributes: { type: "button" } });
  /** Holds the text of the limit, or the field in which it is typed. */
  readonly limitPlace = el("span", { class: "limit-place" }, this.limitText);
  figures: GaugeFigures | undefined;
  readonly #use = el("b");
  readonly #of = el("span", { class: "muted", text: "of" });
  readonly #unit = el("span", { class: "muted gauge-unit" });
  readonly #margin = el("span", { class: "gauge-margin" });
  readonly #skeleton = el("span", { class: "skeleton skeleton-gauge" });
  readonly #value: HTMLElement;
  readonly #used = el("span", { class: "bar-use" });
  readonly #over = el("span", { class: "bar-over" });
  readonly #title: string;

  /** @param editable the limit can be moved and typed */
  constructor(
    readonly resource: GaugeBudget["name"],
    private readonly editable: boolean,
  ) {
    this.#title = resourceTitle(resource);
    const [first, ...rest] = this.#title.split(" ");
    this.#value = el("span", { class: "gauge-value" }, this.#use, this.#of, this.limitPlace, this.#unit);
    this.bar.append(this.#used, this.#over, this.mark);
    this.element = el(
      "div",
      { class: "cell gauge", role: "group", label: this.#title, data: { resource } },
      el(
        "div",
        { class: "gauge-label muted" },
        // On one line with its bar, "Activation memory" is "Activation"; "Weight memory" stays, as memory is what it is known by.
        ...(first === "Activation"
          ? [first, el("span", { class: "roomy", text: ` ${rest.join(" ")}` })]
          : [this.#title]),
      ),
      el("div", { class: "gauge-values" }, this.#skeleton, this.#value, this.#margin),
      this.bar,
    );
    if (!editable) {
      setClass(this.element, "read-only", true);
      this.limitText.disabled = true;
      return;
    }
    this.mark.tabIndex = 0;
    this.mark.setAttribute("role", "slider");
    this.mark.setAttribute("aria-label", `${this.#title} limit`);
    this.mark.setAttribute("aria-valuemin", "0");
  }

  update({ budget, limit, dragged, pending }: GaugeState): void {
    const figures = gaugeFigures(budget, limit);
    this.figures = figures;
    const waits = pending && figures.use === undefined;
    setShown(this.#skeleton, waits);
    setShown(this.#value, !waits);
    setText(this.#use, figures.use ?? "no figure");
    setClass(this.#use, "no-figure", figures.use === undefined);
    setShown(this.#of, figures.limit !== undefined || this.editable);
    setText(this.limitText, figures.limit ?? (this.editable ? "no limit" : none));
    setShown(this.limitPlace, figures.limit !== undefined || this.editable);
    setText(this.#unit, figures.use === undefined && figures.limit === undefined ? "" : figures.unit.label);
    setText(this.#margin, waits ? "" : (figures.margin ?? ""));
    setClass(this.element, "over", figures.over);
    setClass(this.element, "tight", figures.tight);
    setClass(this.element, "dragged", dragged);
    const tried = this.editable && (dragged || (budget.profileLimit ?? undefined) !== (budget.limit ?? undefined));
    setClass(this.element, "tried", tried && budget.profileLimit !== undefined);
    setStyle(this.#used, "width", `${figures.usePercent.toFixed(2)}%`);
    setStyle(this.#over, "left", `${figures.usePercent.toFixed(2)}%`);
    setStyle(this.#over, "width", `${figures.overPercent.toFixed(2)}%`);
    setShown(this.mark, figures.limitPercent !== undefined);
    setStyle(this.mark, "left", `${(figures.limitPercent ?? 0).toFixed(2)}%`);
    if (this.editable) this.#describe(figures, limit);
  }

  #describe(figures: GaugeFigures, limit: number | undefined): void {
    const { unit } = figures;
    const spaced = unit.label === "" ? "" : ` ${unit.label}`;
    const used = figures.use === undefined ? "use unknown" : `${figures.use} used`;
    setAttribute(this.mark, "aria-valuemax", String(Number((figures.full / unit.size).toPrecision(6))));
    setAttribute(this.mark, "aria-valuenow", String(Number(((limit ?? 0) / unit.size).toPrecision(6))));
    setAttribute(this.mark, "aria-valuetext", `${figures.limit ?? "none"}${spaced}, ${used}`);
    setTitle(this.limitText, `Type the limit of ${this.#title.toLowerCase().replace("bops", "BOPs")}`);
    setAttribute(
      this.limitText,
      "aria-label",
      `${this.#title} limit, ${figures.limit ?? "none"}${spaced}. Type another`,
    );
  }
}
