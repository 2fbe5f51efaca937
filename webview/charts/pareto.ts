import type { Bits } from "../../src/core/hardware/profile.ts";
import { formatBytes, formatPoints, formatSensitivity, grouped } from "../../src/core/plan/format.ts";
import type { EditorSnapshot } from "../../src/protocol/editor.ts";
import { finite, formatDropPoints } from "../format/numbers.ts";
import { type Scale, scaleFor } from "../format/scales.ts";
import { type Figures, figuresOf } from "../model/figures.ts";
import { memoLast } from "../model/memo.ts";
import { metricTitle } from "../model/words.ts";
import type { State } from "../state.ts";
import type { ChartKind } from "./chartView.ts";
import { drawPareto } from "./paretoDrawing.ts";
import { paretoSide } from "./paretoSide.ts";

/** A plan or baseline on the chart: x in the axis' unit, y what it loses. */
export interface ParetoMark {
  readonly x: number;
  /** On the axis; undefined = not known in its unit. */
  readonly y: number | undefined;
  readonly kind: "front" | "chosen" | "baseline";
  readonly bits?: Bits;
  /** Measured drop of accuracy, a fraction. */
  readonly drop: number | undefined;
  readonly bytes: number;
  readonly loss: number | undefined;
  /** In which of the front's points; for choosing. */
  readonly index: number;
  /** Why it is out: `memory`, `loss`; empty = it fits. */
  readonly out: string;
}

export interface ParetoData {
  readonly f: Figures;
  readonly marks: readonly ParetoMark[];
  readonly unit: Scale;
  /** y is points of accuracy; else the sum of sensitivities. */
  readonly inPoints: boolean;
  readonly budget: number | undefined;
  readonly target: number | undefined;
  /** Losses below this lie on the axis. */
  readonly floor: number;
}

/** A hundredth of a point is below what any evaluation can tell. */
const pointsFloor = 0.01;

const read = memoLast((f: Figures): ParetoData | string => {
  const { snapshot } = f;
  const { pareto } = snapshot;
  if (pareto === undefined || pareto.points.length === 0) return "No front yet: it needs a plan for this device.";
  const inPoints = pareto.points.every((p) => finite(p.drop) !== undefined);
  const budget = finite(snapshot.budgets.find((b) => b.name === "weightMemory")?.limit);
  const maxDrop = finite(snapshot.maxDrop);
  const largest = Math.max(...pareto.points.map((p) => p.weightMemory), ...pareto.baselines.map((b) => b.weightMemory));
  const unit = scaleFor("B", largest);
  const mark = (
    kind: ParetoMark["kind"],
    at: { weightMemory: number; loss?: number; drop?: number | undefined },
    index: number,
    bits?: Bits,
  ): ParetoMark => {
    const [loss, drop] = [finite(at.loss), finite(at.drop)];
    const out = [
      budget !== undefined && at.weightMemory > budget ? "memory" : "",
      maxDrop !== undefined && drop !== undefined && drop > maxDrop ? "loss" : "",
    ].filter(Boolean);
    return {
      kind,
      x: at.weightMemory / unit.size,
      y: inPoints ? drop && drop * 100 : loss,
      drop,
      loss,
      bytes: at.weightMemory,
      index,
      out: out.join(", "),
      ...(bits === undefined ? {} : { bits }),
    };
  };
  const baselines = pareto.baselines.map((b, i) => {
    const { accuracy } = b;
    const drop = accuracy && accuracy.metric !== "nmse" ? accuracy.float - accuracy.quantized : undefined;
    return mark(
      "baseline",
      { weightMemory: b.weightMemory, ...(b.loss === undefined ? {} : { loss: b.loss }), drop },
      i,
      b.bits,
    );
  });
  const marks = [
    ...pareto.points.map((p, i) => mark("front", p, i)),
    ...baselines,
    ...(pareto.chosen ? [mark("chosen", pareto.chosen, -1)] : []),
  ];
  const positive = marks.flatMap((m) => (m.y !== undefined && m.y > 0 ? m.y : []));
  const floor = inPoints ? pointsFloor : Math.max(Math.min(...positive, 1), Math.max(...positive, 1e-9) * 1e-6);
  return {
    f,
    marks,
    unit,
    inPoints,
    budget: budget === undefined ? undefined : budget / unit.size,
    target: inPoints && maxDrop !== undefined ? maxDrop * 100 : undefined,
    floor,
  };
});

/** Size against loss of the best plans, with the uniform ones beside them. */
export const paretoChart: ChartKind<ParetoData> = {
  nearest: "xy",
  read: ({ snapshot }: State) => (snapshot === undefined ? "No front yet." : read(figuresOf(snapshot))),
  draw: drawPareto,
  label: (data) => `${yTitle(data)} against weight memory: ${data.marks.length} plans`,
  points: ({ marks, floor, f, unit }) =>
    marks.flatMap((m) => (m.y === undefined ? [] : { x: m.x, y: Math.max(m.y, floor), text: markText(m, f, unit) })),
  choose: ({ marks }, point, { post }) => {
    const mark = marks.filter((m) => m.y !== undefined)[point];
    if (mark?.kind === "front") post({ type: "choosePareto", index: mark.index });
  },
  table: ({ marks, unit }) => ({
    head: ["Plan", unit.label, "Loss", "Points", "Fits"],
    rows: marks.map((m) => ({
      cells: [markName(m), grouped(m.x, 1), lossText(m), pointsText(m), m.out === "" ? "yes" : m.out],
      bold: m.kind === "chosen",
    })),
  }),
  side: paretoSide,
};

export function yTitle({ inPoints, f }: ParetoData): string {
  return inPoints ? "Loss, points" : `Expected loss, ${metricTitle(f.snapshot.metric, f.source)}`;
}

export function markName(mark: ParetoMark): string {
  if (mark.kind === "chosen") return "Chosen";
  return mark.kind === "baseline" ? `Uniform ${mark.bits}` : `Plan ${mark.index + 1}`;
}

export function pointsText(mark: ParetoMark): string {
  return mark.drop === undefined ? "–" : formatDropPoints(mark.drop);
}

export function lossText(mark: ParetoMark): string {
  return mark.loss === undefined ? "–" : formatSensitivity(mark.loss);
}

function markText(mark: ParetoMark, f: Figures, unit: Scale): string {
  const lines = [markName(mark), formatBytes(mark.bytes, unit.size === 1 ? 0 : 2)];
  if (mark.drop !== undefined)
    lines.push(`${formatPoints(-mark.drop)}${isMeasured(f.snapshot, mark) ? " measured" : " expected"}`);
  if (mark.loss !== undefined) lines.push(`${lossText(mark)} expected loss`);
  if (mark.out !== "") lines.push(`outside: ${mark.out}`);
  if (mark.kind === "front") lines.push("Select to preview its bits");
  return lines.join("\n");
}

function isMeasured({ pareto, accuracy }: EditorSnapshot, mark: ParetoMark): boolean {
  if (mark.kind === "chosen") return accuracy?.how === "measured";
  return mark.kind === "baseline" && pareto?.baselines[mark.index]?.accuracy?.how === "measured";
}
