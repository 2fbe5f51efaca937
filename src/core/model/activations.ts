import type { GraphProto, NodeProto } from "onnx-buf";
import { stringAttribute } from "../onnx/build.ts";
import type { ValueInfo } from "../ports.ts";
import { dataflowOf, movingOps } from "./dataflow.ts";
import type { LayerSite } from "./discover.ts";
import { computesInFloat } from "./operators.ts";

/**
 * Names of the values that are quantized when the layers `sites` are, in execution order of their first reader: what the
 * layers read, and what additions, concatenations and poolings between layers read. Activation functions are fused into
 * the layer before them, so that their result is quantized and not what they read; what only float operators read (a Softmax,
 * a normalization) and the network's outputs stay in float.
 */
export function quantizedActivations(
  graph: GraphProto,
  sites: readonly LayerSite[],
  types: ReadonlyMap<string, ValueInfo["type"]>,
): readonly string[] {
  const slots = new Map<NodeProto, number>();
  for (const { uses } of sites) for (const use of uses) if (!computesInFloat(use)) slots.set(use.node, use.slot);
  const flow = dataflowOf(graph);
  const isFloat = (name: string) => ["float32", "float16"].includes(types.get(name) ?? "float32");
  const dequantized = new Set(graph.node.filter((n) => n.opType === "DequantizeLinear").map((n) => n.output[0] ?? ""));
  // Values that an integer device has as integers, and those of them that come out of a layer.
  const integer = new Set<string>([...graph.input.map((v) => v.name), ...dequantized]);
  const fromLayers = new Set<string>();
  const names = new Set<string>();
  for (const node of graph.node) {
    const slot = slots.get(node);
    const values = flow.valuesOf(node);
    const role = flow.roleOf(node);
    const isInteger = slot !== undefined || (role !== "other" && values.every((name) => integer.has(name)));
    if (!isInteger) continue;
    const fed = slot !== undefined || values.some((name) => fromLayers.has(name));
    for (const name of node.output) {
      integer.add(name);
      if (fed) fromLayers.add(name);
    }
    const reads =
      slot !== undefined ? [node.input[slot === 0 ? 1 : 0] ?? ""] : role === "computes" && fed ? values : [];
    for (const name of reads) if (name !== "" && !dequantized.has(name) && isFloat(name)) names.add(name);
  }
  return [...names];
}

/**
 * Values held in activation bits on the device: the quantized ones, and those connected to them by operators that hand
 * values on. The rest stays in float32.
 */
export function lowBitValues(graph: GraphProto, quantized: readonly string[]): ReadonlySet<string> {
  const flow = dataflowOf(graph);
  const low = new Set(quantized);
  const carriers = graph.node.filter((node) => flow.roleOf(node) === "carries");
  for (const node of carriers) {
    if (flow.valuesOf(node).every((name) => low.has(name))) for (const name of node.output) low.add(name);
  }
  for (const node of carriers.toReversed()) {
    if (node.output.some((name) => low.has(name))) for (const name of flow.valuesOf(node)) low.add(name);
  }
  return low;
}

/** Operators that pick and move elements, so that their result is exactly on the grid of what they read. */
const pickingOps: ReadonlySet<string> = new Set([...movingOps, "MaxPool", "GlobalMaxPool"]);

function isPicking(node: NodeProto): boolean {
  const enlarges = node.opType === "Resize" || node.opType === "Upsample";
  return pickingOps.has(node.opType) || (enlarges && stringAttribute(node, "mode", "nearest") === "nearest");
}

/**
 * For quantized values that only picking operators separate from another quantized value: the name of that value. Quantized
 * with its scale they lose nothing; with one of their own they would be rounded a second time.
 */
export function sharedGrids(graph: GraphProto, quantized: ReadonlySet<string>): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  const origin = new Map<string, string>([...quantized].map((name) => [name, name]));
  for (const node of graph.node) {
    const from = origin.get(node.input[0] ?? "");
    if (from === undefined || !isPicking(node)) continue;
    for (const name of node.output) {
      if (quantized.has(name)) sources.set(name, from);
      origin.set(name, from);
    }
  }
  return sources;
}
