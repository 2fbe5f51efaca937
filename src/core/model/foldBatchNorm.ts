import { type NodeProto, TensorProto_DataType } from "onnx-buf";
import { floatAttribute, intAttribute, tensor } from "../onnx/build.ts";
import { freshNames } from "../onnx/graph.ts";
import { copyModel, type OnnxModel } from "../onnx/model.ts";
import type { TensorStore } from "../onnx/tensors.ts";
import { type BatchNormParameters, foldBatchNormInto } from "../quant/batchNorm.ts";
import { isStandard } from "./constantNode.ts";
import { foldBiasAdds } from "./foldBiasAdd.ts";
import { channelAxisOf } from "./operators.ts";
import { pruner } from "./prune.ts";
import { onlyReader, type Readers, readersOf } from "./readers.ts";
import { readWeight } from "./readWeight.ts";
import { graphScope, type Scope } from "./scope.ts";
import { product, traceConstant, type WeightChain } from "./weightChain.ts";

const foldableOps = new Set(["Conv", "ConvTranspose", "Gemm"]);

/** A layer and the normalization behind it, all of whose constants are at hand. */
interface Pair {
  readonly layer: NodeProto;
  readonly norm: NodeProto;
  readonly weight: WeightChain;
  readonly axis: number;
  readonly bias: WeightChain | undefined;
  /** gamma, beta, mean, variance. */
  readonly parameters: readonly WeightChain[];
}

/**
 * Folds every inference-mode BatchNormalization into the float32 convolution or Gemm that alone feeds it, in a copy of the
 * model. The layer's weight becomes a new initializer: quantizing it before folding would waste its range on factors
 * that the normalization takes out again. A weight that other nodes use too stays as it is for them. Constants that an Add
 * behind a convolution adds become its bias first.
 * @returns the same model when there is nothing to fold; how many normalizations were folded
 */
export async function foldBatchNorm(
  original: OnnxModel,
  signal?: AbortSignal,
): Promise<{ readonly model: OnnxModel; readonly folded: number }> {
  const model = copyModel(original);
  const biases = await foldBiasAdds(model, signal);
  const { graph, tensors } = model;
  const scope = graphScope(graph);
  const readers = readersOf(graph);
  const pairs: Pair[] = [];
  for (const norm of graph.node) {
    signal?.throwIfAborted();
    const pair = isNorm(norm) ? await foldable(scope, readers, tensors, norm) : undefined;
    if (pair) pairs.push(pair);
  }
  if (pairs.length === 0) return { model: biases > 0 ? model : original, folded: 0 };
  const prune = pruner(graph);
  const fresh = freshNames(graph);
  for (const { layer, norm, weight, axis, bias, parameters } of pairs) {
    signal?.throwIfAborted();
    const [gamma, beta, mean, variance] = await Promise.all(parameters.map((chain) => readWeight(tensors, chain)));
    const epsilon = floatAttribute(norm, "epsilon", 1e-5);
    const constants = { gamma, beta, mean, variance, epsilon } as BatchNormParameters;
    const values = await readWeight(tensors, weight, signal);
    const folded = foldBatchNormInto(values, weight.shape, axis, bias && (await readWeight(tensors, bias)), constants);
    const weightName = fresh(`${weight.tensorName}.folded`);
    const biasName = fresh(`${weight.tensorName}.folded_bias`);
    graph.initializer.push(
      tensor(tensors, weightName, TensorProto_DataType.FLOAT, weight.shape, folded.weight),
      tensor(tensors, biasName, TensorProto_DataType.FLOAT, [folded.bias.length], folded.bias),
    );
    layer.input[1] = weightName;
    layer.input[2] = biasName;
    layer.output[0] = norm.output[0] as string;
  }
  const removed = new Set(pairs.map((pair) => pair.norm));
  graph.node = graph.node.filter((node) => !removed.has(node));
  prune();
  return { model, folded: removed.size };
}

/** Inference mode, one output, one factor per channel (`spatial` = 0, until opset 8, has one per element). */
function isNorm(node: NodeProto): boolean {
  return (
    node.opType === "BatchNormalization" &&
    isStandard(node) &&
    intAttribute(node, "training_mode", 0) === 0 &&
    intAttribute(node, "spatial", 1) === 1 &&
    node.output.slice(1).every((name) => name === "")
  );
}

async function foldable(
  scope: Scope,
  readers: Readers,
  tensors: TensorStore,
  norm: NodeProto,
): Promise<Pair | undefined> {
  const value = norm.input[0] ?? "";
  const layer = scope.producer(value);
  if (layer === undefined || !foldableOps.has(layer.opType) || !isStandard(layer)) return undefined;
  if (onlyReader(readers, value) !== norm) return undefined;
  if (layer.opType === "Gemm" && (floatAttribute(layer, "alpha", 1) !== 1 || floatAttribute(layer, "beta", 1) !== 1))
    return undefined;
  const trace = async (name: string) => {
    const chain = await traceConstant(scope, tensors, name);
    return chain && isFloat(chain) ? chain : undefined;
  };
  const weight = await trace(layer.input[1] ?? "");
  const axis = weight && channelAxisOf(layer, 1, weight.shape.length);
  if (weight === undefined || axis === undefined) return undefined;
  // A grouped ConvTranspose spreads one weight channel over all groups: no single factor fits.
  if (layer.opType === "ConvTranspose" && intAttribute(layer, "group", 1) !== 1) return undefined;
  const channels = weight.shape[axis] as number;
  const biasName = layer.input[2] ?? "";
  const bias = biasName === "" ? undefined : await trace(biasName);
  if (biasName !== "" && (bias?.shape.at(-1) !== channels || product(bias.shape) !== channels)) return undefined;
  const parameters: WeightChain[] = [];
  for (const name of norm.input.slice(1, 5)) {
    const chain = await trace(name);
    if (chain === undefined || product(chain.shape) !== channels) return undefined;
    parameters.push(chain);
  }
  return parameters.length === 4 ? { layer, norm, weight, axis, bias, parameters } : undefined;
}

/** float32, and on no grid of integers that folding would take it off. */
function isFloat(chain: WeightChain): boolean {
  return (
    chain.elementType === TensorProto_DataType.FLOAT &&
    !chain.steps.some(({ node }) => node.opType === "DequantizeLinear" || node.opType === "QuantizeLinear")
  );
}
