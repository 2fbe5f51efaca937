import type { GraphProto, NodeProto } from "onnx-buf";
import { TensorProto_DataType } from "onnx-buf";
import { intAttribute } from "../onnx/build.ts";
import type { OnnxModel } from "../onnx/model.ts";
import type { Layer } from "./layer.ts";
import { alreadyQuantizedOps, channelAxisOf, listedConstants, weightSlots } from "./operators.ts";
import { graphScope, nestedGraphs, type Scope } from "./scope.ts";
import { chainSignature, product, traceConstant, type WeightChain } from "./weightChain.ts";

/** One node's use of a layer's weight. */
export interface WeightUse {
  readonly node: NodeProto;
  /** Index in graph.node: the execution order. */
  readonly index: number;
  /** Which input of the node the weight is. */
  readonly slot: number;
  /** Name of a constant bias, "" without one. */
  readonly bias: string;
}

/** A layer with its places in the messages, for whoever reads or replaces its weight. Not for sending. */
export interface LayerSite {
  readonly layer: Layer;
  readonly chain: WeightChain;
  readonly uses: readonly WeightUse[];
}

export interface Discovery {
  /** Every node with constant weights, quantizable or not, in execution order. */
  readonly layers: readonly Layer[];
  /** Their places, by layer name. */
  readonly sites: ReadonlyMap<string, LayerSite>;
  /** Bytes of float constants that belong to no layer (normalization, scales, tables): they need memory too. */
  readonly otherConstantBytes: number;
}

const floatTypes = new Set<number>([
  TensorProto_DataType.FLOAT,
  TensorProto_DataType.FLOAT16,
  TensorProto_DataType.BFLOAT16,
  TensorProto_DataType.DOUBLE,
]);

interface Candidate {
  readonly opType: string;
  readonly path: string;
  readonly chain: WeightChain;
  readonly shape: readonly number[];
  readonly axis: number;
  readonly groups: number;
  readonly use: WeightUse;
  readonly biasParams: number;
  readonly suffix: string;
  readonly reason?: { readonly short: string; readonly detail: string };
}

/**
 * Finds every layer of a model: the operators with constant weights, wherever an exporter hid them. Reads no weight,
 * only small integer constants (shapes of Reshape and the like).
 */
export async function discoverLayers(model: OnnxModel, signal?: AbortSignal): Promise<Discovery> {
  const candidates: Candidate[] = [];
  const root = graphScope(model.graph);
  const counted = new Set<string>();
  for (const [index, node] of model.graph.node.entries()) {
    signal?.throwIfAborted();
    candidates.push(...(await candidatesOf(model, root, node, index, String(index))));
    for (const nested of nestedGraphs(node, String(index), root)) {
      for (const [i, inner] of nested.graph.node.entries()) {
        const found = await candidatesOf(model, nested.scope, inner, i, `${nested.path}/${i}`);
        candidates.push(...found.map((c) => ({ ...c, reason: c.reason ?? controlFlowReason })));
      }
    }
  }
  for (const fn of model.proto.functions) {
    const scope = graphScope({ node: fn.node, initializer: [] });
    for (const [i, inner] of fn.node.entries()) {
      const found = await candidatesOf(model, scope, inner, i, `${fn.name}/${i}`);
      candidates.push(...found.map((c) => ({ ...c, reason: c.reason ?? functionReason })));
    }
  }
  return group(model, candidates, counted);
}

const controlFlowReason = {
  short: "inside an If, Loop or Scan body",
  detail: "Weights in bodies of control-flow operators are not quantized",
};
const functionReason = {
  short: "inside a model-local function",
  detail: "A function's body is shared by all its calls; its constants are not quantized",
};

async function candidatesOf(
  model: OnnxModel,
  scope: Scope,
  node: NodeProto,
  index: number,
  path: string,
): Promise<Candidate[]> {
  const slots = weightSlots(node);
  if (slots === undefined) return listed(model, scope, node, index, path);
  const chains: { slot: number; chain: WeightChain }[] = [];
  for (const slot of slots) {
    const name = node.input[slot] ?? "";
    const chain = name === "" ? undefined : await traceConstant(scope, model.tensors, name);
    if (chain && isFloatWeight(chain)) chains.push({ slot, chain });
  }
  const [only] = chains;
  // Both operands constant: the runtime folds the node away, it is no layer.
  if (only === undefined || (chains.length === slots.length && slots.length > 1)) return [];
  const { slot, chain } = only;
  const biasSlot = node.opType === "MatMul" ? -1 : 2;
  const bias = node.input[biasSlot] ?? "";
  const biasTensor = bias === "" ? undefined : scope.constant(bias);
  const axis = channelAxisOf(node, slot, chain.shape.length);
  return [
    {
      opType: node.opType,
      path,
      chain,
      shape: chain.shape,
      axis: axis ?? 0,
      groups: intAttribute(node, "group", 1),
      use: { node, index, slot, bias: biasTensor ? bias : "" },
      biasParams: biasTensor ? product(biasTensor.dims.map(Number)) : 0,
      suffix: "",
      ...(axis === undefined && {
        reason: { short: "weight is a vector", detail: "A product with a vector has no output channels to scale" },
      }),
    },
  ];
}

async function listed(
  model: OnnxModel,
  scope: Scope,
  node: NodeProto,
  index: number,
  path: string,
): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const { slot, suffix, reason } of listedConstants(node)) {
    const name = node.input[slot] ?? "";
    const chain = name === "" ? undefined : await traceConstant(scope, model.tensors, name);
    if (chain === undefined || chain.shape.length < 2 || product(chain.shape) < minListedElements) continue;
    if (!isFloatWeight(chain) && !alreadyQuantizedOps.has(node.opType)) continue;
    const use = { node, index, slot, bias: "" };
    found.push({
      opType: node.opType,
      path,
      chain,
      shape: chain.shape,
      axis: 0,
      groups: 1,
      use,
      biasParams: 0,
      suffix,
      reason,
    });
  }
  return found;
}

/** Smaller constants of operators that have no weights in the usual sense are masks and offsets: our choice. */
const minListedElements = 256;

function isFloatWeight(chain: WeightChain): boolean {
  return floatTypes.has(chain.tensor.dataType) || chain.steps.some((step) => step.node.opType === "DequantizeLinear");
}

/** Nodes that share a stored tensor become one layer; a tensor seen in two layouts or by an unquantizable user stays float. */
function group(model: OnnxModel, candidates: readonly Candidate[], counted: Set<string>): Discovery {
  const byTensor = new Map<unknown, Candidate[]>();
  for (const candidate of candidates) {
    const list = byTensor.get(candidate.chain.tensor);
    if (list) list.push(candidate);
    else byTensor.set(candidate.chain.tensor, [candidate]);
  }
  const others = otherUsers(model.graph, candidates);
  const names = new Set<string>();
  const sites: LayerSite[] = [];
  for (const group of byTensor.values()) {
    const [first] = group;
    if (first === undefined) continue;
    const signature = layoutOf(first);
    const blocker = group.find((c) => c.reason !== undefined);
    const mixed = group.find((c) => layoutOf(c) !== signature);
    const outside = others.get(first.chain.tensorName);
    const reason = blocker
      ? group.every((c) => c.reason !== undefined)
        ? blocker.reason
        : sharedReason(blocker.use.node, first.chain.tensorName)
      : mixed
        ? sharedReason(mixed.use.node, first.chain.tensorName)
        : outside
          ? sharedReason(outside, first.chain.tensorName)
          : undefined;
    counted.add(first.chain.tensorName);
    for (const c of group) if (c.use.bias !== "") counted.add(c.use.bias);
    const layer: Layer = {
      name: uniqueName(names, nameOf(first)),
      opType: first.opType,
      nodes: group.map((c) => c.path),
      weightShape: first.shape,
      channelAxis: first.axis,
      groups: first.groups,
      params: product(first.shape),
      weightTensor: first.chain.tensorName,
      biasParams: group.reduce((sum, c) => sum + c.biasParams, 0),
      floatBytes: model.tensors.byteLength(first.chain.tensor),
      ...(reason && { floatReason: reason.short, floatDetail: reason.detail }),
    };
    sites.push({ layer, chain: first.chain, uses: group.map((c) => c.use) });
  }
  let otherConstantBytes = 0;
  for (const tensor of model.graph.initializer) {
    if (floatTypes.has(tensor.dataType) && !counted.has(tensor.name))
      otherConstantBytes += model.tensors.byteLength(tensor);
  }
  return {
    layers: sites.map((site) => site.layer),
    sites: new Map(sites.map((site) => [site.layer.name, site])),
    otherConstantBytes,
  };
}

/** The layers that can be quantized, in execution order. */
export function quantizableSites(discovery: Discovery): readonly LayerSite[] {
  return [...discovery.sites.values()].filter((site) => site.layer.floatReason === undefined);
}

function layoutOf(c: Candidate): string {
  return `${chainSignature(c.chain)}|${c.shape.join("x")}|${c.axis}`;
}

function sharedReason(node: NodeProto, tensor: string): { short: string; detail: string } {
  const who = node.name || node.opType;
  const short = `shared with ${who}`;
  return {
    short: short.length <= 40 ? short : `${short.slice(0, 39)}…`,
    detail: `The tensor ${tensor} is also used by ${node.opType} ${who}, in a way that needs its float values`,
  };
}

/** Nodes that read a candidate's stored tensor without being one of its uses or chain steps, by tensor name. */
function otherUsers(graph: GraphProto, candidates: readonly Candidate[]): Map<string, NodeProto> {
  const tensors = new Set(candidates.map((c) => c.chain.tensorName));
  const known = new Set<NodeProto>();
  for (const c of candidates) {
    known.add(c.use.node);
    for (const step of c.chain.steps) known.add(step.node);
  }
  const others = new Map<string, NodeProto>();
  for (const node of graph.node) {
    if (known.has(node)) continue;
    for (const name of node.input) if (tensors.has(name)) others.set(name, node);
  }
  return others;
}

function nameOf(c: Candidate): string {
  const { node } = c.use;
  const base = node.name || c.chain.tensorName || node.output[0] || node.opType;
  return c.suffix === "" ? base : `${base}.${c.suffix}`;
}

function uniqueName(names: Set<string>, wanted: string): string {
  let name = wanted;
  for (let n = 2; names.has(name); n++) name = `${wanted}_${n}`;
  names.add(name);
  return name;
}
