import { stat } from "node:fs/promises";
import path from "node:path";
import { averageBits } from "../core/plan/summary.ts";
import type { Accuracy, Baseline, Plan } from "../core/plan/types.ts";
import type { QuantizeOutcome } from "../engine/jobs.ts";
import type { OutputFiles } from "../node/quantizeToFiles.ts";
import type { Comparison, ComparisonColumn } from "../protocol/editor.ts";

export interface ComparisonInput {
  readonly model: string;
  readonly profileName: string;
  readonly files: OutputFiles;
  readonly outcome: QuantizeOutcome;
  readonly floatWeightBytes: number;
  readonly floatActivationBytes?: number;
  readonly seconds: number;
  /** Largest loss of accuracy, a fraction. */
  readonly maxDrop?: number;
}

/** Lays a run's result out for the page: float, quantized, and uniform bitwidths beside it. */
export async function comparisonOf(input: ComparisonInput): Promise<Comparison> {
  const { outcome, files } = input;
  const { plan, evaluation, written } = outcome;
  const wanted = [
    ...(written ? [written.model] : []),
    ...(written?.data ? [written.data] : []),
    files.plan,
    files.report,
    files.csv,
  ];
  const sizes = await Promise.all(wanted.map(async (file) => ({ path: file, bytes: (await stat(file)).size })));
  const floatFile = (await stat(input.model)).size;
  return {
    source: path.basename(input.model),
    quantized: path.basename(files.model),
    profileName: input.profileName,
    seconds: input.seconds,
    verdict: plan.verdict,
    budgets: plan.budgets,
    columns: [
      {
        kind: "float",
        title: "Float",
        subtitle: "float32",
        ...evaluation?.float,
        fileBytes: floatFile,
        uses: {
          weightMemory: input.floatWeightBytes,
          ...(input.floatActivationBytes !== undefined && { activationMemory: input.floatActivationBytes }),
        },
      },
      quantizedColumn(plan, outcome),
      ...outcome.baselines.toReversed().map((baseline) => baselineColumn(baseline, input.maxDrop)),
    ],
    outputs: (evaluation?.outputs ?? []).map(({ name, shape, sqnrDb, maxError }) => ({
      name,
      shape: shape.join("×"),
      sqnrDb,
      maxError,
    })),
    ...(evaluation?.changed && { changed: evaluation.changed }),
    files: sizes,
    notes: outcome.notes,
  };
}

function quantizedColumn(plan: Plan, { evaluation, written }: QuantizeOutcome): ComparisonColumn {
  const uses = Object.fromEntries(plan.budgets.flatMap(({ name, use }) => (use === undefined ? [] : [[name, use]])));
  const { verdict, binding } = plan.verdict;
  return {
    kind: "quantized",
    title: "Quantized",
    subtitle: `${averageBits(plan.layers).toFixed(1)} bits`,
    ...evaluation?.quantized,
    ...(evaluation?.agreement !== undefined && { agreement: evaluation.agreement }),
    ...(evaluation?.kl !== undefined && { kl: evaluation.kl }),
    ...(written && { fileBytes: written.bytes }),
    uses,
    verdict: verdict === "feasible" ? "fits" : binding === "accuracy" ? "lossTooHigh" : "doesNotFit",
  };
}

function baselineColumn(
  { bits, weightMemory, fits, accuracy, rounded }: Baseline,
  maxDrop: number | undefined,
): ComparisonColumn {
  const tooHigh = maxDrop !== undefined && accuracy !== undefined && dropOf(accuracy) > maxDrop;
  return {
    kind: "baseline",
    title: `Uniform ${bits}`,
    subtitle: rounded ? "recovered" : "baseline",
    ...(accuracy?.metric === "top1" && { top1: accuracy.quantized }),
    ...(accuracy?.metric === "agreement" && { agreement: accuracy.quantized }),
    uses: { weightMemory },
    verdict: !fits ? "doesNotFit" : tooHigh ? "lossTooHigh" : "fits",
  };
}

function dropOf({ metric, float, quantized }: Accuracy): number {
  return metric === "nmse" ? 0 : float - quantized;
}
