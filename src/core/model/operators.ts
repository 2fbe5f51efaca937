import type { NodeProto } from "onnx-buf";
import { intAttribute } from "../onnx/build.ts";
import { isStandard } from "./constantNode.ts";
import { type FloatReason, floatReasons } from "./floatReasons.ts";
import { isNested } from "./paths.ts";
import { transparentOps } from "./weightChain.ts";

/**
 * Inputs of a quantizable operator where its weight can be, in order of preference; undefined for other operators.
 * MatMul and Gemm take a constant on either side.
 */
export function weightSlots(node: NodeProto): readonly number[] | undefined {
  if (!isStandard(node)) return undefined;
  switch (node.opType) {
    case "Conv":
    case "ConvTranspose":
      return [1];
    case "Gemm":
    case "MatMul":
      return [1, 0];
    default:
      return undefined;
  }
}

/**
 * Axis of the weight (as the operator sees it) whose elements end in different output channels; undefined when there is
 * none (MatMul with a vector). Conv: C_out first. ConvTranspose: [C_in, C_out/groups, ...]. Gemm and MatMul: the axis
 * that is not summed over (ONNX operator specification).
 */
export function channelAxisOf(node: NodeProto, slot: number, rank: number): number | undefined {
  switch (node.opType) {
    case "Conv":
      return rank > 2 ? 0 : undefined;
    case "ConvTranspose":
      return rank > 2 ? 1 : undefined;
    case "Gemm": {
      if (rank !== 2) return undefined;
      const transposed = intAttribute(node, slot === 1 ? "transB" : "transA", 0) === 1;
      return slot === 1 ? (transposed ? 0 : 1) : transposed ? 1 : 0;
    }
    default:
      if (rank < 2) return undefined;
      return slot === 1 ? rank - 1 : rank - 2;
  }
}

/** Products that one element of MatMul's or Gemm's output sums up. */
export function summedLength(node: NodeProto, slot: number, shape: readonly number[]): number {
  if (shape.length < 2) return shape[0] ?? 1;
  const axis = channelAxisOf(node, slot, shape.length) ?? 0;
  const last = shape.length - 1;
  return shape[node.opType === "Gemm" ? 1 - axis : axis === last ? last - 1 : last] ?? 1;
}

/** Where operators whose weights are integers already have them; they are listed and left alone. */
const quantizedWeightSlots: Readonly<Record<string, readonly number[]>> = {
  QLinearConv: [3],
  QLinearConvTranspose: [3],
  QLinearMatMul: [3, 0],
  QGemm: [3, 0],
  ConvInteger: [1],
  MatMulInteger: [1, 0],
  MatMulIntegerToFloat: [1, 0],
  DynamicQuantizeMatMul: [1],
  MatMulNBits: [1],
  MatMulBnb4: [1],
  QMoE: [2, 5],
  QAttention: [1],
  DynamicQuantizeLSTM: [1, 2],
  GatherBlockQuantized: [0],
};

/**
 * Bits of one weight of an operator whose weights are integers, and how many of them one element of the tensor holds: contrib
 * operators pack several in a byte (ONNX Runtime, MatMulNBits and GatherBlockQuantized; 4 bits unless they say otherwise).
 */
export function integerWeightBits(
  node: NodeProto,
  elementBits: number,
): { readonly bits: number; readonly each: number } {
  const packs = ["MatMulNBits", "MatMulBnb4", "GatherBlockQuantized"].includes(node.opType) && elementBits === 8;
  const bits = packs ? intAttribute(node, "bits", 4) || 4 : elementBits;
  return { bits, each: elementBits / bits };
}

/** Recurrent networks: their weights are [directions, gates * hidden, inputs] (ONNX LSTM, GRU and RNN). */
const recurrentOps: ReadonlySet<string> = new Set(["LSTM", "GRU", "RNN"]);

export function isRecurrent(node: NodeProto): boolean {
  return isStandard(node) && recurrentOps.has(node.opType);
}

/**
 * Weights that are rows with a scale each, of operators that compute in float whatever activation bits a device has: the table of
 * a lookup; the weights of a recurrent network for its input and its state, a row for each direction, gate and output. Several of
 * one node are layers of their own, told apart by the suffix. Undefined for other operators.
 */
export function rowWeights(node: NodeProto): readonly { readonly slot: number; readonly suffix: string }[] | undefined {
  if (isRecurrent(node)) return ["W", "R"].map((suffix, i) => ({ slot: i + 1, suffix }));
  return isStandard(node) && node.opType === "Gather" ? [{ slot: 0, suffix: "" }] : undefined;
}

/** Whether a node computes in float, whatever activation bits a device has: it has row weights, or is in a body of control flow. */
export function computesInFloat({ node, path }: { readonly node: NodeProto; readonly path: string }): boolean {
  return isNested({ path }) || rowWeights(node) !== undefined;
}

export interface ListedConstant {
  readonly slot: number;
  /** Appended to the node's name where a node has several weights. */
  readonly suffix: string;
  /** Undefined for integers, whose bits are in it. */
  readonly reason?: FloatReason;
  /** A weight for certain, however small; other constants are listed from a certain size on. */
  readonly certain: boolean;
  /** Its elements are integers. */
  readonly integers: boolean;
}

/** Constant inputs of other operators that are worth a row in the table, with the reason why they stay in float. */
export function listedConstants(node: NodeProto): readonly ListedConstant[] {
  if ((isStandard(node) && transparentOps.has(node.opType)) || node.opType === "Constant") return [];
  const quantized = Object.hasOwn(quantizedWeightSlots, node.opType) ? quantizedWeightSlots[node.opType] : undefined;
  if (quantized) {
    return quantized.map((slot, i) => ({
      slot,
      suffix: i === 0 ? "" : String(slot),
      certain: true,
      integers: true,
    }));
  }
  return node.input.map((_, slot) => ({
    slot,
    suffix: node.input.length > 1 ? String(slot) : "",
    reason: floatReasons.operator(node.opType),
    certain: false,
    integers: false,
  }));
}
