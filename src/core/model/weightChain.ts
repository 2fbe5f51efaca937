import { type NodeProto, TensorProto_DataType as T, type TensorProto } from "onnx-buf";
import { intAttribute, intsAttribute } from "../onnx/build.ts";
import { elementType as typeOf } from "../onnx/elementTypes.ts";
import type { TensorStore } from "../onnx/tensors.ts";
import { isStandard } from "./constantNode.ts";
import { joinedRows } from "./joinedRows.ts";

/** A node between a stored tensor and the operator that uses it; all of them are constant-foldable. */
export interface ChainStep {
  readonly node: NodeProto;
  /**
   * Values of the node's constant second input (Reshape's shape, Squeeze's axes), resolved while tracing; of a Concat the first
   * row and the one behind the last of each slice.
   */
  readonly ints: readonly number[];
  /** Further nodes that belong to the step: the slices of a Concat. */
  readonly slices?: readonly NodeProto[];
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
  /** ONNX element type after all steps. */
  readonly elementType: number;
}

/** What tracing needs to know of a graph and its outer scopes. */
export interface ConstantScope {
  constant(name: string): TensorProto | undefined;
  producer(name: string): NodeProto | undefined;
}

/** Exporters stack a handful of these; a longer chain of constants is not a weight but a computation. Our choice. */
const maxChainLength = 16;

/** Most axes that a constant of axes or dimensions may have; tensors have fewer (limits.ts). */
const maxInts = 32;

export const floatTypes: ReadonlySet<number> = new Set<number>([T.FLOAT, T.FLOAT16, T.BFLOAT16, T.DOUBLE]);

/** Operators that a constant is followed through. */
export const transparentOps: ReadonlySet<string> = new Set([
  "Identity",
  "Cast",
  "Transpose",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Flatten",
  "QuantizeLinear",
  "DequantizeLinear",
]);

/**
 * Follows a value back to a stored tensor through Identity, Cast between floats, Transpose, Reshape, Flatten, Squeeze, Unsqueeze,
 * QuantizeLinear and DequantizeLinear, and through a Concat of slices of one value's rows.
 * @returns undefined when the value is computed at run time, or by other operators
 */
export async function traceConstant(
  scope: ConstantScope,
  tensors: TensorStore,
  name: string,
): Promise<WeightChain | undefined> {
  const found: (NodeProto | ChainStep)[] = [];
  let current = name;
  let tensor = scope.constant(current);
  while (tensor === undefined) {
    const node = scope.producer(current);
    if (node === undefined || found.length === maxChainLength) return undefined;
    if (isTransparent(node)) {
      found.unshift(node);
      current = node.input[0] ?? "";
    } else {
      const joined = await joinedRows(scope, tensors, node);
      if (joined === undefined) return undefined;
      found.unshift(joined.step);
      current = joined.source;
    }
    tensor = scope.constant(current);
  }
  let shape = tensor.dims.map(Number);
  let elementType = tensor.dataType;
  const steps: ChainStep[] = [];
  for (const each of found) {
    const step = "$typeName" in each ? await resolveStep(scope, tensors, each) : each;
    const next = step && shapeAfter(step, shape);
    const type = step && typeAfter(step, elementType);
    if (step === undefined || next === undefined || type === undefined) return undefined;
    shape = next;
    elementType = type;
    steps.push(step);
  }
  return { tensor, tensorName: current, steps, shape, elementType };
}

function isTransparent(node: NodeProto): boolean {
  if (!transparentOps.has(node.opType)) return false;
  // ONNX Runtime has a pair of its own, for types that ONNX took up later.
  return isStandard(node) || (node.domain === "com.microsoft" && /^(Quantize|Dequantize)Linear$/.test(node.opType));
}

async function resolveStep(
  scope: ConstantScope,
  tensors: TensorStore,
  node: NodeProto,
): Promise<ChainStep | undefined> {
  if (node.opType === "DequantizeLinear" || node.opType === "QuantizeLinear") {
    const scale = scope.constant(node.input[1] ?? "");
    const zeroPointName = node.input[2] ?? "";
    const zeroPoint = scope.constant(zeroPointName);
    if (scale === undefined || (zeroPointName !== "" && zeroPoint === undefined)) return undefined;
    return { node, ints: [], scale, ...(zeroPoint && { zeroPoint }) };
  }
  const second = node.input[1] ?? "";
  if (second !== "") {
    const constant = scope.constant(second);
    if (constant === undefined || constant.dims.length > 1 || tensors.elements(constant) > maxInts) return undefined;
    // As stored, not as float32: dimensions above 2^24 are exact.
    return { node, ints: Array.from(await tensors.read(constant), Number) };
  }
  const attribute = node.opType === "Transpose" ? "perm" : node.opType === "Reshape" ? "shape" : "axes";
  return { node, ints: intsAttribute(node, attribute) ?? [] };
}

/** Element type of a step's output; undefined where values would be lost that reading the weight does not lose. */
function typeAfter({ node, scale, zeroPoint }: ChainStep, type: number): number | undefined {
  switch (node.opType) {
    case "Cast": {
      const to = intAttribute(node, "to", 0);
      return floatTypes.has(to) || isWidening(type, to) ? to : undefined;
    }
    case "DequantizeLinear":
      return intAttribute(node, "output_dtype", 0) || scale?.dataType;
    case "QuantizeLinear":
      return zeroPoint?.dataType ?? (intAttribute(node, "output_dtype", 0) || T.UINT8);
    default:
      return type;
  }
}

/** Signed integers, and what an integer weight is cast to on its way to a DequantizeLinear: no value changes. */
const signedTypes: readonly number[] = [T.INT2, T.INT4, T.INT8, T.INT16, T.INT32];
const unsignedTypes: readonly number[] = [T.UINT2, T.UINT4, T.UINT8, T.UINT16, T.UINT32];

function isWidening(from: number, to: number): boolean {
  return [signedTypes, unsignedTypes].some((types) => types.includes(from) && types.indexOf(to) >= types.indexOf(from));
}

/**
 * Bits of the integers that a chain dequantizes: those of the stored tensor, or of a QuantizeLinear behind floats. Undefined for
 * a chain of floats.
 */
export function dequantizedBits({ tensor, steps }: WeightChain): number | undefined {
  if (!steps.some(({ node }) => node.opType === "DequantizeLinear")) return undefined;
  if (!floatTypes.has(tensor.dataType)) return typeOf(tensor.dataType)?.bits;
  const quantize = steps.find(({ node }) => node.opType === "QuantizeLinear");
  return quantize && typeOf(typeAfter(quantize, tensor.dataType) ?? T.UINT8)?.bits;
}

/** Shape of a step's output, or undefined when the node's attributes do not fit the shape. */
export function shapeAfter(step: ChainStep, shape: readonly number[]): number[] | undefined {
  const { node, ints } = step;
  const rank = shape.length;
  switch (node.opType) {
    case "Transpose": {
      const perm = permutation(step, rank);
      return perm.length === rank && new Set(perm).size === rank && perm.every((axis) => axis >= 0 && axis < rank)
        ? perm.map((axis) => shape[axis] as number)
        : undefined;
    }
    case "Flatten": {
      const axis = normalizeAxis(intAttribute(node, "axis", 1), rank);
      return axis >= 0 && axis <= rank ? [product(shape.slice(0, axis)), product(shape.slice(axis))] : undefined;
    }
    case "Concat": {
      const [rows = 0, ...rest] = shape;
      const slices = rowsOf(ints, rows);
      return slices.every(([from, to]) => from < to)
        ? [slices.reduce((sum, [from, to]) => sum + to - from, 0), ...rest]
        : undefined;
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
      return [...shape];
  }
}

/** The slices of a Concat step; one that ends behind the rows ends with them. */
export function rowsOf(ints: readonly number[], rows: number): readonly (readonly [from: number, to: number])[] {
  return Array.from({ length: ints.length / 2 }, (_, i) => {
    return [ints[2 * i] as number, Math.min(rows, ints[2 * i + 1] as number)];
  });
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

/** Transpose's order of axes; without one it reverses them. */
export function permutation(step: ChainStep, rank: number): readonly number[] {
  return step.ints.length > 0 ? step.ints : Array.from({ length: rank }, (_, i) => rank - 1 - i);
}

export function normalizeAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

export function product(values: readonly number[]): number {
  return values.reduce((total, value) => total * value, 1);
}

/** Two chains with the same signature give the same values from the same tensor. */
export function chainSignature(chain: WeightChain): string {
  return chain.steps
    .filter((step) => step.node.opType !== "Identity")
    .map(({ node, ints, scale }) => {
      const attributes = node.attribute.map((a) => `${a.name}=${a.i}`).sort();
      // Scales and zero points by name: two that are called differently may differ.
      const parameters = scale ? node.input.slice(1) : [];
      return `${node.opType}(${[ints.join(), ...attributes, ...parameters].join(";")})`;
    })
    .join(" ");
}
