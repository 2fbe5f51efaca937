import type { GraphProto, NodeProto } from "onnx-buf";
import { intsAttribute } from "../onnx/build.ts";
import { isStandard } from "./constantNode.ts";
import { graphScope, type Scope } from "./scope.ts";

/** Functions of one value, element by element; compilers fuse them into the layer before, and only their result is kept. */
const activationFunctions: ReadonlySet<string> = new Set([
  "Relu",
  "Clip",
  "LeakyRelu",
  "PRelu",
  "HardSwish",
  "HardSigmoid",
  "Sigmoid",
  "Tanh",
  "Elu",
  "Selu",
  "Celu",
  "Gelu",
  "FastGelu",
  "QuickGelu",
  "Mish",
  "Swish",
  "Softplus",
  "Softsign",
  "ThresholdedRelu",
  "Erf",
  "Abs",
  "Neg",
  "Identity",
  "Dropout",
]);

/** Operators that move values without changing any. */
export const movingOps: ReadonlySet<string> = new Set([
  "Flatten",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Transpose",
  "Identity",
  "Dropout",
  "Slice",
  "Split",
  "DepthToSpace",
  "SpaceToDepth",
]);

/** Element-by-element operators of two values or more; with constants (a bias, the 6 of a hard swish) they are as good as unary. */
const elementwiseOps: ReadonlySet<string> = new Set(["Add", "Sub", "Mul", "Div", "Sum"]);

/** Operators that an integer device computes on quantized values, besides the layers. */
const integerOps: ReadonlySet<string> = new Set([
  "Add",
  "Sub",
  "Mul",
  "Sum",
  "Concat",
  "MaxPool",
  "AveragePool",
  "GlobalAveragePool",
  "GlobalMaxPool",
  "Resize",
  "Upsample",
  "ReduceMean",
]);

/**
 * What a node does to the numbers it reads.
 * - "carries": hands one value on, changed element by element or moved; what it reads and what it makes is held in the same
 *   number of bits.
 * - "computes": an integer device computes it on quantized values.
 * - "other": stays in float.
 */
export type Role = "carries" | "computes" | "other";

/** How values go through a graph. */
export interface Dataflow {
  roleOf(node: NodeProto): Role;
  /** The node's inputs that are values, not constants or parameters (sizes, axes). */
  valuesOf(node: NodeProto): readonly string[];
}

/** Nodes in execution order. */
export function dataflowOf(graph: GraphProto): Dataflow {
  const scope = graphScope(graph);
  const valuesOf = (node: NodeProto): readonly string[] => {
    const inputs = hasParameters(node) ? node.input.slice(0, 1) : node.input;
    return inputs.filter((name) => name !== "" && !scope.isFixed(name));
  };
  // Where an element-by-element computation began: x * sigmoid(x) is one function of x however it is written.
  const roots = new Map<string, string>();
  const rootOf = (name: string) => roots.get(name) ?? name;
  const roles = new Map<NodeProto, Role>();
  for (const node of graph.node) {
    const values = valuesOf(node);
    const role = roleWithin(node, values, rootOf, scope);
    roles.set(node, role);
    const [first] = values;
    const isFunction = activationFunctions.has(node.opType) || elementwiseOps.has(node.opType);
    if (role === "carries" && isFunction && first !== undefined)
      for (const name of node.output) roots.set(name, rootOf(first));
  }
  return { valuesOf, roleOf: (node) => roles.get(node) ?? "other" };
}

/** Operators whose further inputs are parameters even where they are computed. */
function hasParameters({ opType }: NodeProto): boolean {
  return !elementwiseOps.has(opType) && opType !== "Concat";
}

function roleWithin(node: NodeProto, values: readonly string[], rootOf: (name: string) => string, scope: Scope): Role {
  const { opType } = node;
  if (values.length === 0) return "other";
  if (!isStandard(node))
    return activationFunctions.has(opType) && node.domain === "com.microsoft" ? "carries" : "other";
  if (activationFunctions.has(opType) || movingOps.has(opType) || opType === "Pad") return "carries";
  if (elementwiseOps.has(opType) && new Set(values.map(rootOf)).size === 1) return "carries";
  if (!integerOps.has(opType)) return "other";
  return opType === "ReduceMean" && !isPooling(node, scope) ? "other" : "computes";
}

/** A mean over several axes is a pooling; one over a single axis is part of a layer normalization. */
function isPooling(node: NodeProto, scope: Scope): boolean {
  const name = node.input[1] ?? "";
  const axes = name === "" ? intsAttribute(node, "axes")?.length : scope.constant(name)?.dims.map(Number)[0];
  return name === "" ? axes === undefined || axes > 1 : axes !== undefined && axes > 1;
}
