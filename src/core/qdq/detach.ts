import type { LayerSite } from "../model/discover.ts";
import { isRecurrent } from "../model/operators.ts";
import type { BiasForm } from "./bias.ts";
import type { QuantizedLayer } from "./types.ts";
import type { QdqDomains } from "./weights.ts";

/**
 * ONNX Runtime puts integer kernels in the place of layers between dequantized values. Some do not work, and it does not
 * look; a Reshape between the weight's DequantizeLinear and the layer keeps those in float:
 * - in opsets that lack the kernels (the session does not load);
 * - QLinearMatMul takes scales per channel only for a matrix on the right (the session loads, and fails when it runs);
 * - none takes a scale for each block (the session loads, and a product of int8 fails when it runs);
 * - a float bias is made an int32 in units of s_x * s_w whether it fits or not (wrong numbers: biases of channels with tiny
 *   weights overflow, with activations of 16 bits on real models).
 * @param isQuantized whether an activation is the output of a DequantizeLinear
 */
export function needsDetaching(
  { layer, uses }: LayerSite,
  { blockSize }: QuantizedLayer,
  bias: BiasForm,
  isQuantized: (activation: string) => boolean,
  domains: QdqDomains,
): boolean {
  const multiplies = layer.opType === "MatMul" || layer.opType === "Gemm";
  return uses.some(({ node, slot }) => {
    if (isRecurrent(node) || !isQuantized(node.input[slot === 0 ? 1 : 0] ?? "")) return false;
    const hasFloatBias =
      node.opType !== "MatMul" && (bias.kind === "float" || (bias.kind === "none" && (node.input[2] ?? "") !== ""));
    return (
      !domains.kernels ||
      blockSize !== undefined ||
      (multiplies && (slot === 0 || layer.weightShape.length > 2)) ||
      hasFloatBias
    );
  });
}
