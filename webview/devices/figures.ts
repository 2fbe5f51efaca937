import type { Bits, Resource } from "../../src/core/hardware/profile.ts";
import { formatAmount, formatPercent, formatPoints, grouped, resourceName } from "../../src/core/plan/format.ts";
import type { Accuracy, BudgetUse, Verdict } from "../../src/core/plan/types.ts";
import type { ComparedDevice, ComparedModel, DeviceRow, DevicesSnapshot } from "../../src/protocol/devices.ts";
import { count, finite, none, trimmed } from "../format/numbers.ts";
import { type Scale, scaleFor, threeFigureDecimals } from "../format/scales.ts";

/** A row with the model and the device that it is about. */
export interface ShownRow {
  readonly key: string;
  readonly row: DeviceRow;
  readonly model: ComparedModel;
  readonly device: ComparedDevice;
}

/** Rows of a snapshot, in its order. */
export function rowsOf({ rows, models, devices }: DevicesSnapshot): readonly ShownRow[] {
  const model = new Map(models.map((each) => [each.uri, each]));
  const device = new Map(devices.map((each) => [each.id, each]));
  return rows.flatMap((row) => {
    const [own, on] = [model.get(row.model), device.get(row.device)];
    return own && on ? [{ key: `${row.model}\n${row.device}`, row, model: own, device: on }] : [];
  });
}

/** Budgets with a column of their own. */
export const budgetColumns = [
  "weightMemory",
  "activationMemory",
  "latency",
  "energy",
] as const satisfies readonly Resource[];
export type BudgetColumn = (typeof budgetColumns)[number];

export function budgetOf({ row }: ShownRow, name: Resource): BudgetUse | undefined {
  return row.figures?.budgets.find((budget) => budget.name === name);
}

/** One unit and the same decimals for a column. */
export interface ColumnScale {
  readonly scale: Scale;
  readonly decimals: number;
}

export type ColumnScales = Readonly<Partial<Record<BudgetColumn, ColumnScale | undefined>>>;

const bytesDecimals = 1;
/** In a column where the largest is more than a thousand times the smallest, the smaller unit: 0.0 says nothing. */
const farApart = 1000;
/** Of times so far apart as many decimals as tell the smallest, up to this: 39.269 ms is shorter than 39,269 µs. */
const mostTimeDecimals = 3;

/** The unit of a column of budgets: that of its largest use. Undefined where no device has a figure. */
export function columnScale(rows: readonly ShownRow[], name: BudgetColumn): ColumnScale | undefined {
  const budgets = rows.flatMap((row) => budgetOf(row, name) ?? []);
  const uses = budgets.flatMap(({ use }) => finite(use) ?? []).filter((use) => use > 0);
  const [unit] = budgets.map((budget) => budget.unit);
  if (uses.length === 0 || unit === undefined) return undefined;
  const [largest, smallest] = [Math.max(...uses), Math.min(...uses)];
  if (unit === "s" && largest > smallest * farApart) {
    const scale = scaleFor(unit, largest);
    const decimals = Math.ceil(-Math.log10(smallest / scale.size));
    if (decimals <= mostTimeDecimals) return { scale, decimals: mostTimeDecimals };
  }
  const scale = scaleFor(unit, largest > smallest * farApart ? smallest : largest);
  const decimals = unit === "B" ? (scale.size === 1 ? 0 : bytesDecimals) : threeFigureDecimals(largest / scale.size);
  return { scale, decimals };
}

/** Most decimals that tell an overrun from the limit. */
const mostDecimals = 6;

/** `31.2` of `32`; without a limit the use alone; undefined where the profile states no figure. */
export function budgetTexts(
  budget: BudgetUse | undefined,
  column: ColumnScale | undefined,
): { readonly use: string; readonly limit: string | undefined; readonly over: boolean } | undefined {
  const use = finite(budget?.use);
  if (use === undefined || column === undefined) return undefined;
  const limit = finite(budget?.limit);
  const { size } = column.scale;
  const over = limit !== undefined && use > limit;
  let { decimals } = column;
  const rounded = (value: number) => Number((value / size).toFixed(decimals));
  while (over && rounded(use) <= rounded(limit) && decimals < mostDecimals) decimals++;
  return {
    use: grouped(use / size, decimals),
    limit: limit === undefined ? undefined : trimmed(limit / size, Math.max(decimals, 2)),
    over,
  };
}

/** A verdict in two lines: the word, and the reason. */
export interface VerdictText {
  readonly status: "fits" | "fails" | "unknown" | "waiting";
  readonly word: string;
  readonly reason: string;
}

/** A budget of which less than this part is left is the one that a person wants to know of. */
const tight = 0.2;

/** @param scales of the columns: amounts are told in their units */
export function verdictText({ row }: ShownRow, scales: ColumnScales = {}): VerdictText {
  const { figures, problem, state } = row;
  if (!figures) {
    if (state === "failed") return { status: "unknown", word: "Not known", reason: problem?.message ?? "" };
    return { status: "waiting", word: "", reason: "" };
  }
  const { verdict, budgets } = figures;
  if (verdict.verdict === "feasible") return { status: "fits", word: "Fits", reason: fitReason(budgets, scales) };
  if (verdict.binding === "accuracy") return { status: "fails", word: "Loses too much", reason: lossReason(verdict) };
  return { status: "fails", word: "Does not fit", reason: overReason(budgets, scales) };
}

function fitReason(budgets: readonly BudgetUse[], scales: ColumnScales): string {
  const limited = budgets.filter(({ limit }) => finite(limit) !== undefined);
  if (limited.length === 0) return "no budgets";
  const unknown = limited.filter(({ use }) => finite(use) === undefined);
  if (unknown.length > 0) return `${unknown.map(({ name }) => resourceName(name)).join(", ")} unknown`;
  const left = ({ use = 0, limit = 0 }: BudgetUse) => (limit > 0 ? 1 - use / limit : 0);
  const tightest = limited.reduce((a, b) => (left(b) < left(a) ? b : a));
  const { use = 0, limit = 0 } = tightest;
  if (left(tightest) >= tight) return limited.length === 1 ? "its budget" : "all budgets";
  return `${amount(tightest, limit - use, scales)} of ${shortName(tightest.name)} left`;
}

function overReason(budgets: readonly BudgetUse[], scales: ColumnScales): string {
  const over = budgets.flatMap((budget) => {
    const [used, most] = [finite(budget.use), finite(budget.limit)];
    return used === undefined || most === undefined || used <= most ? [] : [{ budget, used, most }];
  });
  const [first, ...others] = over.toSorted((a, b) => b.used / b.most - a.used / a.most);
  if (!first) return "";
  const more = others.map(({ budget: { name } }) => `, ${resourceName(name)}`).join("");
  return `${resourceName(first.budget.name)}, ${amount(first.budget, first.used - first.most, scales)} over${more}`;
}

/** `1.6 points; target 1.0`, out of `Fits, but loses 1.6 points; target 1.0`. */
function lossReason({ headline }: Verdict): string {
  return headline.replace(/^.*\bloses /, "");
}

/** `0.8 KiB of memory left`: which memory is known from what is short of it. */
function shortName(name: Resource): string {
  return name === "weightMemory" ? "memory" : name === "activationMemory" ? "activations" : resourceName(name);
}

/** In the unit of its column; an amount that would be none there, in its own. */
function amount({ name, unit }: BudgetUse, value: number, scales: ColumnScales): string {
  const column = scales[name as BudgetColumn];
  const text = column && grouped(value / column.scale.size, column.decimals);
  return text === undefined || Number(text.replaceAll(",", "")) === 0
    ? formatAmount(unit, value)
    : `${text} ${column?.scale.label ?? ""}`.trim();
}

/** `8 bits`, `2, 4, 8 bits`, `2 to 8 bits`. */
export function bitsText(bits: readonly Bits[]): string {
  const [first, last] = [bits[0], bits.at(-1)];
  if (first === undefined || last === undefined) return "";
  const all = bits.length > 3 && last - first === bits.length - 1;
  return all ? `${first} to ${last} bits` : `${bits.join(", ")} bits`;
}

/** What a loss of accuracy is told in: points, or the measure itself where there are no labels. */
export interface LossUnit {
  readonly name: string;
  readonly unit: string;
}

export function lossUnit(rows: readonly ShownRow[]): LossUnit {
  const metric = rows.flatMap(({ row }) => row.figures?.accuracy ?? [])[0]?.metric;
  switch (metric) {
    case "agreement":
      return { name: "Agreement", unit: "with float, %" };
    case "nmse":
      return { name: "SQNR", unit: "dB" };
    default:
      return { name: "Loss", unit: "points" };
  }
}

/** `−0.4`, and how it was got. */
export function lossTexts({ row: { figures, state } }: ShownRow): { readonly value: string; readonly how: string } {
  const accuracy = figures?.accuracy;
  const how = state === "running" ? "running" : (accuracy?.how ?? (figures ? "unknown" : ""));
  if (!accuracy) return { value: none, how };
  const mark = accuracy.synthetic ? "~" : "";
  return { value: `${mark}${lossValue(accuracy)}`, how };
}

function lossValue({ metric, float, quantized }: Accuracy): string {
  switch (metric) {
    case "top1":
      return formatPoints(quantized - float).replace(" points", "");
    case "agreement":
      return formatPercent(quantized).replace(" %", "");
    case "nmse":
      return quantized > 0 ? grouped(-10 * Math.log10(quantized), 1) : "∞";
  }
}

/** Loss as a number that grows with it. */
export function lossOf({ row }: ShownRow): number | undefined {
  const accuracy = row.figures?.accuracy;
  if (!accuracy) return undefined;
  return accuracy.metric === "nmse" ? accuracy.quantized : accuracy.float - accuracy.quantized;
}

/** Several models on one device: rows are called after models. */
export function rowsAreModels({ models, devices }: DevicesSnapshot): boolean {
  return models.length > 1 && devices.length === 1;
}

export function fitting(rows: readonly ShownRow[]): number {
  return rows.filter(({ row }) => row.figures?.verdict.verdict === "feasible").length;
}

/** What is said of the comparison after its title: `6 profiles`, `5 fit`, `float 88.9 % top-1 on 2,000 samples`. */
export function factTexts(snapshot: DevicesSnapshot): readonly string[] {
  const rows = rowsOf(snapshot);
  const { models, devices } = snapshot;
  const [model] = models;
  const known = rows.filter(({ row }) => row.figures !== undefined).length;
  return [
    ...(models.length > 1 ? [count(models.length, "model")] : []),
    ...(rowsAreModels(snapshot) ? [] : [count(devices.length, "profile")]),
    ...(known > 0 ? [`${grouped(fitting(rows))} fit`] : []),
    ...(models.length === 1 && model?.float
      ? [`float ${formatPercent(model.float.top1)} top-1 on ${grouped(model.float.samples)} samples`]
      : []),
  ];
}
