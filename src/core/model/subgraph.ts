import { create } from "@bufbuild/protobuf";
import { type GraphProto, type NodeProto, type ValueInfoProto, ValueInfoProtoSchema } from "onnx-buf";
import { valueInfo } from "../onnx/build.ts";
import { copyModel, type OnnxModel } from "../onnx/model.ts";
import { nodeReads } from "./scope.ts";

/**
 * A model cut out of another: the nodes between the values `inputs` and `outputs`, with the initializers they need.
 * Payloads are shared. Inputs without a declaration get one of unknown shape and the given element type.
 * @param elementTypes ONNX element type by value name, for the new inputs
 */
export function extract(
  model: OnnxModel,
  inputs: readonly string[],
  outputs: readonly string[],
  elementTypes: ReadonlyMap<string, number>,
): OnnxModel {
  const given = new Set(inputs);
  const needed = new Set<string>(outputs.filter((name) => !given.has(name)));
  const kept: NodeProto[] = [];
  for (let i = model.graph.node.length - 1; i >= 0; i--) {
    const node = model.graph.node[i] as NodeProto;
    if (!node.output.some((name) => needed.has(name))) continue;
    kept.push(node);
    for (const name of nodeReads(node)) if (!given.has(name)) needed.add(name);
  }
  const graph = model.graph;
  const part: GraphProto = {
    ...graph,
    node: kept.reverse(),
    initializer: graph.initializer.filter((t) => needed.has(t.name)),
    sparseInitializer: graph.sparseInitializer.filter((t) => needed.has(t.values?.name ?? "")),
    input: [
      ...graph.input.filter((v) => needed.has(v.name)),
      ...inputs.map((name) => graph.input.find((v) => v.name === name) ?? unshaped(name, elementTypes.get(name) ?? 1)),
    ],
    output: outputs.map((name) => graph.output.find((v) => v.name === name) ?? unshaped(name, undefined)),
    valueInfo: [],
  };
  return copyModel({ ...model, graph: part, proto: { ...model.proto, graph: part } });
}

/** A value declared by name and, for graph inputs, element type; ONNX Runtime infers the rest. */
export function unshaped(name: string, elementType: number | undefined): ValueInfoProto {
  return elementType === undefined ? create(ValueInfoProtoSchema, { name }) : valueInfo(name, elementType);
}

/**
 * Values that are alive between node `cut - 1` and node `cut` of the execution order: made (or fed) before, read at or
 * behind the cut on the way to the graph's outputs. Initializers do not count.
 */
export function liveValues(graph: GraphProto, cut: number): readonly string[] {
  const constants = new Set(graph.initializer.map((t) => t.name));
  const before = new Set<string>(graph.input.map((v) => v.name).filter((name) => !constants.has(name)));
  for (const node of graph.node.slice(0, cut)) {
    for (const name of node.output) if (name !== "") before.add(name);
  }
  const live = new Set<string>();
  for (const node of graph.node.slice(cut)) for (const name of nodeReads(node)) if (before.has(name)) live.add(name);
  for (const output of graph.output) if (before.has(output.name)) live.add(output.name);
  return [...live];
}
