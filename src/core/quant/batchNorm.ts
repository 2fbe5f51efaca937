import { SigmaQuantError } from "../errors.ts";
import { checkedView, forEachScaleRun, rowLength } from "./channelView.ts";

/** The constants of an inference-mode BatchNormalization, one per output channel, and its epsilon. */
export interface BatchNormParameters {
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  readonly epsilon: number;
}

/**
 * Folds y = gamma * (x - mean) / sqrt(variance + epsilon) + beta (ONNX BatchNormalization) into the linear layer that
 * makes x:
 *   factor[c] = gamma[c] / sqrt(variance[c] + epsilon)
 *   weight'   = weight * factor[c],   bias'[c] = (bias[c] - mean[c]) * factor[c] + beta[c]
 * In double, each result rounded once to float32. The inputs are left as they are.
 * A negative variance or a zero one with epsilon 0 gives weights that are not finite, which quantizing then reports
 * (SQ2101).
 * @param axis the weight's output-channel axis; @param bias per channel, undefined = zeros
 * @throws SQ2102 when the normalization or the bias has another number of channels; SQ9101, SQ9102 as checkedView
 */
export function foldBatchNormInto(
  weight: Float32Array,
  shape: readonly number[],
  axis: number,
  bias: Float32Array | undefined,
  { gamma, beta, mean, variance, epsilon }: BatchNormParameters,
): { readonly weight: Float32Array; readonly bias: Float32Array } {
  const view = checkedView(weight.length, shape, axis);
  const { channels } = view;
  for (const values of [gamma, beta, mean, variance, ...(bias ? [bias] : [])]) {
    if (values.length !== channels) {
      throw new SigmaQuantError(
        "SQ2102",
        "batch-norm-channels",
        `a BatchNormalization of ${values.length} channels follows a layer of ${channels}`,
        { remedy: "Export the model again; ONNX's checker refuses it too" },
      );
    }
  }
  const factors = new Float64Array(channels);
  const foldedBias = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    const factor = (gamma[c] as number) / Math.sqrt((variance[c] as number) + epsilon);
    factors[c] = factor;
    foldedBias[c] = ((bias?.[c] ?? 0) - (mean[c] as number)) * factor + (beta[c] as number);
  }
  const folded = new Float32Array(weight.length);
  forEachScaleRun(view, Math.max(1, rowLength(view)), (at, length, index, step) => {
    for (let i = at, c = index; i < at + length; i++, c += step) {
      folded[i] = (weight[i] as number) * (factors[c] as number);
    }
  });
  return { weight: folded, bias: foldedBias };
}
