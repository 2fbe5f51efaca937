import type { GraphProto, NodeProto } from "onnx-buf";
import { nodeReads } from "./scope.ts";

/** Who reads a value of the main graph: nodes, by their inputs or from inside their bodies, and the graph's outputs. */
export interface Readers {
  /** Nodes that read the value, each once, in file order. */
  of(name: string): readonly NodeProto[];
  /** Index of a node in graph.node. */
  indexOf(node: NodeProto): number;
  isOutput(name: string): boolean;
}

export function readersOf(graph: Pick<GraphProto, "node" | "output">): Readers {
  const readers = new Map<string, NodeProto[]>();
  const indices = new Map<NodeProto, number>();
  for (const [index, node] of graph.node.entries()) {
    indices.set(node, index);
    for (const name of nodeReads(node)) {
      const list = readers.get(name);
      if (list) list.push(node);
      else readers.set(name, [node]);
    }
  }
  const outputs = new Set(graph.output.map((value) => value.name));
  return {
    of: (name) => readers.get(name) ?? [],
    indexOf: (node) => indices.get(node) ?? -1,
    isOutput: (name) => outputs.has(name),
  };
}

/** The node that alone reads a value, and the value is no output of the graph. */
export function onlyReader(readers: Readers, name: string): NodeProto | undefined {
  const [first, second] = readers.of(name);
  return second === undefined && !readers.isOutput(name) ? first : undefined;
}
