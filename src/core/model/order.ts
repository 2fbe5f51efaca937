import { executionOrder } from "../onnx/cycles.ts";
import { copyModel, type OnnxModel } from "../onnx/model.ts";

/**
 * The model with its main graph's nodes in an order of execution. ONNX wants files to have them so, but ONNX Runtime runs
 * others too; whatever walks the graph from its inputs to its outputs counts on it.
 * @returns the same model when they are in order already
 */
export function inExecutionOrder(model: OnnxModel): OnnxModel {
  const { order } = executionOrder(model.graph.node);
  if (order.every((index, place) => index === place)) return model;
  const copy = copyModel(model);
  const nodes = [...copy.graph.node];
  copy.graph.node = order.flatMap((index) => nodes[index] ?? []);
  return copy;
}
