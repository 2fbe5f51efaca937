import type { GraphProto } from "onnx-buf";
import { fixedValues, graphScope, nestedGraphs, nodeReads, type Scope } from "./scope.ts";

/**
 * To be called before a graph is edited; the result removes what the edit left unread, in the graph and in bodies: initializers
 * (with their declarations as inputs, which IR 3 wants) and nodes that compute from constants alone. What nobody read before the
 * edit stays: a user's own dead nodes are not ours to remove.
 */
export function pruner(main: GraphProto): () => void {
  const before = new Map(withBodies(main).map(({ graph, outer }) => [graph, unread(graph, fixedValues(graph, outer))]));
  return () => {
    // Bodies first: what they no longer take from outside is unread there.
    for (const { graph, outer } of withBodies(main).reverse()) prune(graph, outer, before.get(graph) ?? new Set());
  };
}

function prune(graph: GraphProto, outer: Scope | undefined, before: ReadonlySet<string>): void {
  const fixed = fixedValues(graph, outer);
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
}

/** The graph and all bodies in it, each before those inside it, with the scope around it. */
function withBodies(main: GraphProto): { readonly graph: GraphProto; readonly outer?: Scope }[] {
  const found: { readonly graph: GraphProto; readonly outer?: Scope }[] = [{ graph: main }];
  const root = graphScope(main);
  for (const [index, node] of main.node.entries())
    for (const { graph, outer } of nestedGraphs(node, String(index), root)) found.push({ graph, outer });
  return found;
}

/** Fixed values that no node and no output reads. */
function unread(graph: GraphProto, fixed: ReadonlySet<string>): Set<string> {
  const left = new Set(fixed);
  for (const node of graph.node) for (const name of nodeReads(node)) left.delete(name);
  for (const value of graph.output) left.delete(value.name);
  return left;
}
