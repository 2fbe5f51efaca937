import type { AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto } from "onnx-buf";
import { limitError } from "./errors.ts";
import { maxGraphDepth } from "./limits.ts";

/** The graphs in an attribute, with the names they have in paths: `then_branch`, or `branches[1]` in a list. */
export function attributeGraphs(
  attribute: AttributeProto,
): readonly { readonly name: string; readonly graph: GraphProto }[] {
  const own = attribute.g ? [{ name: attribute.name, graph: attribute.g }] : [];
  return [...own, ...attribute.graphs.map((graph, i) => ({ name: `${attribute.name}[${i}]`, graph }))];
}

/**
 * Every tensor of a model, in the main graph, subgraphs, attributes, functions and training graphs.
 * @throws SQ2007 for graphs nested deeper than `maxGraphDepth`
 */
export function* allTensors(model: ModelProto): Generator<TensorProto> {
  if (model.graph) yield* graphTensors(model.graph, 1);
  for (const body of model.functions) {
    for (const attribute of body.attributeProto) yield* attributeTensors(attribute, 1);
    yield* nodeTensors(body.node, 1);
  }
  for (const training of model.trainingInfo) {
    if (training.initialization) yield* graphTensors(training.initialization, 1);
    if (training.algorithm) yield* graphTensors(training.algorithm, 1);
  }
}

function* graphTensors(graph: GraphProto, depth: number): Generator<TensorProto> {
  if (depth > maxGraphDepth) throw limitError("graphs inside each other", maxGraphDepth, { item: graph.name });
  yield* graph.initializer;
  for (const sparse of graph.sparseInitializer) yield* sparseTensors(sparse);
  yield* nodeTensors(graph.node, depth);
}

function* nodeTensors(nodes: readonly NodeProto[], depth: number): Generator<TensorProto> {
  for (const node of nodes) {
    for (const attribute of node.attribute) yield* attributeTensors(attribute, depth);
  }
}

function* attributeTensors(attribute: AttributeProto, depth: number): Generator<TensorProto> {
  if (attribute.t) yield attribute.t;
  yield* attribute.tensors;
  if (attribute.sparseTensor) yield* sparseTensors(attribute.sparseTensor);
  for (const sparse of attribute.sparseTensors) yield* sparseTensors(sparse);
  for (const { graph } of attributeGraphs(attribute)) yield* graphTensors(graph, depth + 1);
}

function* sparseTensors(sparse: SparseTensorProto): Generator<TensorProto> {
  if (sparse.values) yield sparse.values;
  if (sparse.indices) yield sparse.indices;
}
