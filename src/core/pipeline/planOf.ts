import { uniformBits } from "../allocate/uniform.ts";
import { allowedBits } from "../hardware/allowedBits.ts";
import { allBits } from "../hardware/bitPairs.ts";
import type { Bits } from "../hardware/profile.ts";
import type { Accuracy, Baseline, Plan, Strategy } from "../plan/types.ts";
import { overruns, verdictOf } from "../plan/verdict.ts";
import type { OnProgress } from "../ports.ts";
import type { WeightSource } from "../sensitivity/layerValues.ts";
import type { SensitivityMetric, SensitivityTable, WeightStatistics } from "../sensitivity/types.ts";
import type { DeviceFit } from "./deviceFit.ts";
import { simulatedAccuracy } from "./drop.ts";
import { type LossOf, totalLoss } from "./loss.ts";
import type { BitsByLayer, MixEvaluator } from "./mix.ts";
import type { Proposal } from "./propose.ts";

export interface PlanInput {
  readonly fit: DeviceFit;
  readonly proposal: Proposal;
  /** File name of the model, its hash, and the profile as the plan refers to it. */
  readonly model: string;
  readonly modelHash: string;
  readonly profile: string;
  readonly strategy: Strategy;
  readonly activationRange: Plan["activations"]["range"];
  readonly statistics: ReadonlyMap<string, WeightStatistics>;
  readonly sensitivity: SensitivityTable["byLayer"];
  readonly metric: SensitivityMetric | "weights";
  readonly synthetic: boolean;
  readonly maxDrop?: number;
  readonly accuracy?: Accuracy;
}

/** The plan of a proposal, with its verdict. */
export function planOf(input: PlanInput): Plan {
  const { fit, proposal, accuracy, maxDrop } = input;
  const budgets = fit.budgets(proposal.bits);
  const verdict = verdictOf({
    budgets,
    ...(accuracy && { accuracy }),
    // Made-up samples predict no accuracy, so that no target can be missed on them.
    ...(maxDrop !== undefined && !accuracy?.synthetic && { maxDrop }),
    ...(proposal.smallest && { smallest: proposal.smallest }),
    allowedBits: baselineBits(fit),
  });
  return {
    version: 1,
    model: input.model,
    modelHash: input.modelHash,
    profile: input.profile,
    strategy: input.strategy,
    activations: { quantized: fit.activationBits !== null, range: input.activationRange },
    sensitivityMetric: input.metric,
    synthetic: input.synthetic,
    layers: fit.rows(proposal.bits, input.statistics, input.sensitivity),
    budgets,
    ...(accuracy && { accuracy }),
    verdict,
    trace: proposal.trace,
    ...(proposal.certificate && { certificate: proposal.certificate }),
  };
}

/** Bitwidths that at least one layer may have: those of the uniform baselines. */
export function baselineBits(fit: DeviceFit): readonly Bits[] {
  const { prepared, profile, candidates } = fit.input;
  const used = new Set(prepared.discovery.layers.flatMap((layer) => allowedBits(layer, profile, candidates)));
  return allBits.filter((bits) => used.has(bits));
}

/**
 * What one bitwidth for all layers costs and loses, for every supported bitwidth.
 * @param known baselines of the same model, device and samples under other budgets: their accuracies hold
 * @param evaluator runs them on labelled samples (simulated); without it only sizes and expected losses are known
 * @param rounded weights rounded to the nearest, where the evaluator's own are recovered ones
 */
export async function uniformBaselines(
  fit: DeviceFit,
  loss: LossOf,
  evaluator: MixEvaluator | undefined,
  synthetic: boolean,
  onProgress: OnProgress,
  signal?: AbortSignal,
  known: readonly Baseline[] = [],
  rounded?: WeightSource,
): Promise<Baseline[]> {
  const wanted = baselineBits(fit);
  const baselines: Baseline[] = [];
  const run = async (plan: BitsByLayer, source?: WeightSource) =>
    evaluator &&
    simulatedAccuracy(evaluator.float, await evaluator.evaluate(plan, signal, source), evaluator.samples, synthetic);
  for (const bits of wanted) {
    signal?.throwIfAborted();
    onProgress({ stage: "Baselines", done: baselines.length, total: wanted.length, note: `uniform ${bits} bits` });
    const plan = uniformBits(fit.table, bits);
    const before = known.find((baseline) => baseline.bits === bits);
    const accuracy = before?.accuracy ?? (await run(plan));
    const plain = before?.rounded ?? (rounded && (await run(plan, rounded)));
    baselines.push({
      bits,
      weightMemory: fit.weightMemory(plan),
      fits: overruns(fit.budgets(plan)).length === 0,
      loss: totalLoss(plan, loss),
      ...(accuracy && { accuracy }),
      ...(plain && { rounded: plain }),
    });
  }
  return baselines;
}
