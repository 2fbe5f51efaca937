import { type Dataset, rowWeights } from "../data/dataset.ts";
import { SigmaQuantError } from "../errors.ts";
import type { Accuracy } from "../plan/types.ts";
import type { InferenceSession, OnProgress, Tensor } from "../ports.ts";
import { type ChangedPredictions, largestError, OutputComparison, type OutputKind } from "../sensitivity/outputs.ts";

/** One model's scores on a labelled set; fractions, loss in nats. */
export interface Scores {
  readonly top1?: number;
  readonly top5?: number;
  readonly loss?: number;
}

/** A quantized model beside its float model, on the same samples. */
export interface Evaluation {
  readonly samples: number;
  readonly synthetic: boolean;
  readonly float: Scores;
  readonly quantized: Scores;
  /** Fraction of rows with the same most likely class; classifiers only. */
  readonly agreement?: number;
  /** KL(float || quantized) of the class probabilities, nats; classifiers only. */
  readonly kl?: number;
  /** Error energy over signal energy, all outputs together. */
  readonly nmse: number;
  readonly outputs: readonly OutputDifference[];
  /** Classifiers with labels only. */
  readonly changed?: ChangedPredictions;
}

/** One output of the two models. */
export interface OutputDifference {
  readonly name: string;
  /** N for the axis of the samples. */
  readonly shape: readonly (number | "N")[];
  readonly sqnrDb: number;
  readonly nmse: number;
  /** Largest difference of two values, in the output's unit. */
  readonly maxError: number;
}

/** Before the first batch. */
const noShape: OutputDifference["shape"] = [];

/**
 * Runs both models over a set, streaming; memory is one batch. Inputs and outputs have the same names (`checkNames`).
 * @throws SQ1028 when outputs have other shapes
 */
export async function evaluateSessions(
  float: InferenceSession,
  quantized: InferenceSession,
  dataset: Dataset,
  outputKind: OutputKind,
  options: { readonly samples?: number; readonly batch: number },
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<Evaluation> {
  const total = Math.min(options.samples ?? dataset.samples, dataset.samples);
  const all = new OutputComparison();
  const own = new OutputComparison();
  // Sequences and maps have no form here, and nothing to compare.
  const names = float.outputs.filter(({ type }) => type !== "unknown").map(({ name }) => name);
  const perOutput = names.map(() => ({ comparison: new OutputComparison(), maxError: 0, shape: noShape }));
  let done = 0;
  while (done < total) {
    signal?.throwIfAborted();
    onProgress({ stage: "Evaluating", done, total });
    const batch = await dataset.batch(done, Math.min(options.batch, total - done), signal);
    const reference = inOrder(await float.run(batch.feeds), names);
    const outputs = inOrder(await quantized.run(batch.feeds), names);
    checkShapes(names, reference, outputs);
    const weights = rowWeights(batch);
    all.add(outputKind, outputs, reference, batch.labels, weights);
    own.add(outputKind, reference, reference, batch.labels, weights);
    for (const [i, own] of perOutput.entries()) {
      const [output, ref] = [outputs[i], reference[i]];
      if (!output || !ref) continue;
      own.comparison.add("values", [output], [ref], undefined, weights);
      own.maxError = Math.max(own.maxError, largestError(output, ref));
      own.shape = ref.dims.map((size, axis) => (axis === 0 && size === batch.samples ? "N" : size));
    }
    done += batch.samples;
  }
  onProgress({ stage: "Evaluating", done: total, total });
  return {
    samples: total,
    synthetic: dataset.synthetic,
    float: scores(own),
    quantized: scores(all),
    ...(all.agreement !== undefined && { agreement: all.agreement }),
    ...(all.kl !== undefined && { kl: all.kl }),
    nmse: all.nmse,
    outputs: perOutput.map(({ comparison: { sqnrDb, nmse }, shape, maxError }, i) => ({
      name: names[i] as string,
      shape,
      sqnrDb,
      nmse,
      maxError,
    })),
    ...(all.changed && { changed: all.changed }),
  };
}

/** The one figure that a verdict and a table show: top-1 with labels, agreement for classifiers without, error energy elsewhere. */
export function headlineAccuracy(evaluation: Evaluation, how: Accuracy["how"]): Accuracy {
  const common = { samples: evaluation.samples, how, ...(evaluation.synthetic && { synthetic: true }) };
  const { float, quantized, agreement } = evaluation;
  if (float.top1 !== undefined && quantized.top1 !== undefined) {
    return { metric: "top1", float: float.top1, quantized: quantized.top1, ...common };
  }
  if (agreement !== undefined) return { metric: "agreement", float: 1, quantized: agreement, ...common };
  return { metric: "nmse", float: 0, quantized: evaluation.nmse, ...common };
}

/** Loss of accuracy as a fraction, whatever the metric: what a maximal drop is compared with. */
export function accuracyDrop(accuracy: Accuracy): number {
  return accuracy.metric === "nmse" ? accuracy.quantized - accuracy.float : accuracy.float - accuracy.quantized;
}

function scores(comparison: OutputComparison): Scores {
  const { top1, top5, loss } = comparison;
  return {
    ...(top1 !== undefined && { top1 }),
    ...(top5 !== undefined && { top5 }),
    ...(loss !== undefined && { loss }),
  };
}

function inOrder(values: Readonly<Record<string, Tensor>>, names: readonly string[]): Tensor[] {
  return names.flatMap((name) => (values[name] ? [values[name]] : []));
}

/** @throws SQ1028 when inputs or outputs have other names */
export function checkNames(float: InferenceSession, quantized: InferenceSession): void {
  const listed = (values: readonly { readonly name: string }[]) => values.map(({ name }) => name).join(", ");
  const within = (part: InferenceSession["inputs"], all: InferenceSession["inputs"]) =>
    part.every(({ name }) => all.some((other) => other.name === name));
  if (!within(quantized.inputs, float.inputs)) {
    throw differ(`The models' inputs differ: ${listed(float.inputs)} and ${listed(quantized.inputs)}`);
  }
  if (!within(float.outputs, quantized.outputs)) {
    throw differ(`The models' outputs differ: ${listed(float.outputs)} and ${listed(quantized.outputs)}`);
  }
}

function checkShapes(names: readonly string[], reference: readonly Tensor[], outputs: readonly Tensor[]): void {
  for (const [i, { dims }] of reference.entries()) {
    const other = outputs[i]?.dims ?? [];
    if (dims.join() === other.join()) continue;
    throw differ(
      `The output ${names[i]} has the shape [${dims.join(", ")}] in one model and [${other.join(", ")}] in the other`,
    );
  }
}

function differ(message: string): SigmaQuantError {
  return new SigmaQuantError("SQ1028", "models-differ", message, {
    remedy: "Compare a quantized model with the float model that it was made from",
  });
}
