import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
} from "onnx-buf";
import type { ConstantScope } from "./weightChain.ts";

/** The constants and producers that a node of a graph can see: its own graph's, then the outer graphs'. */
export interface Scope extends ConstantScope {
  readonly outer?: Scope;
}

/** @param graph a graph, or a function's body (which has no initializers) */
export function graphScope(graph: Pick<GraphProto, "node" | "initializer">, outer?: Scope): Scope {
  const constants = new Map<string, TensorProto>();
  const producers = new Map<string, NodeProto>();
  for (const tensor of graph.initializer) constants.set(tensor.name, tensor);
  for (const node of graph.node) {
    for (const output of node.output) if (output !== "") producers.set(output, node);
    if (node.opType === "Constant") {
      const tensor = constantValue(node);
      if (tensor) constants.set(node.output[0] ?? "", tensor);
    }
  }
  return {
    ...(outer && { outer }),
    constant: (name) => constants.get(name) ?? (producers.has(name) ? undefined : outer?.constant(name)),
    producer: (name) => producers.get(name) ?? (constants.has(name) ? undefined : outer?.producer(name)),
  };
}

/** The value of a Constant node in any of its forms; undefined for sparse and string values. */
export function constantValue(node: NodeProto): TensorProto | undefined {
  const [attribute] = node.attribute;
  if (attribute === undefined) return undefined;
  const make = (dims: number[], fields: MessageInitShape<typeof TensorProtoSchema>) =>
    create(TensorProtoSchema, { ...fields, dims: dims.map(BigInt) });
  switch (attribute.name) {
    case "value":
      return attribute.t;
    case "value_float":
      return make([], { dataType: TensorProto_DataType.FLOAT, floatData: [attribute.f] });
    case "value_floats":
      return make([attribute.floats.length], { dataType: TensorProto_DataType.FLOAT, floatData: attribute.floats });
    case "value_int":
      return make([], { dataType: TensorProto_DataType.INT64, int64Data: [attribute.i] });
    case "value_ints":
      return make([attribute.ints.length], { dataType: TensorProto_DataType.INT64, int64Data: attribute.ints });
    default:
      return undefined;
  }
}

export interface NestedGraph {
  readonly graph: GraphProto;
  readonly scope: Scope;
  /** `12/then_branch`: the node's path and the attribute's name. */
  readonly path: string;
}

/** All graphs inside a node's attributes (If, Loop, Scan), at any depth; the reader has bounded the nesting. */
export function* nestedGraphs(node: NodeProto, path: string, outer: Scope): Generator<NestedGraph> {
  for (const attribute of node.attribute) {
    for (const [i, graph] of attributeGraphs(attribute).entries()) {
      const name = attribute.graphs.length > 0 ? `${attribute.name}[${i}]` : attribute.name;
      const nested = { graph, scope: graphScope(graph, outer), path: `${path}/${name}` };
      yield nested;
      for (const [index, inner] of graph.node.entries())
        yield* nestedGraphs(inner, `${nested.path}/${index}`, nested.scope);
    }
  }
}

function attributeGraphs(attribute: AttributeProto): readonly GraphProto[] {
  return attribute.g ? [attribute.g] : attribute.graphs;
}

/** Values a node reads: its inputs and whatever its bodies take from outside. */
export function nodeReads(node: NodeProto): readonly string[] {
  const reads = new Set(node.input.filter((name) => name !== ""));
  for (const attribute of node.attribute) {
    for (const graph of attributeGraphs(attribute)) for (const name of capturedNames(graph)) reads.add(name);
  }
  return [...reads];
}

function capturedNames(graph: GraphProto): Set<string> {
  const own = new Set<string>([...graph.input.map((v) => v.name), ...graph.initializer.map((t) => t.name)]);
  for (const node of graph.node) for (const output of node.output) own.add(output);
  const captured = new Set<string>();
  for (const node of graph.node) for (const name of nodeReads(node)) if (!own.has(name)) captured.add(name);
  for (const output of graph.output) if (!own.has(output.name)) captured.add(output.name);
  return captured;
}
