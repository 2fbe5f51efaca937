import type { Compute } from "../compute/compute.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Bits } from "../hardware/profile.ts";
import { unmeasurable } from "../pipeline/analysis.ts";
import { CandidateWeights, roundToNearest } from "../pipeline/candidates.ts";
import { memoryFor } from "../pipeline/heldMemory.ts";
import type { PreparedModel } from "../pipeline/prepare.ts";
import type { Inference, OnProgress } from "../ports.ts";
import type { ActivationMap } from "../qdq/types.ts";
import type { WeightSource } from "../sensitivity/layerValues.ts";
import { collectHessians } from "./hessians.ts";
import type { RecoveryMethod } from "./methods.ts";
import { recoveryQuantizer } from "./quantizer.ts";
import { RecoveredWeights } from "./recoveredWeights.ts";
import { roundInSequence } from "./sequential.ts";

/**
 * Samples that recovery looks at. Our choice: twice as many lower the KL divergence of 2-bit networks by a tenth, a quarter of
 * them raises it by a third.
 */
export const recoverySamples = 256;

/** What recovering a model needs. */
export interface RecoveryInput {
  readonly prepared: PreparedModel;
  readonly methods: ReadonlySet<RecoveryMethod>;
  readonly calibration: Dataset;
  readonly inference: Inference;
  readonly batch: number;
  readonly threads?: number;
  /** Where our own arithmetic is done; in place without it. */
  readonly compute?: Compute;
}

/** Weights of one plan, for running and for writing it. */
export type PlanWeights = WeightSource & Pick<CandidateWeights, "quantizedLayer">;

/** The methods that can be used: made-up samples say nothing of what a layer sees, so only those that look at none are left. */
export function usableRecovery(
  methods: ReadonlySet<RecoveryMethod>,
  { synthetic }: Pick<Dataset, "synthetic">,
): ReadonlySet<RecoveryMethod> {
  return synthetic ? new Set([...methods].filter((method) => method === "equalize")) : methods;
}

/** Whether single layers' weights depend on the samples. */
export function looksAtSamples(methods: ReadonlySet<RecoveryMethod>): boolean {
  return (["clip", "bias", "gptq", "coordinate"] as const).some((method) => methods.has(method));
}

/** Every layer's weight at any bitwidth, by the methods for single layers; runs the float model once where there are any. */
export async function candidateWeights(
  input: RecoveryInput,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<CandidateWeights> {
  const { prepared, calibration, inference, batch, threads } = input;
  const methods = usableRecovery(input.methods, calibration);
  if (!looksAtSamples(methods) || unmeasurable(prepared) !== undefined)
    return new CandidateWeights(prepared, roundToNearest, signal);
  const options = { samples: recoverySamples, batch, ...(threads !== undefined && { threads }) };
  const hessians = await collectHessians(prepared, calibration, inference, options, onProgress, signal);
  const quantizer = recoveryQuantizer(methods, hessians, {
    factorBytes: memoryFor("factors", prepared),
    ...(input.compute && { compute: input.compute }),
  });
  return new CandidateWeights(prepared, quantizer, signal);
}

/**
 * The weights of one plan: the candidates, rounded again in sequence where that is switched on.
 * @param bits by layer name; null or absent = float
 */
export async function planWeights(
  input: RecoveryInput,
  candidates: CandidateWeights,
  bits: ReadonlyMap<string, Bits | null>,
  activations: ActivationMap,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<PlanWeights> {
  const { prepared, calibration: dataset } = input;
  const methods = usableRecovery(input.methods, dataset);
  if (!methods.has("sequential") || unmeasurable(prepared) !== undefined) return candidates;
  const made = await roundInSequence(
    { ...input, bits, weights: candidates, activations, dataset, samples: recoverySamples },
    onProgress,
    signal,
  );
  return new RecoveredWeights(candidates, prepared.discovery.sites, made);
}
