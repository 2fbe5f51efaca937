import type { NodeProto } from "onnx-buf";
import { intAttribute } from "../onnx/build.ts";

/**
 * Inputs of a quantizable operator where its weight can be, in order of preference; undefined for other operators.
 * MatMul and Gemm take a constant on either side.
 */
export function weightSlots(node: NodeProto): readonly number[] | undefined {
  if (node.domain !== "" && node.domain !== "ai.onnx") return undefined;
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
      return 0;
    case "ConvTranspose":
      return 1;
    case "Gemm":
      return slot === 1
        ? intAttribute(node, "transB", 0) === 1
          ? 0
          : 1
        : intAttribute(node, "transA", 0) === 1
          ? 1
          : 0;
    default:
      if (rank < 2) return undefined;
      return slot === 1 ? rank - 1 : rank - 2;
  }
}

/** Operators whose weights are integers already; read and listed, left alone. */
export const alreadyQuantizedOps: ReadonlySet<string> = new Set([
  "QLinearConv",
  "QLinearMatMul",
  "QGemm",
  "ConvInteger",
  "MatMulInteger",
  "MatMulNBits",
  "MatMulIntegerToFloat",
  "DynamicQuantizeMatMul",
  "DynamicQuantizeLSTM",
  "QAttention",
  "GatherBlockQuantized",
]);

export interface ListedConstant {
  readonly slot: number;
  /** Appended to the node's name where a node has several weights. */
  readonly suffix: string;
  readonly reason: { readonly short: string; readonly detail: string };
}

const chainOps = new Set([
  "Identity",
  "Cast",
  "Transpose",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Flatten",
  "DequantizeLinear",
  "Constant",
]);

/** Constant inputs of other operators that are worth a row in the table, with the reason why they stay in float. */
export function listedConstants(node: NodeProto): readonly ListedConstant[] {
  if (chainOps.has(node.opType)) return [];
  if (alreadyQuantizedOps.has(node.opType)) {
    const reason = {
      short: "already quantized",
      detail: `${node.opType} has integer weights already; they are left as they are`,
    };
    return node.input.map((_, slot) => ({ slot, suffix: "", reason })).filter(({ slot }) => slot > 0);
  }
  switch (node.opType) {
    case "Gather":
      return [
        {
          slot: 0,
          suffix: "",
          reason: {
            short: "embeddings stay in float",
            detail: "Embedding tables are not quantized yet; their size is counted",
          },
        },
      ];
    case "LSTM":
    case "GRU":
    case "RNN": {
      const reason = {
        short: `${node.opType} stays in float`,
        detail: `The weights of ${node.opType} are not quantized yet; their size is counted`,
      };
      return [
        { slot: 1, suffix: "W", reason },
        { slot: 2, suffix: "R", reason },
      ];
    }
    default: {
      const short = `${node.opType} is not quantized`;
      const reason = {
        short: short.length <= 40 ? short : "operator is not quantized",
        detail: `Constants of ${node.opType} are used as they are`,
      };
      return node.input.map((_, slot) => ({ slot, suffix: node.input.length > 1 ? String(slot) : "", reason }));
    }
  }
}
