import type { GraphProto, NodeProto } from "onnx-buf";
import type { ValueInfo } from "../ports.ts";
import type { LayerSite } from "./discover.ts";

/**
 * Operators that an integer device computes on quantized values besides the layers themselves; the values they read are
 * quantized. Activation functions are not here: they are fused into the layer before, and only their result is.
 */
const integerOps = new Set([
  "Add",
  "Sub",
  "Mul",
  "Concat",
  "MaxPool",
  "AveragePool",
  "GlobalAveragePool",
  "GlobalMaxPool",
  "Resize",
  "ReduceMean",
]);

/** Operators that hand a value on: what they read and what they make is held in the same number of bits. */
const passOps = new Set([
  "Relu",
  "Clip",
  "LeakyRelu",
  "PRelu",
  "HardSwish",
  "HardSigmoid",
  "Sigmoid",
  "Flatten",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Transpose",
  "Identity",
  "Dropout",
  "Pad",
  "Slice",
  "Split",
]);

/** Names of the values that are quantized when the layers `sites` are, in execution order of their first reader. */
export function quantizedActivations(
  graph: GraphProto,
  sites: readonly LayerSite[],
  types: ReadonlyMap<string, ValueInfo["type"]>,
): readonly string[] {
  const layerNodes = new Map<NodeProto, number>();
  for (const site of sites) for (const use of site.uses) layerNodes.set(use.node, use.slot);
  const constants = constantNames(graph);
  const dequantized = new Set(graph.node.filter((n) => n.opType === "DequantizeLinear").map((n) => n.output[0] ?? ""));
  const reachable = fedByLayers(graph, layerNodes);
  const names = new Set<string>();
  for (const node of graph.node) {
    const weightSlot = layerNodes.get(node);
    const isInteger = integerOps.has(node.opType) && node.input.some((name) => reachable.has(name));
    if (weightSlot === undefined && !isInteger) continue;
    const reads = weightSlot !== undefined ? [node.input[weightSlot === 0 ? 1 : 0] ?? ""] : activationsOf(node);
    for (const name of reads) {
      const type = types.get(name) ?? "float32";
      if (name === "" || constants.has(name) || dequantized.has(name) || (type !== "float32" && type !== "float16"))
        continue;
      names.add(name);
    }
  }
  return [...names];
}

function activationsOf(node: NodeProto): readonly string[] {
  return node.opType === "Resize" || node.opType === "ReduceMean" ? node.input.slice(0, 1) : node.input;
}

/** Values that come from a layer through integer and passing operators alone. */
function fedByLayers(graph: GraphProto, layerNodes: ReadonlyMap<NodeProto, number>): Set<string> {
  const values = new Set<string>();
  for (const node of graph.node) {
    const carries =
      layerNodes.has(node) ||
      ((integerOps.has(node.opType) || passOps.has(node.opType)) && node.input.some((n) => values.has(n)));
    if (carries) for (const name of node.output) values.add(name);
  }
  return values;
}

function constantNames(graph: GraphProto): Set<string> {
  const names = new Set(graph.initializer.map((t) => t.name));
  for (const node of graph.node) if (node.opType === "Constant") for (const output of node.output) names.add(output);
  return names;
}

/**
 * Values held in activation bits on the device: the quantized ones, and those connected to them by operators that hand
 * values on. The rest stays in float32.
 */
export function lowBitValues(graph: GraphProto, quantized: readonly string[]): ReadonlySet<string> {
  const low = new Set(quantized);
  for (const node of graph.node) {
    if (passOps.has(node.opType) && low.has(node.input[0] ?? "")) for (const name of node.output) low.add(name);
  }
  for (const node of graph.node.toReversed()) {
    if (passOps.has(node.opType) && node.output.some((name) => low.has(name))) low.add(node.input[0] ?? "");
  }
  return low;
}
