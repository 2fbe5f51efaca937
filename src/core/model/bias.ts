import type { NodeProto } from "onnx-buf";
import { floatAttribute } from "../onnx/build.ts";
import type { LayerSite } from "./discover.ts";

/** Output channels of a layer: the length of its bias. */
export function outputChannels({ layer, chain }: LayerSite): number {
  const channels = chain.shape[layer.channelAxis] ?? 1;
  return layer.opType === "ConvTranspose" ? channels * layer.groups : channels;
}

/**
 * Whether a constant can be added to each output channel of the layer: by its bias input, or for MatMul by an Add behind
 * it. Not where several nodes share the weight (each would need its own), where the bias is computed at run time, or
 * where Gemm scales it.
 */
export function takesBias(site: LayerSite): boolean {
  const [use] = site.uses;
  if (use === undefined || site.uses.length > 1) return false;
  const { node, slot } = use;
  switch (node.opType) {
    case "Conv":
    case "ConvTranspose":
      return hasOwnBias(node, use.bias);
    case "Gemm":
      return (
        slot === 1 &&
        hasOwnBias(node, use.bias) &&
        floatAttribute(node, "alpha", 1) === 1 &&
        floatAttribute(node, "beta", 1) === 1 &&
        (use.bias === "" || site.layer.biasParams === outputChannels(site))
      );
    case "MatMul":
      return slot === 1;
    default:
      return false;
  }
}

function hasOwnBias(node: NodeProto, constantBias: string): boolean {
  return (node.input[2] ?? "") === constantBias;
}
