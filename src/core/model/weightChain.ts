import type { NodeProto, TensorProto } from "onnx-buf";
import { SigmaQuantError } from "../errors.ts";
import { intAttribute, intsAttribute } from "../onnx/build.ts";
import type { TensorStore } from "../onnx/tensors.ts";

/** A node between a stored tensor and the operator that uses it; all of them are constant-foldable. */
export interface ChainStep {
  readonly node: NodeProto;
  /** Values of the node's constant second input (Reshape's shape, Squeeze's axes), resolved while tracing. */
  readonly ints: readonly number[];
  readonly scale?: TensorProto;
  readonly zeroPoint?: TensorProto;
}

/** A constant as a node sees it: the tensor in the file and the steps from it to the node, nearest to the tensor first. */
export interface WeightChain {
  readonly tensor: TensorProto;
  /** Name of the value that holds the stored tensor. */
  readonly tensorName: string;
  readonly steps: readonly ChainStep[];
  /** Shape after all steps. */
  readonly shape: readonly number[];
}

/** What tracing needs to know of a graph and its outer scopes. */
export interface ConstantScope {
  constant(name: string): TensorProto | undefined;
  producer(name: string): NodeProto | undefined;
}

/** Exporters stack a handful of these; a longer chain of constants is not a weight but a computation. */
const maxChainLength = 16;

const transparentOps = new Set([
  "Identity",
  "Cast",
  "Transpose",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Flatten",
  "DequantizeLinear",
]);

/**
 * Follows a value back to a stored tensor through Identity, Cast, Transpose, Reshape, Flatten, Squeeze, Unsqueeze and
 * DequantizeLinear.
 * @returns undefined when the value is computed at run time
 */
export async function traceConstant(
  scope: ConstantScope,
  tensors: TensorStore,
  name: string,
): Promise<WeightChain | undefined> {
  const nodes: NodeProto[] = [];
  let current = name;
  let tensor = scope.constant(current);
  while (tensor === undefined) {
    const node = scope.producer(current);
    if (node === undefined || !isTransparent(node) || nodes.length === maxChainLength) return undefined;
    nodes.unshift(node);
    current = node.input[0] ?? "";
    tensor = scope.constant(current);
  }
  let shape = tensor.dims.map(Number);
  const steps: ChainStep[] = [];
  for (const node of nodes) {
    const step = await resolveStep(scope, tensors, node);
    if (step === undefined) return undefined;
    const next = shapeAfter(step, shape);
    if (next === undefined) return undefined;
    shape = next;
    steps.push(step);
  }
  return { tensor, tensorName: current, steps, shape };
}

function isTransparent(node: NodeProto): boolean {
  const standard = node.domain === "" || node.domain === "ai.onnx";
  return (
    transparentOps.has(node.opType) &&
    (standard || (node.domain === "com.microsoft" && node.opType === "DequantizeLinear"))
  );
}

async function resolveStep(
  scope: ConstantScope,
  tensors: TensorStore,
  node: NodeProto,
): Promise<ChainStep | undefined> {
  if (node.opType === "DequantizeLinear") {
    const scale = scope.constant(node.input[1] ?? "");
    const zeroPointName = node.input[2] ?? "";
    const zeroPoint = scope.constant(zeroPointName);
    if (scale === undefined || (zeroPointName !== "" && zeroPoint === undefined)) return undefined;
    return { node, ints: [], scale, ...(zeroPoint && { zeroPoint }) };
  }
  const second = node.input[1] ?? "";
  if (second !== "") {
    const constant = scope.constant(second);
    if (constant === undefined || constant.dims.length > 1) return undefined;
    return { node, ints: Array.from(await tensors.readFloat32(constant)) };
  }
  const attribute = node.opType === "Transpose" ? "perm" : node.opType === "Reshape" ? "shape" : "axes";
  return { node, ints: intsAttribute(node, attribute) ?? [] };
}

/** Shape of a step's output, or undefined when the node's attributes do not fit the shape. */
function shapeAfter(step: ChainStep, shape: readonly number[]): number[] | undefined {
  const { node, ints } = step;
  const rank = shape.length;
  switch (node.opType) {
    case "Identity":
    case "Cast":
    case "DequantizeLinear":
      return [...shape];
    case "Transpose": {
      const perm = permutation(step, rank);
      return perm.length === rank && new Set(perm).size === rank && perm.every((axis) => axis >= 0 && axis < rank)
        ? perm.map((axis) => shape[axis] as number)
        : undefined;
    }
    case "Flatten": {
      const axis = normalizeAxis(intAttribute(node, "axis", 1), rank);
      return [product(shape.slice(0, axis)), product(shape.slice(axis))];
    }
    case "Reshape":
      return reshape(shape, ints, intAttribute(node, "allowzero", 0) === 1);
    case "Squeeze": {
      const axes = new Set(
        ints.length > 0 ? ints.map((axis) => normalizeAxis(axis, rank)) : shape.flatMap((d, i) => (d === 1 ? [i] : [])),
      );
      return [...axes].every((axis) => shape[axis] === 1) ? shape.filter((_, i) => !axes.has(i)) : undefined;
    }
    case "Unsqueeze": {
      const outRank = rank + ints.length;
      const axes = new Set(ints.map((axis) => normalizeAxis(axis, outRank)));
      if (axes.size !== ints.length || [...axes].some((axis) => axis < 0 || axis >= outRank)) return undefined;
      const rest = [...shape];
      return Array.from({ length: outRank }, (_, i) => (axes.has(i) ? 1 : (rest.shift() as number)));
    }
    default:
      return undefined;
  }
}

function reshape(shape: readonly number[], target: readonly number[], allowZero: boolean): number[] | undefined {
  const total = product(shape);
  const result = target.map((d, i) => (d === 0 && !allowZero ? (shape[i] ?? 0) : d));
  const open = result.indexOf(-1);
  if (open >= 0) {
    const known = product(result.filter((_, i) => i !== open));
    if (known === 0 || total % known !== 0) return undefined;
    result[open] = total / known;
  }
  return product(result) === total && result.every((d) => d >= 0) ? result : undefined;
}

function permutation(step: ChainStep, rank: number): readonly number[] {
  return step.ints.length > 0 ? step.ints : Array.from({ length: rank }, (_, i) => rank - 1 - i);
}

function normalizeAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

export function product(values: readonly number[]): number {
  return values.reduce((total, value) => total * value, 1);
}

/** Two chains with the same signature give the same values from the same tensor. */
export function chainSignature(chain: WeightChain): string {
  return chain.steps
    .filter((step) => step.node.opType !== "Identity")
    .map(
      (step) =>
        `${step.node.opType}(${step.ints.join(",")};${step.node.attribute.map((a) => `${a.name}=${a.i}`).join(",")})`,
    )
    .join(" ");
}

/**
 * The weight's values as the operator sees them, float32, row-major over `chain.shape`.
 * Memory: the whole tensor (twice where a Transpose lies between).
 */
export async function readWeight(
  tensors: TensorStore,
  chain: WeightChain,
  signal?: AbortSignal,
): Promise<Float32Array> {
  let values = await tensors.readFloat32(chain.tensor, undefined, undefined, signal);
  let shape: readonly number[] = chain.tensor.dims.map(Number);
  for (const step of chain.steps) {
    if (step.node.opType === "Transpose") values = transpose(values, shape, permutation(step, shape.length));
    if (step.node.opType === "DequantizeLinear") values = await dequantize(tensors, step, values, shape);
    shape = shapeAfter(step, shape) ?? shape;
  }
  return values;
}

/** Permutes the axes of a row-major array: output axis i is input axis perm[i] (ONNX Transpose). */
export function transpose(values: Float32Array, shape: readonly number[], perm: readonly number[]): Float32Array {
  const rank = shape.length;
  const strides = new Array<number>(rank).fill(1);
  for (let i = rank - 2; i >= 0; i--) strides[i] = (strides[i + 1] as number) * (shape[i + 1] as number);
  const outShape = perm.map((axis) => shape[axis] as number);
  const outStrides = perm.map((axis) => strides[axis] as number);
  const out = new Float32Array(values.length);
  const index = new Array<number>(rank).fill(0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = values[from] as number;
    for (let axis = rank - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      from += outStrides[axis] as number;
      if ((index[axis] as number) < (outShape[axis] as number)) break;
      from -= (outStrides[axis] as number) * (outShape[axis] as number);
      index[axis] = 0;
    }
  }
  return out;
}

/** ONNX DequantizeLinear: (x - zero_point) * scale, per tensor, per axis or per block. */
async function dequantize(
  tensors: TensorStore,
  step: ChainStep,
  values: Float32Array,
  shape: readonly number[],
): Promise<Float32Array> {
  if (step.scale === undefined) return values;
  const scales = await tensors.readFloat32(step.scale);
  const zeroPoints = step.zeroPoint ? await tensors.readFloat32(step.zeroPoint) : new Float32Array(scales.length);
  const axis = normalizeAxis(intAttribute(step.node, "axis", 1), shape.length);
  const block = intAttribute(step.node, "block_size", 0);
  const inner = product(shape.slice(axis + 1));
  const channels = scales.length === 1 && step.scale.dims.length === 0 ? 1 : (shape[axis] ?? 1);
  const blocks = block > 0 ? Math.ceil(channels / block) : channels;
  const expected = block > 0 ? product(shape.slice(0, axis)) * blocks * inner : scales.length === 1 ? 1 : channels;
  if (scales.length !== expected) {
    throw new SigmaQuantError(
      "SQ2031",
      "bad-dequantize",
      `DequantizeLinear has ${scales.length} scales where ${expected} are needed`,
      {
        remedy: "Export the model again with its quantization parameters",
        place: { item: step.node.name || step.node.output[0] || "DequantizeLinear" },
      },
    );
  }
  const out = new Float32Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const channel = scales.length === 1 ? 0 : Math.floor(i / inner) % channels;
    const at =
      block > 0
        ? (Math.floor(i / (inner * channels)) * blocks + Math.floor(channel / block)) * inner + (i % inner)
        : channel;
    out[i] = ((values[i] as number) - (zeroPoints[at] as number)) * (scales[at] as number);
  }
  return out;
}
