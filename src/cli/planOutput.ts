import {
  accuracyColumns,
  budgetCells,
  formatBytes,
  formatCount,
  formatSensitivity,
  resourceName,
} from "../core/plan/format.ts";
import { averageBits } from "../core/plan/summary.ts";
import type { Baseline, Plan } from "../core/plan/types.ts";
import { overruns } from "../core/plan/verdict.ts";
import { printFloatReasons } from "./floatReasons.ts";
import { print, printNotes } from "./output.ts";
import { columns, renderTable, terminalWidth, wrap } from "./table.ts";

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
    // One shape for all five: null = no limit, and null = the profile has no figure for its use.
    budgets: budgets.map(({ name, limit, use, unit }) => ({ name, limit: limit ?? null, use: use ?? null, unit })),
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
  print(layerTable(plan));
  printFloatReasons(plan.layers);
  print();
  const budgets = plan.budgets.map((b) => [resourceName(b.name), ...budgetCells(b)]);
  print(renderTable(columns(["Budget", "Use", "Limit", "Margin"], "lrrr"), budgets));
  print();
  const accuracy = accuracyColumns(baselines);
  const plans = [
    ...baselines.map((baseline) => [...baselineRow(baseline), ...accuracy.cells(baseline)]),
    [...ownRow(plan), ...accuracy.cells(plan)],
  ];
  const heads = ["Plan", "Weight memory", "Fits", ...accuracy.heads];
  print(renderTable(columns(heads, `lrl${"r".repeat(accuracy.heads.length)}`), plans));
  if (plan.certificate) {
    const { loss, optimum, gap } = plan.certificate;
    const proof = gap === 0 ? "proven" : `within ${(gap * 100).toFixed(2)} % of a proven bound`;
    const sum = `Total sensitivity ${mark(plan)}${formatSensitivity(loss)}`;
    print();
    print(
      wrap(
        `${sum}; the best possible under these budgets is ${mark(plan)}${formatSensitivity(optimum)} (${proof}).`,
        terminalWidth(),
      ),
    );
  }
  if (notes.length > 0) print();
  printNotes(notes);
}

function mark(plan: Plan): string {
  return plan.synthetic ? "~" : "";
}

function layerTable(plan: Plan): string {
  return renderTable(
    [
      { head: "#", align: "right" },
      { head: "Layer", shrink: "cut" },
      { head: "Op", drop: 5 },
      { head: "Weight", drop: 4 },
      { head: "Params", align: "right", drop: 3 },
      { head: "MACs", align: "right", drop: 0 },
      { head: "σ", align: "right", drop: 2 },
      { head: "Sensitivity", align: "right" },
      { head: "W bits", align: "right" },
      { head: "A bits", align: "right", drop: 1 },
      { head: "Bytes", align: "right" },
    ],
    plan.layers.map((l, i) => [
      String(i + 1),
      l.name,
      l.opType,
      l.weightShape.join("×"),
      formatCount(l.params),
      l.macs === undefined ? "–" : formatCount(l.macs),
      l.sigma === undefined ? "–" : l.sigma.toFixed(4),
      l.weightBits === null ? "–" : `${mark(plan)}${formatSensitivity(l.sensitivity?.[l.weightBits] ?? 0)}`,
      l.weightBits === null ? "float" : `${l.pinned ? "pinned " : ""}${l.weightBits}`,
      l.activationBits === null ? "float" : String(l.activationBits),
      formatBytes(l.bytes, 2),
    ]),
  );
}

function baselineRow(b: Baseline): string[] {
  return [`uniform ${b.bits} bits`, formatBytes(b.weightMemory), b.fits ? "yes" : "no"];
}

function ownRow(plan: Plan): string[] {
  const memory = plan.budgets.find((b) => b.name === "weightMemory");
  return [
    `${plan.strategy}, ${plan.layers.every((l) => l.weightBits === null) ? "all in float" : `${averageBits(plan.layers).toFixed(2)} bits on average`}`,
    formatBytes(memory?.use ?? 0),
    overruns(plan.budgets).length === 0 ? "yes" : "no",
  ];
}

/** The last lines: what came out, and if it does not fit, what would. */
export function printVerdict(plan: Plan): void {
  const { headline, detail, nearest } = plan.verdict;
  const width = terminalWidth();
  print();
  print(wrap(`${headline} (${detail.replace(/\.$/, "")})`, width));
  if (nearest) print(wrap(`Nearest: ${nearest.remedy}`, width));
}
