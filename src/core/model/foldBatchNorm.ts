import { type NodeProto, TensorProto_DataType } from "onnx-buf";
import { floatAttribute, intAttribute, tensor } from "../onnx/build.ts";
import { freshNames } from "../onnx/graph.ts";
import { copyModel, type OnnxModel } from "../onnx/model.ts";
import { foldBatchNormInto } from "../quant/batchNorm.ts";
import { channelAxisOf } from "./operators.ts";
import { graphScope, nodeReads } from "./scope.ts";
import { readWeight, traceConstant } from "./weightChain.ts";

const foldableOps = new Set(["Conv", "ConvTranspose", "Gemm"]);

/**
 * Folds every inference-mode BatchNormalization into the convolution or Gemm that alone feeds it, in a copy of the model.
 * The layer's weight becomes a new float32 initializer: quantizing it before folding would waste its range on factors
 * that the normalization takes out again.
 * @returns the same model when there is nothing to fold
 */
export async function foldBatchNorm(
  original: OnnxModel,
  signal?: AbortSignal,
): Promise<{ readonly model: OnnxModel; readonly folded: number }> {
  const isNorm = (node: NodeProto) =>
    node.opType === "BatchNormalization" && intAttribute(node, "training_mode", 0) === 0;
  if (!original.graph.node.some(isNorm)) return { model: original, folded: 0 };
  const model = copyModel(original);
  const { graph, tensors } = model;
  const scope = graphScope(graph);
  const readers = new Map<string, number>();
  for (const node of graph.node) for (const name of nodeReads(node)) readers.set(name, (readers.get(name) ?? 0) + 1);
  for (const output of graph.output) readers.set(output.name, (readers.get(output.name) ?? 0) + 1);
  const fresh = freshNames(graph);
  const removed = new Set<NodeProto>();
  for (const norm of graph.node) {
    signal?.throwIfAborted();
    if (!isNorm(norm)) continue;
    const value = norm.input[0] ?? "";
    const layer = scope.producer(value);
    if (layer === undefined || !foldableOps.has(layer.opType) || readers.get(value) !== 1) continue;
    const chain = await traceConstant(scope, tensors, layer.input[1] ?? "");
    const biasTensor = (layer.input[2] ?? "") === "" ? undefined : scope.constant(layer.input[2] ?? "");
    const parameters = norm.input.slice(1, 5).map((name) => scope.constant(name));
    if (chain === undefined || chain.tensor.dataType !== TensorProto_DataType.FLOAT) continue;
    if (((layer.input[2] ?? "") !== "" && biasTensor === undefined) || parameters.some((t) => t === undefined))
      continue;
    if (layer.opType === "Gemm" && (floatAttribute(layer, "alpha", 1) !== 1 || floatAttribute(layer, "beta", 1) !== 1))
      continue;
    const [gamma, beta, mean, variance] = await Promise.all(
      parameters.map((t) => (t ? tensors.readFloat32(t) : Promise.resolve(new Float32Array()))),
    );
    if (!gamma || !beta || !mean || !variance) continue;
    const axis = channelAxisOf(layer, 1, chain.shape.length);
    const groups = layer.opType === "ConvTranspose" ? intAttribute(layer, "group", 1) : 1;
    // A grouped ConvTranspose spreads one weight channel over all groups: no single factor fits.
    if (axis === undefined || groups !== 1 || chain.shape[axis] !== gamma.length) continue;
    const bias = biasTensor ? await tensors.readFloat32(biasTensor) : undefined;
    if (bias && bias.length !== gamma.length) continue;
    const weight = await readWeight(tensors, chain, signal);
    const epsilon = floatAttribute(norm, "epsilon", 1e-5);
    const folded = foldBatchNormInto(weight, chain.shape, axis, bias, { gamma, beta, mean, variance, epsilon });
    const weightName = fresh(`${chain.tensorName}.folded`);
    const biasName = fresh(`${chain.tensorName}.folded_bias`);
    graph.initializer.push(
      tensor(tensors, weightName, TensorProto_DataType.FLOAT, chain.shape, folded.weight),
      tensor(tensors, biasName, TensorProto_DataType.FLOAT, [folded.bias.length], folded.bias),
    );
    layer.input[1] = weightName;
    layer.input[2] = biasName;
    layer.output[0] = norm.output[0] as string;
    removed.add(norm);
  }
  if (removed.size === 0) return { model: original, folded: 0 };
  graph.node = graph.node.filter((node) => !removed.has(node));
  dropUnread(model);
  return { model, folded: removed.size };
}

function dropUnread({ graph }: OnnxModel): void {
  const read = new Set(graph.output.map((v) => v.name));
  for (const node of graph.node) for (const name of nodeReads(node)) read.add(name);
  const dropped = new Set(graph.initializer.filter((t) => !read.has(t.name)).map((t) => t.name));
  graph.initializer = graph.initializer.filter((t) => !dropped.has(t.name));
  graph.input = graph.input.filter((v) => !dropped.has(v.name));
}
