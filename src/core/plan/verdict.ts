import { useOf } from "../allocate/costTable.ts";
import { allowed } from "../allocate/totals.ts";
import type { Resource } from "../hardware/profile.ts";
import {
  formatAccuracy,
  formatAmount,
  formatApart,
  formatEnough,
  formatPercent,
  formatPoints,
  grouped,
  resourceName,
} from "./format.ts";
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

/** A budget that is exceeded. */
interface Overrun extends BudgetUse {
  readonly use: number;
  readonly limit: number;
}

/** Budgets that are exceeded, worst relative excess first; what adding in another order may change is no excess. */
export function overruns(budgets: readonly BudgetUse[]): readonly Overrun[] {
  return budgets
    .filter((b): b is Overrun => b.limit !== undefined && b.use !== undefined && b.use > allowed(b.limit))
    .toSorted((a, b) => useOf(b.use, b.limit) - useOf(a.use, a.limit));
}

/** Says what came out, in the words of the design notes; never silent about a target that is missed. */
export function verdictOf(input: VerdictInput): Verdict {
  const { accuracy, maxDrop } = input;
  const over = overruns(input.budgets);
  const [first] = over;
  if (first) return doesNotFit(input, first, over);
  const drop = accuracy && dropOf(accuracy);
  if (accuracy && drop !== undefined && maxDrop !== undefined && !keepsTarget(drop, maxDrop)) {
    return missesTarget(input, accuracy, drop, maxDrop);
  }
  const unknown = input.budgets.filter((b) => b.limit !== undefined && b.use === undefined);
  const names = listed(unknown.map(({ name }) => resourceName(name)));
  const detail = [
    fitsDetail(accuracy),
    ...(unknown.length > 0 ? [`the profile has no figures for ${names}, so that this budget can't be checked`] : []),
    ...(accuracy && drop === undefined && maxDrop !== undefined && !accuracy.synthetic
      ? ["the output has no classes, so that the accuracy target can't be checked"]
      : []),
  ];
  return {
    verdict: "feasible",
    headline: `${fitsHeadline(accuracy)}${unknown.length > 0 ? `; ${names} unknown` : ""}`,
    detail: detail.join("; "),
  };
}

/** Differences of fractions are off by about 1e-17; a sample more or less is far more than this, in any set. */
const rounding = 1e-9;

/** Whether a loss of accuracy is within the accepted one: 0.933 - 0.923 is above 0.01, and is meant to be 0.01. */
export function keepsTarget(drop: number, maxDrop: number): boolean {
  return drop <= maxDrop + rounding;
}

/** Loss of accuracy as a fraction; undefined where the metric has no scale (error energy). */
function dropOf(accuracy: Accuracy): number | undefined {
  return accuracy.metric === "nmse" ? undefined : accuracy.float - accuracy.quantized;
}

function fitsHeadline(accuracy: Accuracy | undefined): string {
  if (accuracy === undefined || accuracy.synthetic) return "Fits, accuracy unknown";
  const expected = accuracy.how === "expected" ? " expected" : "";
  if (accuracy.metric !== "top1") return `Fits, ${formatAccuracy(accuracy)}${expected}`;
  return `Fits, ${formatPoints(accuracy.quantized - accuracy.float)}${expected}`;
}

function fitsDetail(accuracy: Accuracy | undefined): string {
  if (accuracy === undefined) return "nothing was measured";
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
  const [loss, target] = pointsApart(drop, maxDrop);
  return {
    verdict: "infeasible",
    headline: `Fits, but loses ${loss} points; target ${target}`,
    detail: `${fitsDetail(accuracy)}: ${formatAccuracy(accuracy)}`,
    binding: "accuracy",
    nearest: {
      budgets: input.nearest ?? input.budgets,
      remedy: `Allow a loss of ${(Math.ceil(drop * 1000 - 1e-9) / 10).toFixed(1)} points, or raise the budgets: with more room layers get more bits`,
    },
  };
}

/** Two fractions as points, with as many decimals (at most three) as it takes to tell them apart. */
function pointsApart(drop: number, maxDrop: number): readonly [string, string] {
  for (let decimals = 1; ; decimals++) {
    const texts = [(drop * 100).toFixed(decimals), (maxDrop * 100).toFixed(decimals)] as const;
    if (texts[0] !== texts[1] || decimals === 3) return texts;
  }
}

function doesNotFit(input: VerdictInput, first: Overrun, over: readonly Overrun[]): Verdict {
  const names = over.map((b) => resourceName(b.name));
  const headline =
    over.length === 1
      ? `Does not fit: ${names[0]} is ${formatAmount(first.unit, first.use - first.limit)} over`
      : `Does not fit: ${listed(names)}`;
  const nearest = input.nearest ?? input.budgets;
  const raises = over.map(({ name, unit, use }) => {
    const needed = nearest.find((b) => b.name === name)?.use ?? use;
    return `${resourceName(name)} to ${formatEnough(unit, needed)}`;
  });
  const { accuracy } = input;
  const there =
    accuracy && accuracy.metric !== "nmse" && !accuracy.synthetic
      ? `, where ${accuracy.metric === "top1" ? "top-1" : "agreement with float"} is ${formatPercent(accuracy.quantized)}`
      : "";
  return {
    verdict: "infeasible",
    headline,
    detail: whyNot(input, over),
    binding: first.name,
    nearest: { budgets: nearest, remedy: `Raise the budget of ${listed(raises)}${there}` },
  };
}

/** What is proven about the budgets that are exceeded. */
function whyNot({ smallest, allowedBits }: VerdictInput, over: readonly Overrun[]): string {
  const needs = (list: readonly { readonly budget: Overrun; readonly use: number }[]) =>
    listed(
      list.map(({ budget, use }) => {
        const [needed, limit] = formatApart(budget.unit, use, budget.limit);
        return list.length === 1 ? `${needed} of ${limit}` : `${needed} of ${limit} ${resourceName(budget.name)}`;
      }),
    );
  const fixed = over.filter((b) => b.name === "activationMemory").map((budget) => ({ budget, use: budget.use }));
  const activations =
    fixed.length === 0 ? [] : [`Activation memory is ${needs(fixed)}, whatever the bits of the weights.`];
  const others = over.filter((b) => b.name !== "activationMemory");
  const rest = over.length === 1 ? ["Every other budget can be met."] : [];
  if (others.length === 0) return [...activations, ...rest].join(" ");
  const allowed = allowedBits.join(", ");
  if (smallest === undefined) {
    return [`This plan needs ${needs(others.map((budget) => ({ budget, use: budget.use })))}.`, ...activations].join(
      " ",
    );
  }
  const unreachable = others.flatMap((budget) => {
    const use = smallest[budget.name];
    return use !== undefined && use > budget.limit ? [{ budget, use }] : [];
  });
  if (unreachable.length === 0) {
    return [
      `Each budget can be met by itself, but no mix of the allowed bits (${allowed}) meets all of them at once.`,
      ...activations,
    ].join(" ");
  }
  const smallestPlan = `The smallest plan with the allowed bits (${allowed}) needs ${needs(unreachable)}.`;
  return [smallestPlan, ...activations, ...rest].join(" ");
}

/** `a`, `a and b`, `a, b and c`. */
function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}
