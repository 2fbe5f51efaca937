import type { Dataset } from "../data/dataset.ts";
import type { ActivationBits } from "../hardware/profile.ts";
import type { OnProgress } from "../ports.ts";
import type { ActivationQuantization } from "../qdq/types.ts";
import type { ActivationRange } from "../quant/activation.ts";
import { activationQuantizations, type Calibration } from "./calibrate.ts";
import { MixEvaluator, type MixOptions } from "./mix.ts";
import type { PreparedModel } from "./prepare.ts";

/** How activations' ranges are found; "auto" tries each on the network and takes what changes its output least. */
export type RangeChoice = ActivationRange | "auto";

/** In the order of preference where they are equally good; the paper's first. */
const ranges: readonly ActivationRange[] = ["percentile", "mse", "minmax"];

/** Samples that the methods are tried on: they differ by factors where they differ at all. Our choice. */
const trialSamples = 128;

export interface ChosenActivations {
  readonly range: ActivationRange;
  readonly activations: ReadonlyMap<string, ActivationQuantization>;
}

/**
 * Scales and zero points of the values `names`. No method is best for all networks: clipping helps where tails are noise
 * and ruins detectors whose few large activations are the detections.
 * @param trial what a run needs; weights stay in float
 */
export async function chooseActivations(
  prepared: PreparedModel,
  calibration: Calibration,
  names: readonly string[],
  bits: ActivationBits,
  choice: RangeChoice,
  dataset: Dataset,
  trial: Pick<MixOptions, "inference" | "weights" | "batch" | "threads">,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<ChosenActivations> {
  const made = (range: ActivationRange) => activationQuantizations(calibration, names, bits, range);
  if (choice !== "auto") return { range: choice, activations: made(choice) };
  let best: (ChosenActivations & { readonly harm: number }) | undefined;
  for (const [done, range] of ranges.entries()) {
    signal?.throwIfAborted();
    onProgress({ stage: "Activation ranges", done, total: ranges.length, note: range });
    const activations = made(range);
    const evaluator = await MixEvaluator.open(
      prepared,
      dataset,
      { ...trial, activations, samples: trialSamples },
      () => {},
      signal,
    );
    try {
      const { kl, nmse } = await evaluator.evaluate(new Map(), signal);
      const harm = kl ?? nmse;
      if (best === undefined || harm < best.harm) best = { range, activations, harm };
    } finally {
      await evaluator.close();
    }
  }
  return best ?? { range: "percentile", activations: made("percentile") };
}
