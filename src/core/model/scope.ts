import type { GraphProto, NodeProto, TensorProto } from "onnx-buf";
import { nodeReads as readsOf } from "../onnx/cycles.ts";
import { attributeGraphs } from "../onnx/walk.ts";
import { constantValue, isConstant } from "./constantNode.ts";
import type { ConstantScope } from "./weightChain.ts";

/** The constants and producers that a node of a graph can see: its own graph's, then the outer graphs'. */
export interface Scope extends ConstantScope {
  /** Whether a value is the same in every run: stored, or computed from stored values alone. */
  isFixed(name: string): boolean;
  /** Path of the graph that a value belongs to: "" for the main graph, `12/then_branch` for a body. */
  home(name: string): string;
  /** Whether a value is stored, but in a form that is no dense tensor of numbers (sparse, strings). */
  isOpaque(name: string): boolean;
}

/** A graph, or a function's body: it has no initializers, and its inputs are names. */
export interface ScopedGraph
  extends Pick<GraphProto, "node">,
    Partial<Pick<GraphProto, "initializer" | "sparseInitializer">> {
  readonly input?: readonly { readonly name: string }[];
}

export function graphScope(graph: ScopedGraph, outer?: Scope, path = ""): Scope {
  const constants = new Map<string, TensorProto>();
  const producers = new Map<string, NodeProto>();
  const opaque = new Set<string>();
  for (const sparse of graph.sparseInitializer ?? []) opaque.add(sparse.values?.name ?? "");
  for (const tensor of graph.initializer ?? []) constants.set(tensor.name, tensor);
  for (const node of graph.node) {
    for (const output of node.output) if (output !== "") producers.set(output, node);
    if (!isConstant(node)) continue;
    const tensor = constantValue(node);
    if (tensor) constants.set(node.output[0] ?? "", tensor);
    else opaque.add(node.output[0] ?? "");
  }
  const inputs = new Set((graph.input ?? []).map((value) => value.name));
  const fixed = fixedValues(graph, outer);
  // Inner names hide outer ones.
  const owns = (name: string) => constants.has(name) || producers.has(name) || opaque.has(name) || inputs.has(name);
  return {
    constant: (name) => constants.get(name) ?? (owns(name) ? undefined : outer?.constant(name)),
    producer: (name) => producers.get(name) ?? (owns(name) ? undefined : outer?.producer(name)),
    home: (name) => (owns(name) ? path : (outer?.home(name) ?? path)),
    isFixed: (name) => fixed.has(name) || (!owns(name) && (outer?.isFixed(name) ?? false)),
    isOpaque: (name) => opaque.has(name) || (!owns(name) && (outer?.isOpaque(name) ?? false)),
  };
}

/** Operators without inputs, or with constant ones, that give something else in each run. */
const randomOps = new Set([
  "RandomNormal",
  "RandomUniform",
  "RandomNormalLike",
  "RandomUniformLike",
  "Multinomial",
  "Bernoulli",
]);

/**
 * Values of one graph that are the same in every run: initializers, Constant nodes, and what other nodes make of them alone.
 * They are no activations, although nodes compute them. Nodes in execution order; of others some may be missed.
 */
export function fixedValues(graph: ScopedGraph, outer?: Scope): ReadonlySet<string> {
  const fixed = new Set<string>();
  for (const tensor of graph.initializer ?? []) fixed.add(tensor.name);
  for (const sparse of graph.sparseInitializer ?? []) fixed.add(sparse.values?.name ?? "");
  const own = new Set<string>((graph.input ?? []).map((value) => value.name));
  for (const node of graph.node) for (const name of node.output) own.add(name);
  for (const node of graph.node) {
    if (randomOps.has(node.opType)) continue;
    const reads = readsOf(node);
    if (reads.size === 0 && !isConstant(node)) continue;
    let all = true;
    for (const name of reads) {
      if (!fixed.has(name) && (own.has(name) || !outer?.isFixed(name))) {
        all = false;
        break;
      }
    }
    if (all) for (const name of node.output) if (name !== "") fixed.add(name);
  }
  return fixed;
}

export interface NestedGraph {
  readonly graph: GraphProto;
  readonly scope: Scope;
  /** The scope around it. */
  readonly outer: Scope;
  /** `12/then_branch`: the node's path and the attribute's name. */
  readonly path: string;
}

/** All graphs inside a node's attributes (If, Loop, Scan), at any depth; the reader has bounded the nesting. */
export function* nestedGraphs(node: NodeProto, path: string, outer: Scope): Generator<NestedGraph> {
  for (const attribute of node.attribute) {
    for (const { name, graph } of attributeGraphs(attribute)) {
      const own = `${path}/${name}`;
      const nested = { graph, scope: graphScope(graph, outer, own), outer, path: own };
      yield nested;
      for (const [index, inner] of graph.node.entries())
        yield* nestedGraphs(inner, `${nested.path}/${index}`, nested.scope);
    }
  }
}

/** Values a node reads: its inputs and whatever its bodies take from outside, each once. */
export function nodeReads(node: NodeProto): readonly string[] {
  return [...readsOf(node)];
}
