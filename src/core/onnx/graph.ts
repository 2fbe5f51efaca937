import type { GraphProto, ModelProto } from "onnx-buf";
import { attributeGraphs } from "./walk.ts";

/** Version of a domain's operators that the model imports; 1 when it imports none of them. "ai.onnx" is an alias of "". */
export function opsetOf(model: ModelProto, domain: string): number {
  const name = domain === "ai.onnx" ? "" : domain;
  const found = model.opsetImport.find((o) => (o.domain === "ai.onnx" ? "" : o.domain) === name);
  return found ? Number(found.version) : 1;
}

/**
 * A source of value names that are not in the graph or its subgraphs (which may not shadow outer names): `wanted` itself,
 * or with a number behind it. Names given out count as taken.
 */
export function freshNames(graph: GraphProto): (wanted: string) => string {
  const taken = new Set<string>();
  collectNames(graph, taken);
  return (wanted) => {
    let name = wanted;
    for (let n = 2; taken.has(name); n++) name = `${wanted}_${n}`;
    taken.add(name);
    return name;
  };
}

function collectNames(graph: GraphProto, into: Set<string>): void {
  for (const value of [...graph.input, ...graph.output, ...graph.initializer]) into.add(value.name);
  for (const sparse of graph.sparseInitializer) into.add(sparse.values?.name ?? "");
  for (const node of graph.node) {
    for (const name of node.output) into.add(name);
    for (const attribute of node.attribute) {
      for (const { graph: inner } of attributeGraphs(attribute)) collectNames(inner, into);
    }
  }
}
