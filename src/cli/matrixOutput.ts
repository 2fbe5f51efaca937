import { allBits } from "../core/hardware/bitPairs.ts";
import type { Resource } from "../core/hardware/profile.ts";
import type { MatrixCell } from "../core/pipeline/matrix.ts";
import { type DeviceFigures, layersByBits } from "../core/plan/deviceFigures.ts";
import { budgetCells, formatAccuracy, formatPercent, formatPoints } from "../core/plan/format.ts";
import { matrixCsv } from "../core/plan/matrixCsv.ts";
import type { Accuracy, BudgetUse } from "../core/plan/types.ts";
import type { ModelCells } from "./matrixRun.ts";
import { print } from "./output.ts";
import { type Column, columns, renderTable, terminalWidth, wrap } from "./table.ts";

interface Line {
  readonly model: string;
  readonly cell: MatrixCell;
}

function linesOf(models: readonly ModelCells[]): readonly Line[] {
  return models.flatMap(({ model, cells }) => cells.map((cell) => ({ model, cell })));
}

/** The comparison as machines read it. */
export function matrixJson(models: readonly ModelCells[], notes: readonly string[]): object {
  return {
    rows: linesOf(models).map(({ model, cell: { device, figures, problem, notes: own } }) => ({
      model,
      profile: device.id,
      device: device.profile.name,
      ...(figures && figuresJson(figures)),
      ...(problem && { error: { code: problem.code, slug: problem.slug, message: problem.message } }),
      notes: own,
    })),
    notes,
  };
}

function figuresJson({ verdict, bits, averageBits, budgets, accuracy, loss }: DeviceFigures): object {
  return {
    verdict: verdict.verdict,
    summary: verdict.headline,
    detail: verdict.detail,
    binding: verdict.binding,
    nearest: verdict.nearest,
    averageBits,
    layersByBits: Object.fromEntries([...layersByBits(bits)].map(([own, count]) => [own ?? "float", count])),
    bits,
    budgets: budgets.map(({ name, limit, use, unit }) => ({ name, limit: limit ?? null, use: use ?? null, unit })),
    accuracy,
    sensitivity: loss,
  };
}

export function matrixCsvText(models: readonly ModelCells[]): string {
  return matrixCsv(
    linesOf(models).map(({ model, cell: { device, figures, problem } }) => ({
      model,
      device: device.profile.name,
      profile: device.id,
      ...(figures && { figures }),
      ...(problem && { problem: problem.message }),
    })),
  );
}

/** The comparison as people read it: a line for each model on each device, layers by bits, and what would help where nothing fits. */
export function printMatrix(models: readonly ModelCells[]): void {
  const lines = linesOf(models);
  print(renderTable(...figuresTable(lines, models.length > 1)));
  const counts = bitsTable(lines, models.length > 1);
  if (counts) {
    print("\nLayers by weight bits:\n");
    print(renderTable(...counts));
  }
  const troubled = lines.filter(({ cell: { figures } }) => figures?.verdict.verdict !== "feasible");
  if (troubled.length > 0) print();
  for (const line of troubled) print(wrap(trouble(line, models.length > 1), terminalWidth(), "  "));
}

/** `2 of 3 fit`: the last line. */
export function fitting(models: readonly ModelCells[]): string {
  const lines = linesOf(models);
  const fit = lines.filter(({ cell: { figures } }) => figures?.verdict.verdict === "feasible").length;
  return `${fit} of ${lines.length} ${fit === 1 ? "fits" : "fit"}`;
}

type Table = [columns: readonly Column[], rows: string[][]];

function figuresTable(lines: readonly Line[], severalModels: boolean): Table {
  const heads: Column[] = [
    ...names(severalModels),
    { head: "Verdict" },
    { head: "Bits", align: "right" },
    { head: "Weight memory", align: "right", shrink: "wrap" },
    { head: "Activation memory", align: "right", drop: 1 },
    { head: "Latency", align: "right", drop: 2 },
    { head: "Energy", align: "right", drop: 0 },
    { head: "Accuracy", align: "right", shrink: "wrap" },
  ];
  const rows = lines.map((line) => {
    const { figures } = line.cell;
    const use = (name: Resource) => useText(figures?.budgets.find((budget) => budget.name === name));
    return [
      ...nameCells(line, severalModels),
      verdictWord(figures),
      figures && figures.averageBits > 0 ? figures.averageBits.toFixed(2) : "–",
      use("weightMemory"),
      use("activationMemory"),
      use("latency"),
      use("energy"),
      figures?.accuracy ? accuracyText(figures.accuracy) : "–",
    ];
  });
  return [heads, rows];
}

/** Undefined where no layer of any model has bits. */
function bitsTable(lines: readonly Line[], severalModels: boolean): Table | undefined {
  const counts = lines.map(({ cell }) => layersByBits(cell.figures?.bits ?? []));
  const used = [...allBits, null].filter((bits) => counts.some((count) => count.has(bits)));
  if (used.length === 0) return undefined;
  const heads = columns(
    used.map((bits) => (bits === null ? "float" : String(bits))),
    "r".repeat(used.length),
  );
  const rows = lines.map((line, i) => [
    ...nameCells(line, severalModels),
    ...used.map((bits) => String(counts[i]?.get(bits) ?? "–")),
  ]);
  return [[...names(severalModels), ...heads], rows];
}

function names(severalModels: boolean): Column[] {
  const device: Column = { head: "Device", shrink: "cut" };
  return severalModels ? [{ head: "Model", shrink: "cut" }, device] : [device];
}

function nameCells({ model, cell }: Line, severalModels: boolean): string[] {
  const device = cell.device.profile.name;
  return severalModels ? [model, device] : [device];
}

function verdictWord(figures: DeviceFigures | undefined): string {
  if (!figures) return "not known";
  const { verdict, binding } = figures.verdict;
  if (verdict === "feasible") return "fits";
  return binding === "accuracy" ? "loses too much" : "does not fit";
}

/** `31.2 of 32.0 KiB`; the use alone where there is no limit. */
function useText(budget: BudgetUse | undefined): string {
  if (budget === undefined) return "–";
  const [use, limit] = budgetCells(budget);
  if (limit === "–") return use;
  const unitOf = (text: string) => / .*$/.exec(text)?.[0];
  return unitOf(use) === unitOf(limit) ? `${use.replace(/ .*$/, "")} of ${limit}` : `${use} of ${limit}`;
}

/** `92.9 % (−0.4 points)`; what else there is, in its own words. */
function accuracyText(accuracy: Accuracy): string {
  if (accuracy.metric !== "top1" || accuracy.synthetic) return formatAccuracy(accuracy);
  return `${formatPercent(accuracy.quantized)} (${formatPoints(accuracy.quantized - accuracy.float)})`;
}

/** Why a model does not fit on a device, and what would help. */
function trouble({ model, cell: { device, figures, problem } }: Line, severalModels: boolean): string {
  const about = severalModels ? `${model} on ${device.profile.name}` : device.profile.name;
  if (!figures) return `${about}: ${problem?.describe() ?? "not known"}`;
  const { headline, detail, nearest } = figures.verdict;
  const remedy = nearest ? ` Nearest: ${nearest.remedy.charAt(0).toLowerCase()}${nearest.remedy.slice(1)}.` : "";
  return `${about}: ${headline} (${detail.replace(/\.$/, "")}).${remedy}`;
}
