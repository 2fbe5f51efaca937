import { type NodeProto, TensorProto_DataType } from "onnx-buf";
import { intAttribute, tensor } from "../onnx/build.ts";
import { freshNames } from "../onnx/graph.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { isStandard } from "./constantNode.ts";
import { pruner } from "./prune.ts";
import { onlyReader, readersOf } from "./readers.ts";
import { readWeight } from "./readWeight.ts";
import { graphScope } from "./scope.ts";
import { product, traceConstant, type WeightChain } from "./weightChain.ts";

/**
 * Lets a convolution without bias take over the constant per channel that the one Add behind it adds (PaddlePaddle and
 * TensorFlow exports), so that it counts as the layer's bias and a normalization behind can be folded. Changes the model.
 * @returns how many were taken over
 */
export async function foldBiasAdds(model: OnnxModel, signal?: AbortSignal): Promise<number> {
  const { graph, tensors } = model;
  const scope = graphScope(graph);
  const readers = readersOf(graph);
  const found: { layer: NodeProto; add: NodeProto; bias: WeightChain; channels: number }[] = [];
  for (const layer of graph.node) {
    signal?.throwIfAborted();
    if ((layer.opType !== "Conv" && layer.opType !== "ConvTranspose") || !isStandard(layer)) continue;
    const value = layer.output[0] ?? "";
    const add = onlyReader(readers, value);
    if ((layer.input[2] ?? "") !== "" || add?.opType !== "Add" || !isStandard(add)) continue;
    const weight = await traceConstant(scope, tensors, layer.input[1] ?? "");
    const bias = await traceConstant(scope, tensors, add.input[add.input[0] === value ? 1 : 0] ?? "");
    if (weight === undefined || bias === undefined) continue;
    const group = layer.opType === "ConvTranspose" ? intAttribute(layer, "group", 1) : 1;
    const channels = (weight.shape[layer.opType === "Conv" ? 0 : 1] ?? 0) * group;
    const types = new Set([weight.elementType, bias.elementType]);
    if (types.size > 1 || !types.has(TensorProto_DataType.FLOAT)) continue;
    if (isPerChannel(bias.shape, channels, weight.shape.length)) found.push({ layer, add, bias, channels });
  }
  if (found.length === 0) return 0;
  const prune = pruner(graph);
  const fresh = freshNames(graph);
  for (const { layer, add, bias, channels } of found) {
    const values = await readWeight(tensors, bias, signal);
    const name = fresh(`${bias.tensorName}.bias`);
    const data = values.length === channels ? values : new Float32Array(channels).fill(values[0] as number);
    graph.initializer.push(tensor(tensors, name, TensorProto_DataType.FLOAT, [channels], data));
    layer.input[2] = name;
    layer.output[0] = add.output[0] as string;
  }
  const removed = new Set(found.map(({ add }) => add));
  graph.node = graph.node.filter((node) => !removed.has(node));
  prune();
  return found.length;
}

/** [C, 1, 1] or [1, C, 1, 1] for a rank of 4; or one number for all channels. */
function isPerChannel(shape: readonly number[], channels: number, rank: number): boolean {
  if (shape.length > rank) return false;
  if (product(shape) === 1) return true;
  const axis = shape.length - (rank - 1);
  return axis >= 0 && shape[axis] === channels && product(shape) === channels;
}
