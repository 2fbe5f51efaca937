import type { FunctionProto, GraphProto, ModelProto, NodeProto } from "onnx-buf";
import { modelError } from "./errors.ts";
import { attributeGraphs } from "./walk.ts";

/**
 * Names a node takes from the graph around it: its inputs, and what the bodies in its attributes capture.
 * Each name once.
 */
export function nodeReads(node: NodeProto): ReadonlySet<string> {
  const reads = new Set<string>();
  for (const name of node.input) if (name !== "") reads.add(name);
  for (const attribute of node.attribute) {
    for (const { graph } of attributeGraphs(attribute)) for (const name of captures(graph)) reads.add(name);
  }
  return reads;
}

/** Names that a body uses and does not define: values of the graphs around it. */
export function captures(graph: GraphProto): ReadonlySet<string> {
  const own = new Set<string>();
  for (const input of graph.input) own.add(input.name);
  for (const tensor of graph.initializer) own.add(tensor.name);
  for (const sparse of graph.sparseInitializer) own.add(sparse.values?.name ?? "");
  for (const node of graph.node) for (const name of node.output) own.add(name);
  const captured = new Set<string>();
  for (const node of graph.node) for (const name of nodeReads(node)) if (!own.has(name)) captured.add(name);
  for (const output of graph.output) if (!own.has(output.name)) captured.add(output.name);
  return captured;
}

/**
 * Indices of the nodes in an order of execution (each after the nodes it reads from), keeping the file's order where it
 * is one; or the nodes of which some form a circle. Linear in nodes and names.
 */
export function executionOrder(nodes: readonly NodeProto[]): {
  readonly order: readonly number[];
  readonly stuck: readonly number[];
} {
  const producer = new Map<string, number>();
  for (const [i, node] of nodes.entries()) for (const name of node.output) if (name !== "") producer.set(name, i);
  const waiting = new Int32Array(nodes.length);
  const readers: number[][] = nodes.map(() => []);
  for (const [i, node] of nodes.entries()) {
    for (const name of nodeReads(node)) {
      const from = producer.get(name);
      if (from === undefined) continue;
      waiting[i] = (waiting[i] as number) + 1;
      readers[from]?.push(i);
    }
  }
  const order: number[] = [];
  // In file order as long as that works; what became free behind it is taken up from `ready` at once.
  const done = new Uint8Array(nodes.length);
  for (let i = 0; i < nodes.length; i++) {
    const ready = waiting[i] === 0 && !done[i] ? [i] : [];
    for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
      done[next] = 1;
      order.push(next);
      for (const reader of readers[next] as number[]) {
        waiting[reader] = (waiting[reader] as number) - 1;
        if (waiting[reader] === 0 && reader < i) ready.push(reader);
      }
    }
  }
  const stuck: number[] = [];
  for (let i = 0; i < nodes.length; i++) if (!done[i]) stuck.push(i);
  return { order, stuck };
}

/** @throws SQ2009 when nodes of a graph, a subgraph or a function depend on each other in a circle, or functions call each other so */
export function checkAcyclic(model: ModelProto, file?: string): void {
  if (model.graph) checkNodes(model.graph.node, file);
  for (const body of model.functions) checkNodes(body.node, file);
  checkCalls(model.functions, file);
}

function checkNodes(nodes: readonly NodeProto[], file: string | undefined): void {
  const { stuck } = executionOrder(nodes);
  const [first] = stuck;
  if (first !== undefined) {
    const node = nodes[first] as NodeProto;
    const message = `The graph has a circle: ${stuck.length} nodes wait for each other's results`;
    throw modelError("cyclicGraph", message, {
      ...(file !== undefined && { file }),
      item: node.name || `${node.opType} ${node.output[0] ?? ""}`,
    });
  }
  for (const node of nodes) {
    for (const attribute of node.attribute)
      for (const { graph } of attributeGraphs(attribute)) checkNodes(graph.node, file);
  }
}

/** Functions are inlined where they are called, so that a function may not reach itself. */
function checkCalls(functions: readonly FunctionProto[], file: string | undefined): void {
  const key = (domain: string, name: string, overload: string) => `${domain}\n${name}\n${overload}`;
  const byKey = new Map(functions.map((body) => [key(body.domain, body.name, body.overload), body]));
  const state = new Map<FunctionProto, "open" | "done">();
  for (const root of functions) {
    // Depth-first with a stack of our own: a chain of calls may be as long as the list of functions.
    const stack: { body: FunctionProto; calls: Iterator<FunctionProto> }[] = [];
    const enter = (body: FunctionProto) => {
      state.set(body, "open");
      stack.push({ body, calls: calledBy(body.node, (n) => byKey.get(key(n.domain, n.opType, n.overload))) });
    };
    if (!state.has(root)) enter(root);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { done, value } = top.calls.next();
      if (done) {
        state.set(top.body, "done");
        stack.pop();
      } else if (state.get(value) === "open") {
        const place = { ...(file !== undefined && { file }), item: value.name };
        throw modelError("cyclicGraph", "The function calls itself, directly or through others", place);
      } else if (!state.has(value)) {
        enter(value);
      }
    }
  }
}

function* calledBy(
  nodes: readonly NodeProto[],
  resolve: (node: NodeProto) => FunctionProto | undefined,
): Generator<FunctionProto> {
  for (const node of nodes) {
    const called = resolve(node);
    if (called) yield called;
    for (const attribute of node.attribute) {
      for (const { graph } of attributeGraphs(attribute)) yield* calledBy(graph.node, resolve);
    }
  }
}
