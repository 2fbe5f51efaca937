import type { NodeProto } from "onnx-buf";
import type { OnnxModel } from "../onnx/model.ts";
import { type Candidate, candidatesOf, type Surroundings } from "./candidates.ts";
import { constantValue, isConstant } from "./constantNode.ts";
import { floatReasons } from "./floatReasons.ts";
import { groupLayers } from "./groupLayers.ts";
import type { Layer } from "./layer.ts";
import { readersOf } from "./readers.ts";
import { graphScope, nestedGraphs, type ScopedGraph } from "./scope.ts";
import { floatTypes, type WeightChain } from "./weightChain.ts";

/** One node's use of a layer's weight. */
export interface WeightUse {
  readonly node: NodeProto;
  /** Index in graph.node of the node, or of the one whose bodies it is in: the execution order. */
  readonly index: number;
  /** Where the node is, as in `Layer.nodes`. */
  readonly path: string;
  /** Which input of the node the weight is. */
  readonly slot: number;
  /** The input that the weight is put into instead, of a node in front of this one that makes of it what this one reads. */
  readonly entry?: { readonly path: string; readonly slot: number };
  /** The weight's shape as this node sees it, where that is not the layer's. */
  readonly shape?: readonly number[];
  /** Name of a constant bias, "" without one. */
  readonly bias: string;
  /** The bias, where there is one. */
  readonly biasChain?: WeightChain;
  /** For MatMul, which has no bias of its own: the Add behind it that alone reads its product and adds the bias. */
  readonly biasAdd?: { readonly node: NodeProto; readonly index: number; readonly slot: number };
}

/** Where a use's weight goes in. */
export function entryOf(use: WeightUse): { readonly path: string; readonly slot: number } {
  return use.entry ?? use;
}

/** A layer with its places in the messages, for whoever reads or replaces its weight. Not for sending. */
export interface LayerSite {
  readonly layer: Layer;
  readonly chain: WeightChain;
  readonly uses: readonly WeightUse[];
  /** Path of the graph that holds the weight: "" for the main graph, `12/then_branch` for a body. */
  readonly home: string;
}

export interface Discovery {
  /** Every node with weights, quantizable or not, in execution order. */
  readonly layers: readonly Layer[];
  /** The places of those whose weight is stored in the file, by layer name. */
  readonly sites: ReadonlyMap<string, LayerSite>;
  /** The nodes of every layer, by layer name. */
  readonly uses: ReadonlyMap<string, readonly WeightUse[]>;
  /** Bytes of float constants that belong to no layer (normalization, scales, tables): they need memory too. */
  readonly otherConstantBytes: number;
}

export interface DiscoverOptions {
  /** Weights behind a DequantizeLinear are quantized again, from the values that it gives; else they are left as they are. */
  readonly requantize?: boolean;
}

/**
 * Finds every layer of a model: the operators with constant weights, wherever an exporter hid them. Reads no weight,
 * only small integer constants (shapes of Reshape and the like).
 */
export async function discoverLayers(
  model: OnnxModel,
  { requantize = false }: DiscoverOptions = {},
  signal?: AbortSignal,
): Promise<Discovery> {
  const found: Candidate[] = [];
  const graphs: ScopedGraph[] = [model.graph];
  const root = graphScope(model.graph);
  const main: Surroundings = { model, scope: root, readers: readersOf(model.graph), kind: "graph", requantize };
  for (const [index, node] of model.graph.node.entries()) {
    signal?.throwIfAborted();
    found.push(...(await candidatesOf(main, node, index, String(index))));
    for (const nested of nestedGraphs(node, String(index), root)) {
      graphs.push(nested.graph);
      const inside: Surroundings = { model, scope: nested.scope, kind: "graph", requantize };
      found.push(...(await candidatesIn(inside, nested.graph, nested.path, index)));
    }
  }
  for (const body of model.proto.functions) {
    const graph = { node: body.node, input: body.input.map((name) => ({ name })) };
    const scope = graphScope(graph, undefined, body.name);
    graphs.push(graph);
    found.push(...(await candidatesIn({ model, scope, kind: "function" }, graph, body.name, 0)));
    for (const [i, node] of body.node.entries()) {
      signal?.throwIfAborted();
      for (const nested of nestedGraphs(node, `${body.name}/${i}`, scope)) {
        graphs.push(nested.graph);
        const inside: Surroundings = { model, scope: nested.scope, kind: "function" };
        found.push(...(await candidatesIn(inside, nested.graph, nested.path, 0)));
      }
    }
  }
  const { layers, sites, uses, tensors } = groupLayers(model, found);
  let otherConstantBytes = 0;
  for (const graph of graphs) {
    const constants = [...(graph.initializer ?? []), ...graph.node.filter(isConstant).map(constantValue)];
    for (const tensor of constants) {
      // Values in attributes (value_float) have no identity, and no weight.
      if (tensor && floatTypes.has(tensor.dataType) && !tensors.has(tensor))
        otherConstantBytes += model.tensors.byteLength(tensor);
    }
  }
  return { layers, sites, uses, otherConstantBytes };
}

/** Candidates of a body: a subgraph, or a function, whose weights stay in float. @param index see WeightUse */
async function candidatesIn(
  around: Surroundings,
  graph: ScopedGraph,
  path: string,
  index: number,
): Promise<Candidate[]> {
  const reason = around.kind === "function" ? floatReasons.function : undefined;
  const found: Candidate[] = [];
  for (const [i, node] of graph.node.entries()) {
    for (const c of await candidatesOf(around, node, index, `${path}/${i}`))
      found.push({ ...c, ...(!c.reason && reason && { reason }) });
  }
  return found;
}

/** The layers that can be quantized, in execution order. */
export function quantizableSites(discovery: Discovery): readonly LayerSite[] {
  return [...discovery.sites.values()].filter((site) => site.layer.floatReason === undefined);
}
