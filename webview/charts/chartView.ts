import type { Context, Part } from "../context.ts";
import { el, setAttribute, setShown, setText } from "../dom.ts";
import type { State } from "../state.ts";
import { hideHover, hoverAt } from "../ui/hover.ts";
import { type MixedChart, type MixedDataset, type MixedOptions, makeChart } from "./chartjs.ts";
import { patchTable, type TableData } from "./patchTable.ts";
import { readTokens, type Tokens } from "./tokens.ts";

/** A chart as it is to be drawn: datasets and scales for chart.js, everything else by hand in the same coordinates. */
export interface Drawing {
  readonly datasets: readonly MixedDataset[];
  readonly x: { readonly min: number; readonly max: number };
  readonly y: { readonly min: number; readonly max: number; readonly log?: boolean; readonly reverse?: boolean };
  /** Pixels around the plot, for axes and labels. */
  readonly margin: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };
  /** Grid, axes, areas: under the data. */
  readonly below?: (chart: MixedChart, c: CanvasRenderingContext2D) => void;
  /** Labels, marks: over the data. @param focused the point with the keyboard, -1 = none */
  readonly above?: (chart: MixedChart, c: CanvasRenderingContext2D, focused: number) => void;
}

/** What one tab shows, made from the page's state. D is what it draws. */
export interface ChartKind<D> {
  /** The data, or why there are none. */
  read(state: State): D | string;
  draw(data: D, tokens: Tokens, c: CanvasRenderingContext2D, width: number): Drawing;
  /** What the picture shows, in a sentence. */
  label(data: D): string;
  table(data: D): TableData;
  /** Points that can be pointed at and chosen, and where each is, in the chart's values. */
  points(data: D): readonly { readonly x: number; readonly y: number; readonly text: string }[];
  /** Whether the pointer takes the nearest point by x only (bars, lines), or in both directions. */
  readonly nearest: "x" | "xy";
  choose(data: D, point: number, context: Context): void;
  /** The text and table beside the chart. */
  side(context: Context): { readonly element: HTMLElement; update(data: D, state: State): void };
}

/** Pixels from a point within which a click in an "xy" chart means it. */
const reach = 24;

/** A tab's view: the chart or its table, and the side. Works only while it is in sight. */
export class ChartView<D> implements Part {
  readonly element: HTMLElement;
  readonly #canvas = el("canvas");
  readonly #area = el(
    "div",
    { class: "chart", role: "group", tabIndex: 0, attributes: { "aria-roledescription": "chart" } },
    this.#canvas,
  );
  readonly #table = el("table", { class: "chart-table" });
  readonly #tableArea = el("div", { class: "chart-table-area", tabIndex: 0 }, this.#table);
  readonly #empty = el("p", { class: "chart-empty muted" });
  readonly #side: ReturnType<ChartKind<D>["side"]>;
  #chart: MixedChart | undefined;
  #drawing: Drawing | undefined;
  #data: D | undefined;
  #drawn: unknown;
  #theme = -1;
  #tokens: Tokens | undefined;
  #focused = -1;

  constructor(
    private readonly kind: ChartKind<D>,
    private readonly context: Context,
  ) {
    this.#side = kind.side(context);
    this.#side.element.classList.add("side");
    this.element = el(
      "div",
      { class: "chart-view" },
      el("div", { class: "chart-place" }, this.#area, this.#tableArea, this.#empty),
      this.#side.element,
    );
    this.#addPointer();
    this.#addKeys();
  }

  update(state: State): void {
    const data = this.kind.read(state);
    const empty = typeof data === "string";
    setShown(this.#empty, empty);
    setShown(this.#area, !empty && !state.view.asTable);
    setShown(this.#tableArea, !empty && state.view.asTable);
    setShown(this.#side.element, !empty);
    if (empty) {
      setText(this.#empty, data);
      this.#data = undefined;
      return;
    }
    this.#data = data;
    this.#side.update(data, state);
    if (state.view.asTable) {
      patchTable(this.#table, this.kind.table(data));
      return;
    }
    setAttribute(this.#area, "aria-label", this.kind.label(data));
    if (state.theme !== this.#theme) {
      this.#theme = state.theme;
      this.#tokens = readTokens();
      this.#drawn = undefined;
    }
    if (this.#drawn === data) return;
    this.#drawn = data;
    this.#draw(data);
  }

  #draw(data: D): void {
    const c = this.#canvas.getContext("2d");
    if (c === null || this.#tokens === undefined) return;
    // Asking the page for a width makes it lay itself out in the middle of a drawing; the chart knows its own.
    const width = this.#chart?.width ?? this.#area.clientWidth;
    const drawing = this.kind.draw(data, this.#tokens, c, width);
    this.#drawing = drawing;
    if (this.#chart === undefined) {
      this.#chart = makeChart(this.#canvas, [...drawing.datasets], optionsOf(drawing), {
        id: "byHand",
        beforeDatasetsDraw: (chart) => this.#drawing?.below?.(chart, chart.ctx),
        afterDatasetsDraw: (chart) => this.#drawing?.above?.(chart, chart.ctx, this.#focused),
        resize: () => {
          // Where labels stand depends on the width.
          this.#drawn = undefined;
          this.context.store.set({});
        },
      });
      return;
    }
    this.#chart.data.datasets = [...drawing.datasets];
    this.#chart.options = optionsOf(drawing);
    this.#chart.update("none");
  }

  /** The point nearest to a place in the canvas; -1 = none near enough. */
  #pointAt(x: number, y: number): number {
    const scales = this.#chart?.scales;
    if (this.#data === undefined || scales?.x === undefined || scales.y === undefined) return -1;
    let best = -1;
    let least = this.kind.nearest === "x" ? Number.POSITIVE_INFINITY : reach;
    for (const [i, point] of this.kind.points(this.#data).entries()) {
      const dx = scales.x.getPixelForValue(point.x) - x;
      const dy = this.kind.nearest === "x" ? 0 : scales.y.getPixelForValue(point.y) - y;
      const distance = Math.hypot(dx, dy);
      if (distance >= least) continue;
      least = distance;
      best = i;
    }
    return best;
  }

  #addPointer(): void {
    this.#area.addEventListener("pointermove", (event) => {
      const at = this.#pointAt(event.offsetX, event.offsetY);
      const point = this.#data === undefined ? undefined : this.kind.points(this.#data)[at];
      this.#area.classList.toggle("choosable", at >= 0);
      if (point === undefined) hideHover(this.#area);
      else hoverAt(this.#area, { x: event.clientX + 12, y: event.clientY + 12 }, () => lines(point.text));
    });
    this.#area.addEventListener("pointerleave", () => hideHover(this.#area));
    this.#area.addEventListener("click", (event) => {
      const at = this.#pointAt(event.offsetX, event.offsetY);
      if (at >= 0 && this.#data !== undefined) this.kind.choose(this.#data, at, this.context);
    });
  }

  #addKeys(): void {
    this.#area.addEventListener("keydown", (event) => {
      if (this.#data === undefined) return;
      const points = this.kind.points(this.#data);
      const by = { ArrowLeft: -1, ArrowRight: 1, Home: -points.length, End: points.length }[event.key];
      if (by !== undefined) {
        this.#focused = Math.min(points.length - 1, Math.max(0, this.#focused + by));
        this.context.announcer.say(points[this.#focused]?.text.replaceAll("\n", ", ") ?? "");
        this.#chart?.draw();
      } else if (event.key === "Enter" && this.#focused >= 0) this.kind.choose(this.#data, this.#focused, this.context);
      else return;
      event.preventDefault();
    });
    this.#area.addEventListener("blur", () => {
      this.#focused = -1;
      this.#chart?.draw();
    });
  }
}

function lines(text: string): readonly Node[] {
  const [first = "", ...rest] = text.split("\n");
  return [el("b", { class: "hover-title", text: first }), ...rest.map((line) => el("div", { text: line }))];
}

/** Scales that only map values: axes and grid are drawn by hand, so chart.js has no ticks to measure. */
const scaleByHand = {
  display: false,
  afterBuildTicks: (scale: { ticks: unknown[] }): void => {
    scale.ticks = [];
  },
} as const;

function optionsOf({ x, y, margin }: Drawing): MixedOptions {
  return {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    // Pointer and keys are ours: chart.js would draw at each move.
    events: [],
    parsing: false,
    normalized: true,
    layout: { padding: { ...margin } },
    scales: {
      x: { ...scaleByHand, type: "linear", min: x.min, max: x.max, offset: false },
      y: {
        ...scaleByHand,
        type: y.log ? "logarithmic" : "linear",
        min: y.min,
        max: y.max,
        reverse: y.reverse === true,
      },
    },
  };
}
