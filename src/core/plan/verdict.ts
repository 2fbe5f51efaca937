import type { Resource } from "../hardware/profile.ts";
import { formatAccuracy, formatAmount, formatPercent, formatPoints, grouped, resourceName } from "./format.ts";
import type { Accuracy, BudgetUse, Verdict } from "./types.ts";

export interface VerdictInput {
  readonly budgets: readonly BudgetUse[];
  readonly accuracy?: Accuracy;
  /** Largest allowed loss of accuracy, a fraction. */
  readonly maxDrop?: number;
  /** Set when it is proven that no mix of bits meets all budgets: the smallest use that any mix reaches, by budget. */
  readonly smallest?: Readonly<Partial<Record<Resource, number>>>;
  /** Bits that may be chosen, for the explanation. */
  readonly allowedBits: readonly number[];
  /** Budgets at the nearest feasible point, when the given one is not. */
  readonly nearest?: readonly BudgetUse[];
}

/** Budgets that are exceeded, worst relative excess first. */
export function overruns(budgets: readonly BudgetUse[]): readonly BudgetUse[] {
  const excess = (b: BudgetUse) => (b.use ?? 0) / Math.max(b.limit ?? Number.POSITIVE_INFINITY, Number.MIN_VALUE);
  return budgets
    .filter((b) => b.limit !== undefined && b.use !== undefined && b.use > b.limit)
    .toSorted((a, b) => excess(b) - excess(a));
}

/** Says what came out, in the words of the design notes; never silent about a target that is missed. */
export function verdictOf(input: VerdictInput): Verdict {
  const over = overruns(input.budgets);
  const [first] = over;
  if (first) return doesNotFit(input, first, over);
  const drop = input.accuracy && dropOf(input.accuracy);
  if (input.accuracy && drop !== undefined && input.maxDrop !== undefined && drop > input.maxDrop) {
    return missesTarget(input, input.accuracy, drop, input.maxDrop);
  }
  return { verdict: "feasible", headline: fitsHeadline(input.accuracy), detail: fitsDetail(input.accuracy) };
}

/** Loss of accuracy as a fraction; undefined where the metric has no scale (error energy). */
function dropOf(accuracy: Accuracy): number | undefined {
  return accuracy.metric === "nmse" ? undefined : accuracy.float - accuracy.quantized;
}

function fitsHeadline(accuracy: Accuracy | undefined): string {
  if (accuracy === undefined || accuracy.synthetic) return "Fits, accuracy unknown";
  if (accuracy.metric !== "top1") return `Fits, ${formatAccuracy(accuracy)}`;
  const points = formatPoints(accuracy.quantized - accuracy.float);
  return accuracy.how === "measured" ? `Fits, ${points}` : `Fits, ${points} expected`;
}

function fitsDetail(accuracy: Accuracy | undefined): string {
  if (accuracy === undefined) return "No calibration set: nothing was measured";
  const samples = `${grouped(accuracy.samples)} ${accuracy.synthetic ? "synthetic samples" : "samples"}`;
  switch (accuracy.how) {
    case "measured":
      return `measured on ${samples}`;
    case "simulated":
      return `simulated on ${samples}`;
    case "expected":
      return `expected from the sensitivities of ${samples}`;
  }
}

function missesTarget(input: VerdictInput, accuracy: Accuracy, drop: number, maxDrop: number): Verdict {
  const loss = (drop * 100).toFixed(1);
  const target = (maxDrop * 100).toFixed(1);
  return {
    verdict: "infeasible",
    headline: `Fits, but loses ${loss} points; target ${target}`,
    detail: `${fitsDetail(accuracy)}: ${formatAccuracy(accuracy)}`,
    binding: "accuracy",
    nearest: {
      budgets: input.nearest ?? input.budgets,
      remedy: `Allow a drop of ${loss} points, or raise the budgets: with more room layers get more bits`,
    },
  };
}

function doesNotFit(input: VerdictInput, first: BudgetUse, over: readonly BudgetUse[]): Verdict {
  const limit = first.limit ?? 0;
  const use = first.use ?? 0;
  const names = over.map((b) => resourceName(b.name));
  const headline =
    over.length === 1
      ? `Does not fit: ${names[0]} is ${formatAmount(first.unit, use - limit)} over`
      : `Does not fit: ${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  const smallest = input.smallest?.[first.name];
  const allowed = input.allowedBits.join(", ");
  const reachable = smallest !== undefined && smallest > limit;
  const need = `The smallest plan with the allowed bits (${allowed}) needs ${formatAmount(first.unit, smallest ?? use)} of ${formatAmount(first.unit, limit)}.`;
  const rest =
    input.smallest === undefined
      ? `This plan needs ${formatAmount(first.unit, use)} of ${formatAmount(first.unit, limit)}.`
      : reachable
        ? `${need}${over.length === 1 ? " Every other budget can be met." : ""}`
        : `Each budget can be met by itself, but no mix of the allowed bits (${allowed}) meets all of them at once.`;
  const raise =
    first.name === "weightMemory" || first.name === "activationMemory" ? "Raise the budget" : "Raise the limit";
  return {
    verdict: "infeasible",
    headline,
    detail: rest,
    binding: first.name,
    nearest: {
      budgets: input.nearest ?? input.budgets,
      remedy: `${raise} to ${formatAmount(first.unit, (input.nearest ?? input.budgets).find((b) => b.name === first.name)?.use ?? use)}${input.accuracy && input.accuracy.metric !== "nmse" ? `, at ${formatPercent(input.accuracy.quantized)}` : ""}`,
    },
  };
}
