import {
  formatAccuracy,
  formatAmount,
  formatBytes,
  formatCount,
  formatPercent,
  formatSensitivity,
  resourceName,
} from "../core/plan/format.ts";
import { averageBits } from "../core/plan/summary.ts";
import type { Baseline, Plan } from "../core/plan/types.ts";
import { print, renderTable } from "./output.ts";

/** The result as machines read it. */
export function planJson(
  plan: Plan,
  more: {
    readonly baselines: readonly Baseline[];
    readonly notes: readonly string[];
    readonly files: Readonly<Record<string, string>>;
    readonly evaluation?: object;
  },
): object {
  const { verdict, headline: summary, detail, binding, nearest } = plan.verdict;
  const { strategy, profile, budgets, layers, accuracy, certificate, trace, sensitivityMetric, synthetic } = plan;
  return {
    verdict,
    summary,
    detail,
    binding,
    nearest,
    strategy,
    model: plan.model,
    profile,
    budgets,
    averageBits: averageBits(layers),
    sensitivityMetric,
    synthetic,
    layers,
    accuracy,
    ...(more.evaluation && { evaluation: more.evaluation }),
    baselines: more.baselines,
    certificate,
    trace,
    notes: more.notes,
    files: more.files,
  };
}

/** The result as people read it: layers, budgets, uniform bitwidths beside it, and last of all the verdict. */
export function printPlan(plan: Plan, baselines: readonly Baseline[], notes: readonly string[]): void {
  const mark = plan.synthetic ? "~" : "";
  print(
    renderTable(
      ["#", "Layer", "Op", "Weight", "Params", "MACs", "σ", "Sensitivity", "W bits", "A bits", "Bytes"],
      plan.layers.map((l, i) => [
        String(i + 1),
        l.name,
        l.opType,
        l.weightShape.join("×"),
        formatCount(l.params),
        l.macs === undefined ? "–" : formatCount(l.macs),
        l.sigma === undefined ? "–" : l.sigma.toFixed(4),
        l.weightBits === null ? "–" : `${mark}${formatSensitivity(l.sensitivity?.[l.weightBits] ?? 0)}`,
        l.weightBits === null ? `float: ${l.floatReason}` : `${l.weightBits}${l.pinned ? " pinned" : ""}`,
        l.activationBits === null ? "float" : String(l.activationBits),
        formatBytes(l.bytes, 2),
      ]),
      "rlllrrrrrrr",
    ),
  );
  print();
  print(
    renderTable(
      ["Budget", "Use", "Limit", "Margin"],
      plan.budgets.map((b) => [
        resourceName(b.name),
        b.use === undefined ? "no figure" : formatAmount(b.unit, b.use),
        b.limit === undefined ? "–" : formatAmount(b.unit, b.limit),
        b.limit === undefined || b.use === undefined ? "–" : formatAmount(b.unit, b.limit - b.use),
      ]),
      "lrrr",
    ),
  );
  print();
  print(
    renderTable(["Plan", "Weight memory", "Fits", "Accuracy"], [...baselines.map(baselineRow), ownRow(plan)], "lrlr"),
  );
  if (plan.certificate) {
    const { loss, optimum, gap } = plan.certificate;
    const proof = gap === 0 ? "proven" : `within ${formatPercent(gap)} of the proven bound`;
    print(
      `\nTotal sensitivity ${formatSensitivity(loss)}; the best possible under these budgets is ${formatSensitivity(optimum)} (${proof}).`,
    );
  }
  for (const note of notes) print(`Note: ${note}`);
}

function baselineRow(b: Baseline): string[] {
  return [
    `uniform ${b.bits} bits`,
    formatBytes(b.weightMemory),
    b.fits ? "yes" : "no",
    b.accuracy ? formatAccuracy(b.accuracy) : "–",
  ];
}

function ownRow(plan: Plan): string[] {
  const memory = plan.budgets.find((b) => b.name === "weightMemory");
  return [
    `${plan.strategy}, ${averageBits(plan.layers).toFixed(2)} bits on average`,
    formatBytes(memory?.use ?? 0),
    plan.verdict.binding === undefined || plan.verdict.binding === "accuracy" ? "yes" : "no",
    plan.accuracy ? formatAccuracy(plan.accuracy) : "–",
  ];
}

/** The last lines: what came out, and if it does not fit, what would. */
export function printVerdict(plan: Plan): void {
  const { headline, detail, nearest } = plan.verdict;
  print(`\n${headline} (${detail})`);
  if (nearest) print(`Nearest: ${nearest.remedy}`);
}
