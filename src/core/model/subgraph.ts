import { create } from "@bufbuild/protobuf";
import { type GraphProto, type NodeProto, type ValueInfoProto, ValueInfoProtoSchema } from "onnx-buf";
import { valueInfo } from "../onnx/build.ts";
import { copyModel, type OnnxModel } from "../onnx/model.ts";
import { fixedValues, nodeReads } from "./scope.ts";

/**
 * A model cut out of another: the nodes between the values `inputs` and `outputs`, with the initializers they need.
 * Payloads are shared. Inputs without a declaration get one of unknown shape and the given element type; all of them are
 * declared, also those that nothing in the part reads.
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
  const { graph } = model;
  const declared = (name: string) => graph.input.find((v) => v.name === name);
  const part: GraphProto = {
    ...graph,
    node: kept.reverse(),
    initializer: graph.initializer.filter((t) => needed.has(t.name)),
    sparseInitializer: graph.sparseInitializer.filter((t) => needed.has(t.values?.name ?? "")),
    input: [
      ...graph.input.filter((v) => needed.has(v.name)),
      ...inputs.map((name) => declared(name) ?? unshaped(name, elementTypes.get(name) ?? 1)),
    ],
    output: outputs.map((name) => graph.output.find((v) => v.name === name) ?? unshaped(name, undefined)),
    valueInfo: [],
    quantizationAnnotation: [],
  };
  return copyModel({ ...model, graph: part, proto: { ...model.proto, graph: part } });
}

/** A value declared by name and, for graph inputs, element type; ONNX Runtime infers the rest. */
export function unshaped(name: string, elementType: number | undefined): ValueInfoProto {
  return elementType === undefined ? create(ValueInfoProtoSchema, { name }) : valueInfo(name, elementType);
}

/**
 * Values that are alive between node `cut - 1` and node `cut` of the execution order: made (or fed) before, read at or
 * behind the cut or given out by the graph. Constants do not count, nor what is computed from constants alone.
 */
export function liveValues(graph: GraphProto, cut: number): readonly string[] {
  return lifetimesOf(graph).liveAt(cut);
}

/** When the values of a graph are made and read last; for looking at many cuts. */
export interface Lifetimes {
  /** See liveValues. */
  liveAt(cut: number): readonly string[];
}

export function lifetimesOf(graph: GraphProto): Lifetimes {
  const fixed = fixedValues(graph);
  const born = new Map<string, number>();
  const lastRead = new Map<string, number>();
  for (const { name } of graph.input) if (!fixed.has(name)) born.set(name, -1);
  for (const [index, node] of graph.node.entries()) {
    for (const name of node.output) if (name !== "" && !fixed.has(name)) born.set(name, index);
    for (const name of nodeReads(node)) lastRead.set(name, index);
  }
  for (const { name } of graph.output) lastRead.set(name, graph.node.length);
  return {
    liveAt: (cut) => [...born].flatMap(([name, at]) => (at < cut && (lastRead.get(name) ?? -1) >= cut ? [name] : [])),
  };
}
