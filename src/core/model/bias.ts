import { floatAttribute } from "../onnx/build.ts";
import type { TensorStore } from "../onnx/tensors.ts";
import type { LayerSite } from "./discover.ts";
import { isNested } from "./paths.ts";
import { readWeight } from "./readWeight.ts";
import { product } from "./weightChain.ts";

/** Output channels of a layer: the length of its bias. */
export function outputChannels({ layer, chain }: LayerSite): number {
  const channels = chain.shape[layer.channelAxis] ?? 1;
  return layer.opType === "ConvTranspose" ? channels * layer.groups : channels;
}

/**
 * Whether a constant can be added to each output channel of the layer: by its bias input, or for MatMul by an Add behind
 * it. Not where several nodes share the weight (each would need its own), in bodies of control flow, where the bias is computed
 * at run time, or where Gemm scales it or adds it along the other axis.
 */
export function takesBias(site: LayerSite): boolean {
  const [use] = site.uses;
  if (use === undefined || site.uses.length > 1 || isNested(use)) return false;
  const { node, slot } = use;
  switch (node.opType) {
    case "Conv":
    case "ConvTranspose":
      return hasOwnBias(site);
    case "Gemm":
      return (
        slot === 1 &&
        hasOwnBias(site) &&
        floatAttribute(node, "alpha", 1) === 1 &&
        floatAttribute(node, "beta", 1) === 1
      );
    case "MatMul":
      return slot === 1;
    default:
      return false;
  }
}

/** No bias at all, or a constant one with an element for each output channel. */
function hasOwnBias(site: LayerSite): boolean {
  const [use] = site.uses;
  if (use === undefined || (use.node.input[2] ?? "") !== use.bias) return false;
  const shape = use.biasChain?.shape;
  const channels = outputChannels(site);
  return shape === undefined || (shape.at(-1) === channels && product(shape) === channels);
}

/**
 * The layer's constant bias as float32, [output channels]; undefined where it has none, or takes none.
 * @throws what reading the tensor throws
 */
export async function readBias(tensors: TensorStore, site: LayerSite): Promise<Float32Array | undefined> {
  const chain = site.uses[0]?.biasChain;
  return chain && takesBias(site) ? readWeight(tensors, chain) : undefined;
}
