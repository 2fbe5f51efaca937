import type { TensorProto } from "onnx-buf";
import { TensorProto_DataType } from "onnx-buf";
import { isExternal } from "./external.ts";

/** The values of a small float32 constant that is in its message; undefined for anything else. */
export function inlineFloats(tensor: TensorProto): readonly number[] | undefined {
  if (tensor.dataType !== TensorProto_DataType.FLOAT || isExternal(tensor)) return undefined;
  if (tensor.rawData.length === 0) return tensor.floatData.length > 0 ? tensor.floatData : undefined;
  return [...new Float32Array(new Uint8Array(tensor.rawData).buffer)];
}
