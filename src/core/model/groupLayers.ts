import type { NodeProto, TensorProto } from "onnx-buf";
import type { Bits } from "../hardware/profile.ts";
import type { OnnxModel } from "../onnx/model.ts";
import type { Candidate } from "./candidates.ts";
import type { LayerSite, WeightUse } from "./discover.ts";
import { type FloatReason, floatReasons, sharedWith } from "./floatReasons.ts";
import type { Layer } from "./layer.ts";
import { rowWeights } from "./operators.ts";
import { nodeReads } from "./scope.ts";
import { chainSignature, product, type WeightChain } from "./weightChain.ts";

export interface GroupedLayers {
  readonly layers: readonly Layer[];
  readonly sites: ReadonlyMap<string, LayerSite>;
  readonly uses: ReadonlyMap<string, readonly WeightUse[]>;
  /** The stored tensors of the layers' weights and biases. */
  readonly tensors: ReadonlySet<TensorProto>;
}

/**
 * Nodes that share a stored tensor become one layer with one decision. A tensor that is seen in two layouts, or that
 * something unquantizable reads too, stays in float.
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
  const names = new Set<string>();
  const layers: Layer[] = [];
  const sites = new Map<string, LayerSite>();
  const uses = new Map<string, readonly WeightUse[]>();
  const tensors = new Set<TensorProto>();
  for (const group of groups.values()) {
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
    sites.set(layer.name, { layer, chain: named.chain, uses: groupUses });
    tensors.add(named.chain.tensor);
    for (const { biasChain } of groupUses) if (biasChain) tensors.add(biasChain.tensor);
  }
  return { layers, sites, uses, tensors };
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
    weightShape: chain?.shape ?? [],
    channelAxis: named.axis,
    groups: named.groups,
    params: chain ? product(chain.shape) * (named.perElement ?? 1) : 0,
    weightTensor: chain?.tensorName ?? named.use.node.input[named.use.slot] ?? "",
    biasParams: [...biases.values()].reduce((sum, bias) => sum + product(bias.shape), 0),
    floatBytes: chain ? model.tensors.byteLength(chain.tensor) : 0,
    ...(group.some(({ use }) => rowWeights(use.node)) && { weightsOnly: true as const }),
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
  for (const name of group.flatMap((c) => (c.chain ? valuesOf(c.chain) : []))) {
    const reason = outside.get(name);
    if (reason) return reason;
  }
  return undefined;
}

function layoutOf({ chain, axis }: Candidate): string {
  return chain ? `${chainSignature(chain)}|${chain.shape.join("x")}|${axis}|${chain.elementType}` : "";
}

/** Names of the values from the stored tensor to the operator. */
function valuesOf(chain: WeightChain): readonly string[] {
  return [chain.tensorName, ...chain.steps.map((step) => step.node.output[0] ?? "")];
}

/** Who else reads the candidates' weights, or a value between a weight and its operator: by name of the value. */
function outsideReaders(model: OnnxModel, candidates: readonly Candidate[]): Map<string, FloatReason> {
  const watched = new Set<string>();
  const known = new Set<NodeProto>();
  for (const { use, chain } of candidates) {
    if (chain === undefined) continue;
    known.add(use.node);
    for (const name of valuesOf(chain)) watched.add(name);
    for (const step of chain.steps) known.add(step.node);
  }
  const found = new Map<string, FloatReason>();
  for (const node of model.graph.node) {
    if (known.has(node)) continue;
    for (const name of nodeReads(node))
      if (watched.has(name) && !found.has(name)) found.set(name, sharedWith(node, name));
  }
  for (const { name } of model.graph.output) {
    if (watched.has(name)) found.set(name, floatReasons.shared("the model's outputs", name, "an output of the model"));
  }
  return found;
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
