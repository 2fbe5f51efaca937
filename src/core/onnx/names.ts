import type { GraphProto, ModelProto, NodeProto } from "onnx-buf";
import { modelError } from "./errors.ts";
import { attributeGraphs } from "./walk.ts";

/**
 * Every value has one definition (ONNX IR specification, "Static single assignment"): otherwise a name would not say
 * which value is meant. Two initializers of one name are let through; the last counts, as in ONNX Runtime.
 * @throws SQ2020 when a graph, a body or a function gives one name to two results, or to a result and an input
 */
export function checkNames(model: ModelProto, file?: string): void {
  if (model.graph) checkGraph(model.graph, file);
  for (const body of model.functions) checkNodes(body.node, body.input, new Set(), file);
}

function checkGraph(graph: GraphProto, file: string | undefined): void {
  const constants = new Set(graph.initializer.map((tensor) => tensor.name));
  checkNodes(
    graph.node,
    graph.input.map((value) => value.name),
    constants,
    file,
  );
}

function checkNodes(
  nodes: readonly NodeProto[],
  inputs: readonly string[],
  constants: ReadonlySet<string>,
  file: string | undefined,
): void {
  const defined = new Set<string>();
  const define = (name: string, by?: NodeProto) => {
    if (defined.has(name) || (by && constants.has(name))) throw duplicate(name, by, file);
    if (name !== "") defined.add(name);
  };
  for (const name of inputs) define(name);
  for (const node of nodes) {
    for (const name of node.output) define(name, node);
    for (const attribute of node.attribute) for (const { graph } of attributeGraphs(attribute)) checkGraph(graph, file);
  }
}

function duplicate(name: string, by: NodeProto | undefined, file: string | undefined) {
  const what = by ? `a result of ${by.opType} ${by.name}`.trimEnd() : "an input";
  const place = { ...(file !== undefined && { file }), item: name };
  return modelError("duplicateName", `The name is given to two values; one of them is ${what}`, place);
}
