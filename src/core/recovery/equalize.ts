import { type GraphProto, type NodeProto, TensorProto_DataType } from "onnx-buf";
import { isStandard } from "../model/constantNode.ts";
import { channelAxisOf } from "../model/operators.ts";
import { onlyReader, type Readers, readersOf } from "../model/readers.ts";
import { readWeight } from "../model/readWeight.ts";
import { graphScope, type Scope } from "../model/scope.ts";
import { product, traceConstant, type WeightChain } from "../model/weightChain.ts";
import { floatAttribute, intAttribute, tensor } from "../onnx/build.ts";
import { copyModel, type OnnxModel } from "../onnx/model.ts";
import type { TensorStore } from "../onnx/tensors.ts";

/**
 * Operators that a positive factor on a channel goes through unchanged: f(s x) = s f(x), channel by channel. Clip and ReLU6 are
 * not among them: their bounds would have to become one for each channel, which no Clip has, and the Min and Max in its place would
 * cost the device two passes over the activation where the ReLU6 was part of the layer.
 */
const homogeneousOps: ReadonlySet<string> = new Set([
  "Relu",
  "LeakyRelu",
  "MaxPool",
  "AveragePool",
  "GlobalAveragePool",
  "GlobalMaxPool",
  "Identity",
  "Dropout",
]);

/** A layer's weight (and bias) while channels are scaled. */
interface Scaled {
  readonly node: NodeProto;
  readonly weight: Float32Array;
  readonly shape: readonly number[];
  readonly bias?: Float32Array;
}

/** Two layers with nothing between them that a channel's factor does not go through. */
interface Pair {
  readonly first: Scaled;
  readonly second: Scaled;
  /** Of each channel, what it was divided by so far. */
  readonly factors: Float64Array;
}

/** Passes over all pairs: each moves ranges one layer further along a chain. Nagel et al. iterate until nothing moves; our choice. */
const passes = 10;
/** A channel's factor, over all passes, is not beyond it: a channel that is nearly dead on one side would get a bias or activation out of proportion. Our choice. */
const largestFactor = 32;

/**
 * Cross-layer equalization (Nagel et al. 2019, arXiv 1906.04721): in a copy of the model, channel c between two layers is divided by
 * s = sqrt(r1 r2) / r2 in the first layer's weight and bias, and multiplied by it in the second's weight, r1 and r2 being the
 * channel's largest weights on both sides. The network computes the same function.
 * Pairs are a Conv, and a Conv of any groups that alone reads it, through homogeneousOps.
 * @returns the same model when there is no pair
 */
export async function equalizeChannels(
  original: OnnxModel,
  signal?: AbortSignal,
): Promise<{ readonly model: OnnxModel; readonly pairs: number }> {
  const model = copyModel(original);
  const { graph, tensors } = model;
  const pairs = await findPairs(graph, tensors, signal);
  if (pairs.length === 0) return { model: original, pairs: 0 };
  for (let pass = 0; pass < passes; pass++) {
    signal?.throwIfAborted();
    for (const pair of pairs) equalizePair(pair);
  }
  for (const { node, weight, shape, bias } of new Set(pairs.flatMap(({ first, second }) => [first, second]))) {
    replaceConstant(graph, tensors, node.input[1] as string, shape, weight);
    if (bias) replaceConstant(graph, tensors, node.input[2] as string, [bias.length], bias);
  }
  return { model, pairs: pairs.length };
}

/** Under its own name, which layers without one are called by. */
function replaceConstant(
  graph: GraphProto,
  tensors: TensorStore,
  name: string,
  dims: readonly number[],
  data: Float32Array,
): void {
  graph.initializer = graph.initializer.filter((constant) => constant.name !== name);
  graph.node = graph.node.filter(({ output }) => output[0] !== name);
  graph.initializer.push(tensor(tensors, name, TensorProto_DataType.FLOAT, dims, data));
}

async function findPairs(graph: GraphProto, tensors: TensorStore, signal?: AbortSignal): Promise<Pair[]> {
  const scope = graphScope(graph);
  const readers = readersOf(graph);
  const read = new Map<NodeProto, Promise<Scaled | undefined>>();
  const scaled = (node: NodeProto) => {
    const known = read.get(node) ?? readScaled(scope, readers, tensors, node);
    read.set(node, known);
    return known;
  };
  const pairs: Pair[] = [];
  for (const node of graph.node) {
    signal?.throwIfAborted();
    if (!isConv(node)) continue;
    const next = followed(readers, node);
    if (next === undefined) continue;
    const [first, second] = [await scaled(node), await scaled(next)];
    if (first === undefined || second === undefined) continue;
    const channels = (second.shape[1] ?? 0) * intAttribute(next, "group", 1);
    if (first.shape[0] === channels) pairs.push({ first, second, factors: new Float64Array(channels).fill(1) });
  }
  return pairs;
}

function isConv(node: NodeProto): boolean {
  return node.opType === "Conv" && isStandard(node);
}

/** The convolution that alone reads a node's output, through homogeneous operators. */
function followed(readers: Readers, from: NodeProto): NodeProto | undefined {
  let at = from;
  for (;;) {
    const next = onlyReader(readers, at.output[0] ?? "");
    if (next === undefined || next.input[0] !== at.output[0] || !isStandard(next)) return undefined;
    if (isConv(next)) return next;
    if (!homogeneousOps.has(next.opType) || next.output.slice(1).some((name) => name !== "")) return undefined;
    if (next.opType === "LeakyRelu" && floatAttribute(next, "alpha", 0.01) < 0) return undefined;
    at = next;
  }
}

/** Weight and bias of a convolution: float32 constants that nothing else reads; undefined where they are anything else. */
async function readScaled(
  scope: Scope,
  readers: Readers,
  tensors: TensorStore,
  node: NodeProto,
): Promise<Scaled | undefined> {
  const weight = await plainConstant(scope, readers, tensors, node.input[1] ?? "");
  if (weight === undefined || channelAxisOf(node, 1, weight.shape.length) !== 0) return undefined;
  const biasName = node.input[2] ?? "";
  const bias = biasName === "" ? undefined : await plainConstant(scope, readers, tensors, biasName);
  if (biasName !== "" && (bias === undefined || product(bias.shape) !== weight.shape[0])) return undefined;
  return {
    node,
    shape: weight.shape,
    // Copies: a tensor's own data are never changed.
    weight: Float32Array.from(await readWeight(tensors, weight)),
    ...(bias && { bias: Float32Array.from(await readWeight(tensors, bias)) }),
  };
}

async function plainConstant(
  scope: Scope,
  readers: Readers,
  tensors: TensorStore,
  name: string,
): Promise<WeightChain | undefined> {
  const chain = await traceConstant(scope, tensors, name);
  if (chain === undefined || chain.elementType !== TensorProto_DataType.FLOAT) return undefined;
  return chain.steps.length > 0 || onlyReader(readers, name) === undefined ? undefined : chain;
}

function equalizePair({ first, second, factors }: Pair): void {
  const channels = first.shape[0] as number;
  const inputs = first.weight.length / channels;
  const [, perGroup = 1, ...kernel] = second.shape;
  const taps = product(kernel);
  const rows = second.shape[0] as number;
  const groups = channels / perGroup;
  const rowsPerGroup = rows / groups;
  for (let c = 0; c < channels; c++) {
    const group = Math.floor(c / perGroup);
    const own = first.weight.subarray(c * inputs, (c + 1) * inputs);
    const read = Array.from({ length: rowsPerGroup }, (_, i) => {
      const at = ((group * rowsPerGroup + i) * perGroup + (c % perGroup)) * taps;
      return second.weight.subarray(at, at + taps);
    });
    const r1 = largest(own);
    const r2 = Math.max(...read.map(largest));
    if (!(r1 > 0 && r2 > 0)) continue;
    const before = factors[c] as number;
    factors[c] = Math.min(largestFactor, Math.max(1 / largestFactor, before * Math.sqrt(r1 / r2)));
    const s = (factors[c] as number) / before;
    scale(own, 1 / s);
    if (first.bias) first.bias[c] = (first.bias[c] as number) / s;
    for (const part of read) scale(part, s);
  }
}

function largest(values: Float32Array): number {
  let most = 0;
  for (const v of values) if (Math.abs(v) > most) most = Math.abs(v);
  return most;
}

function scale(values: Float32Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * factor;
}
