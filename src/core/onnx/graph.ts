import type { FunctionProto, GraphProto, ModelProto, NodeProto } from "onnx-buf";
import { attributeGraphs } from "./walk.ts";

/** Version of a domain's operators that the model imports; 1 when it imports none of them. "ai.onnx" is an alias of "". */
export function opsetOf(model: ModelProto, domain: string): number {
  const name = domain === "ai.onnx" ? "" : domain;
  const found = model.opsetImport.find((o) => (o.domain === "ai.onnx" ? "" : o.domain) === name);
  return found ? Number(found.version) : 1;
}

/**
 * A source of value names that are not in the graph or its subgraphs (which may not shadow outer names), or in the
 * function: `wanted` itself, or with a number behind it. Names given out count as taken.
 */
export function freshNames(graph: GraphProto | FunctionProto): (wanted: string) => string {
  const taken = new Set<string>();
  if (graph.$typeName === "onnx.FunctionProto") {
    for (const name of graph.input) taken.add(name);
    collectResults(graph.node, taken);
  } else {
    collectNames(graph, taken);
  }
  // Where the last name with a number ended: a thousand nodes that want one name do not try all numbers each.
  const next = new Map<string, number>();
  return (wanted) => {
    let name = wanted;
    let n = next.get(wanted) ?? 2;
    for (; taken.has(name); n++) name = `${wanted}_${n}`;
    next.set(wanted, n);
    taken.add(name);
    return name;
  };
}

function collectNames(graph: GraphProto, into: Set<string>): void {
  for (const value of [...graph.input, ...graph.output, ...graph.initializer]) into.add(value.name);
  for (const sparse of graph.sparseInitializer) into.add(sparse.values?.name ?? "");
  collectResults(graph.node, into);
}

function collectResults(nodes: readonly NodeProto[], into: Set<string>): void {
  for (const node of nodes) {
    for (const name of node.output) into.add(name);
    for (const attribute of node.attribute) {
      for (const { graph } of attributeGraphs(attribute)) collectNames(graph, into);
    }
  }
}
