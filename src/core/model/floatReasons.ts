import type { NodeProto } from "onnx-buf";
import { elementTypeName } from "../onnx/elementTypes.ts";

/** Why a layer stays in float: for its row in the table, and the whole story for a hover. */
export interface FloatReason {
  /** At most `maxReasonLength` characters. */
  readonly short: string;
  readonly detail: string;
}

/** Longer reasons would not fit the table (DESIGN-NOTES, "Float reasons"). */
export const maxReasonLength = 40;

/** Bytes of a float32 scale: a row of fewer weights would not shrink at 8 bits. */
export const minRowElements = 4;

const reason = (short: string, detail: string): FloatReason => ({ short: fitting(short), detail });

export const floatReasons = {
  function: reason(
    "inside a model-local function",
    "A function's body is shared by all its calls; its constants are not quantized",
  ),
  vector: reason("weight is a vector", "A product with a vector has no output channels to scale"),
  rank: reason(
    "weight has an unexpected rank",
    "The weight does not have the number of dimensions that the operator takes",
  ),
  outerProduct: reason(
    "inner dimension is 1",
    "The product sums over one element: it scales values (rotary embeddings are made so), and rounding it saves next to nothing",
  ),
  runTime: (operator: string): FloatReason =>
    reason(
      "weight is computed at run time",
      operator === ""
        ? "The weight is an input of the model or of a body, so that no file holds its values"
        : `${operator} computes the weight while the model runs. If it only computes with constants, fold them (onnxsim, or export again) and open the result`,
    ),
  sparse: reason("weight is stored sparse", "Sparse tensors are not quantized; store the weight as a dense tensor"),
  storedAs: (dataType: number): FloatReason =>
    reason(
      `weight is stored as ${elementTypeName(dataType)}`,
      `Numbers cannot be read from ${elementTypeName(dataType)} here; the weight is used as it is`,
    ),
  empty: reason("weight has no elements", "A dimension of the weight is 0"),
  alreadyQuantized: (operator: string, bits: number | undefined): FloatReason =>
    reason(
      `already quantized${bits === undefined ? "" : ` to ${bits} bits`}`,
      `${operator} has integer weights already; they are left as they are`,
    ),
  /** The same of weights that can be quantized again: those behind a DequantizeLinear. */
  dequantized: (operator: string, bits: number): FloatReason =>
    reason(
      `already quantized to ${bits} bits`,
      `${operator} reads dequantized weights of ${bits} bits; they are left as they are unless quantizing again is asked for (--requantize)`,
    ),
  lookupAxis: (axis: number): FloatReason =>
    reason(`looks up along axis ${axis}`, "Tables are quantized row by row, where rows are what is looked up"),
  shortRows: reason(
    "rows are too short for a scale each",
    `A scale takes as much room as ${minRowElements} weights of 8 bits: shorter rows are smaller as they are`,
  ),
  operator: (operator: string): FloatReason =>
    `${operator} is not quantized`.length <= maxReasonLength
      ? reason(`${operator} is not quantized`, `Constants of ${operator} are used as they are`)
      : reason("operator is not quantized", `Constants of ${operator} are used as they are`),
  shared: (who: string, tensor: string, detail: string): FloatReason =>
    reason(`shared with ${who}`, `The tensor ${tensor} is also ${detail}, which needs its float values`),
} as const;

/** The other user of a shared tensor, as reasons name it. */
export function sharedWith(node: NodeProto, tensor: string): FloatReason {
  return floatReasons.shared(node.name || tensor, tensor, `read by ${node.opType}${node.name && ` ${node.name}`}`);
}

/** Cut in the middle where too long: names of nodes differ at their ends. */
function fitting(text: string): string {
  if (text.length <= maxReasonLength) return text;
  const tail = 14;
  return `${text.slice(0, maxReasonLength - 1 - tail)}…${text.slice(-tail)}`;
}
