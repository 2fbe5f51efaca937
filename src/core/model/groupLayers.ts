import type { GraphProto, NodeProto, TensorProto } from "onnx-buf";
import type { Bits } from "../hardware/profile.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { type Candidate, valueKey } from "./candidates.ts";
import type { LayerSite, WeightUse } from "./discover.ts";
import { type FloatReason, floatReasons, sharedWith } from "./floatReasons.ts";
import type { Layer } from "./layer.ts";
import { computesInFloat, rowWeights } from "./operators.ts";
import { type NodePaths, nodePaths } from "./paths.ts";
import { graphScope, nestedGraphs, type Scope } from "./scope.ts";
import { asStored } from "./tied.ts";
import { chainSignature, product } from "./weightChain.ts";

export interface GroupedLayers {
  readonly layers: readonly Layer[];
  readonly sites: ReadonlyMap<string, LayerSite>;
  readonly uses: ReadonlyMap<string, readonly WeightUse[]>;
  /** The stored tensors of the layers' weights and biases. */
  readonly tensors: ReadonlySet<TensorProto>;
}

/**
 * Nodes that share a stored tensor become one layer with one decision. A tensor that is seen in two layouts (but for the order of its
 * axes, see asStored), or that something unquantizable reads too, stays in float.
 */
export function groupLayers(model: OnnxModel, candidates: readonly Candidate[]): GroupedLayers {
  const groups = new Map<TensorProto | Candidate, Candidate[]>();
  for (const candidate of candidates) {
    const key = candidate.chain?.tensor ?? candidate;
    const group = groups.get(key);
    if (group) group.push(candidate);
    else groups.set(key, [candidate]);
  }
  const outside = outsideReaders(model, candidates);
  const paths = nodePaths(model.graph);
  const names = new Set<string>();
  const layers: Layer[] = [];
  const sites = new Map<string, LayerSite>();
  const uses = new Map<string, readonly WeightUse[]>();
  const tensors = new Set<TensorProto>();
  const pathOf = reversed(paths);
  for (const candidatesOf of groups.values()) {
    const isMixed = new Set(candidatesOf.map(layoutOf)).size > 1;
    const group = (isMixed && asStored(candidatesOf, pathOf)) || candidatesOf;
    // The layer is called after a node that could be quantized, where there is one; the others explain why it is not. A product
    // says more of a layer than the lookup that shares its table.
    const fit = group.filter((c) => c.reason === undefined);
    const named = fit.find((c) => !rowWeights(c.use.node)) ?? fit[0] ?? (group[0] as Candidate);
    const reason = reasonOf(group, named, outside);
    const groupUses = group.map((c) => c.use);
    const layer = layerOf(model, named, group, uniqueName(names, nameOf(named)), reason);
    layers.push(layer);
    uses.set(layer.name, groupUses);
    if (named.chain === undefined) continue;
    sites.set(layer.name, {
      layer,
      chain: named.chain,
      uses: groupUses,
      home: outsideLoops(paths, named.home),
    });
    tensors.add(named.chain.tensor);
    for (const { biasChain } of groupUses) if (biasChain) tensors.add(biasChain.tensor);
  }
  return { layers, sites, uses, tensors };
}

/** Paths of nodes, looked up only where one is asked for. */
function reversed({ nodes }: NodePaths): (node: NodeProto) => string | undefined {
  let paths: Map<NodeProto, string> | undefined;
  return (node) => {
    paths ??= new Map([...nodes].map(([path, placed]) => [placed.node, path]));
    return paths.get(node);
  };
}

function layerOf(
  model: OnnxModel,
  named: Candidate,
  group: readonly Candidate[],
  name: string,
  reason: FloatReason | undefined,
): Layer {
  const { chain, storedBits } = named;
  const biases = new Map(group.flatMap(({ use }) => (use.biasChain ? [[use.bias, use.biasChain] as const] : [])));
  return {
    name,
    opType: named.opType,
    nodes: group.map((c) => c.path),
    weightShape: named.shape ?? chain?.shape ?? [],
    channelAxis: named.axis,
    groups: named.groups,
    params: chain ? product(chain.shape) * (named.perElement ?? 1) : 0,
    weightTensor: chain?.tensorName ?? named.use.node.input[named.use.slot] ?? "",
    biasParams: [...biases.values()].reduce((sum, bias) => sum + product(bias.shape), 0),
    floatBytes: chain ? model.tensors.byteLength(chain.tensor) : 0,
    ...(group.every(({ use }) => computesInFloat(use)) && { weightsOnly: true as const }),
    ...(storedBits !== undefined && isBits(storedBits) && { storedBits }),
    ...(reason && { floatReason: reason.short, floatDetail: reason.detail }),
  };
}

/** Whether a device's figures can be looked up for weights of so many bits. */
function isBits(bits: number): bits is Bits {
  return Number.isInteger(bits) && bits >= 2 && bits <= 8;
}

function reasonOf(
  group: readonly Candidate[],
  named: Candidate,
  outside: ReadonlyMap<string, FloatReason>,
): FloatReason | undefined {
  if (named.reason) return named.reason;
  const { chain } = named;
  if (chain === undefined) return undefined;
  const layout = layoutOf(named);
  const other = group.find((c) => c.reason !== undefined || layoutOf(c) !== layout);
  if (other) return sharedWith(other.use.node, chain.tensorName);
  for (const key of group.flatMap((c) => c.values)) {
    const reason = outside.get(key);
    if (reason) return reason;
  }
  return undefined;
}

function layoutOf({ chain, axis }: Candidate): string {
  return chain ? `${chainSignature(chain)}|${chain.shape.join("x")}|${axis}|${chain.elementType}` : "";
}

/** Who else reads the candidates' weights, or a value between a weight and its operator: by valueKey. */
function outsideReaders(model: OnnxModel, candidates: readonly Candidate[]): Map<string, FloatReason> {
  const watched = new Set<string>();
  const known = new Set<NodeProto>();
  for (const { use, chain, values } of candidates) {
    if (chain === undefined) continue;
    known.add(use.node);
    for (const key of values) watched.add(key);
    for (const step of chain.steps) for (const node of [step.node, ...(step.slices ?? [])]) known.add(node);
  }
  const found = new Map<string, FloatReason>();
  const lookAt = (graph: GraphProto, scope: Scope) => {
    for (const node of graph.node) {
      if (known.has(node)) continue;
      for (const name of node.input) {
        const key = valueKey(scope, name);
        if (watched.has(key) && !found.has(key)) found.set(key, sharedWith(node, name));
      }
    }
    const [who, what] =
      graph === model.graph ? (["the model's outputs", "an output of the model"] as const) : bodyOutputs;
    for (const { name } of graph.output) {
      const key = valueKey(scope, name);
      if (watched.has(key)) found.set(key, floatReasons.shared(who, name, what));
    }
  };
  const root = graphScope(model.graph);
  lookAt(model.graph, root);
  for (const [index, node] of model.graph.node.entries())
    for (const { graph, scope } of nestedGraphs(node, String(index), root)) lookAt(graph, scope);
  return found;
}

const bodyOutputs = ["a body's outputs", "an output of a body"] as const;

/** Operators that run their bodies several times over. */
const loopOps: ReadonlySet<string> = new Set(["Loop", "Scan", "SequenceMap"]);

/** The graph around the outermost loop that a graph is in, so that a weight is dequantized once in a run; the graph itself outside of loops. */
function outsideLoops({ nodes }: NodePaths, home: string): string {
  let end = home.indexOf("/");
  for (let start = 0; end >= 0; ) {
    const path = home.slice(0, end);
    if (loopOps.has(nodes.get(path)?.node.opType ?? "")) return home.slice(0, Math.max(0, start - 1));
    // Behind the node's index comes the attribute's name, and then the next node's index.
    const next = home.indexOf("/", end + 1);
    if (next < 0) break;
    start = next + 1;
    end = home.indexOf("/", start);
  }
  return home;
}

function nameOf(c: Candidate): string {
  const { node, slot } = c.use;
  const base = node.name || c.chain?.tensorName || node.input[slot] || node.output[0] || node.opType;
  return c.suffix === "" ? base : `${base}.${c.suffix}`;
}

function uniqueName(names: Set<string>, wanted: string): string {
  let name = wanted;
  for (let n = 2; names.has(name); n++) name = `${wanted}_${n}`;
  names.add(name);
  return name;
}
