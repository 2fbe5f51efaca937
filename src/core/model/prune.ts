import type { GraphProto } from "onnx-buf";
import { fixedValues, nodeReads } from "./scope.ts";

/**
 * To be called before a graph is edited; the result removes what the edit left unread: initializers (with their
 * declarations as inputs, which IR 3 wants) and nodes that compute from constants alone. What nobody read before the edit
 * stays: a user's own dead nodes are not ours to remove.
 */
export function pruner(graph: GraphProto): () => void {
  const before = unread(graph, fixedValues(graph));
  return () => {
    const fixed = fixedValues(graph);
    const gone = new Set<string>();
    for (;;) {
      const size = gone.size;
      for (const name of unread(graph, fixed)) if (!before.has(name)) gone.add(name);
      if (gone.size === size) break;
      graph.initializer = graph.initializer.filter((tensor) => !gone.has(tensor.name));
      graph.node = graph.node.filter(
        ({ output }) => !output.some((name) => gone.has(name)) || output.some((name) => name !== "" && !gone.has(name)),
      );
    }
    graph.input = graph.input.filter((value) => !gone.has(value.name));
    graph.valueInfo = graph.valueInfo.filter((value) => !gone.has(value.name));
    graph.quantizationAnnotation = graph.quantizationAnnotation.filter((a) => !gone.has(a.tensorName));
  };
}

/** Fixed values that no node and no output reads. */
function unread(graph: GraphProto, fixed: ReadonlySet<string>): Set<string> {
  const left = new Set(fixed);
  for (const node of graph.node) for (const name of nodeReads(node)) left.delete(name);
  for (const value of graph.output) left.delete(value.name);
  return left;
}
