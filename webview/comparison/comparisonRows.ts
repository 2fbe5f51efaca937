import type { Resource } from "../../src/core/hardware/profile.ts";
import {
  formatAmount,
  formatBytes,
  formatPercent,
  formatPoints,
  formatSensitivity,
} from "../../src/core/plan/format.ts";
import type { BudgetUse } from "../../src/core/plan/types.ts";
import type { Comparison, ComparisonColumn } from "../../src/protocol/editor.ts";
import { count, finite, formatDropPoints, none } from "../format/numbers.ts";
import { resourceTitle } from "../model/words.ts";

/** A cell of the comparison: its text, and whether the figure is over its budget. */
export interface ComparedCell {
  readonly text: string;
  readonly over?: boolean;
}

export interface ComparedRow {
  readonly title: string;
  readonly bold?: boolean;
  /** By column, as in the comparison. */
  readonly cells: readonly ComparedCell[];
  /** From float to quantized. */
  readonly change: string;
}

export interface ComparedGroup {
  readonly title: string;
  readonly rows: readonly ComparedRow[];
}

/** The lines of the comparison in their groups; a line for which no column has a figure is left out. */
export function comparedGroups(comparison: Comparison): readonly ComparedGroup[] {
  const { columns, changed } = comparison;
  const samples = changed?.samples;
  const groups: readonly ComparedGroup[] = [
    {
      title: samples === undefined ? "Accuracy" : `Accuracy, ${count(samples, "labelled sample")}`,
      rows: [
        points(columns, "Top-1 accuracy", (c) => c.top1, true),
        points(columns, "Top-5 accuracy", (c) => c.top5),
        lossRow(columns),
        row(columns, "Agreement with float", (c) => (c.kind === "float" ? undefined : c.agreement), formatPercent),
        row(columns, "KL of the softmax", (c) => (c.kind === "float" ? undefined : c.kl), formatSensitivity),
      ],
    },
    {
      title: "Size",
      rows: [
        relative(columns, "File", (c) => c.fileBytes, formatBytes),
        resource(comparison, "weightMemory", true),
        resource(comparison, "activationMemory"),
      ],
    },
    {
      title: `Cost on ${comparison.profileName}`,
      rows: [resource(comparison, "latency"), resource(comparison, "energy"), resource(comparison, "bops")],
    },
  ];
  return groups
    .map((group) => ({
      ...group,
      rows: group.rows.filter((r) => r.cells.some((c) => c.text !== "" && c.text !== none)),
    }))
    .filter((group) => group.rows.length > 0);
}

type Pick = (column: ComparisonColumn) => number | null | undefined;

function row(
  columns: readonly ComparisonColumn[],
  title: string,
  pick: Pick,
  format: (v: number) => string,
): ComparedRow {
  return { title, change: "", cells: columns.map((c) => ({ text: textOf(finite(pick(c)), format, "") })) };
}

function textOf(value: number | undefined, format: (v: number) => string, otherwise: string): string {
  return value === undefined ? otherwise : format(value);
}

/** A row of percentages whose change is in points. */
function points(columns: readonly ComparisonColumn[], title: string, pick: Pick, bold = false): ComparedRow {
  const [float, quantized] = pair(columns, pick);
  const change = float === undefined || quantized === undefined ? "" : formatPoints(quantized - float);
  return { ...row(columns, title, pick, formatPercent), bold, change };
}

/** A row of amounts whose change is relative: `−83 %`. */
function relative(
  columns: readonly ComparisonColumn[],
  title: string,
  pick: Pick,
  format: (v: number) => string,
): ComparedRow {
  const [float, quantized] = pair(columns, pick);
  const change = !float || quantized === undefined ? "" : relativeText(quantized / float - 1);
  return { ...row(columns, title, pick, format), change };
}

function relativeText(fraction: number): string {
  const percent = Math.round(Math.abs(fraction) * 100);
  return percent === 0 ? "0 %" : `${fraction < 0 ? "−" : "+"}${percent} %`;
}

function pair(columns: readonly ComparisonColumn[], pick: Pick): readonly [number | undefined, number | undefined] {
  const of = (kind: ComparisonColumn["kind"]): number | undefined => {
    const column = columns.find((c) => c.kind === kind);
    return column && finite(pick(column));
  };
  return [of("float"), of("quantized")];
}

function lossRow(columns: readonly ComparisonColumn[]): ComparedRow {
  const float = finite(columns.find((c) => c.kind === "float")?.top1);
  const lost = (c: ComparisonColumn): number | undefined => {
    const own = finite(c.top1);
    return float === undefined || own === undefined || c.kind === "float" ? undefined : own - float;
  };
  return row(columns, "Loss, points", lost, (gain) => formatDropPoints(gain));
}

/** A budget's use by column; what is over its limit is marked. Float has no budget to keep. */
function resource(comparison: Comparison, name: Resource, bold = false): ComparedRow {
  const { columns, budgets } = comparison;
  const budget = budgets.find((b) => b.name === name);
  const unit: BudgetUse["unit"] =
    budget?.unit ??
    ({ weightMemory: "B", activationMemory: "B", latency: "s", energy: "J", bops: "bitops" } as const)[name];
  const limit = finite(budget?.limit);
  const base = relative(
    columns,
    resourceTitle(name),
    (c) => c.uses[name],
    (v) => formatAmount(unit, v),
  );
  const cells = columns.map((c, i) => {
    const use = finite(c.uses[name]);
    const over = c.kind !== "float" && limit !== undefined && use !== undefined && use > limit;
    return { text: base.cells[i]?.text || none, over };
  });
  return { ...base, bold, cells };
}
