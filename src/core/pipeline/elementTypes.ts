import { TensorProto_DataType } from "onnx-buf";
import type { ValueInfo } from "../ports.ts";

const onnxTypes: Readonly<Record<ValueInfo["type"], number>> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  float16: TensorProto_DataType.FLOAT16,
  int8: TensorProto_DataType.INT8,
  uint8: TensorProto_DataType.UINT8,
  int16: TensorProto_DataType.INT16,
  uint16: TensorProto_DataType.UINT16,
  int32: TensorProto_DataType.INT32,
  uint32: TensorProto_DataType.UINT32,
  int64: TensorProto_DataType.INT64,
  uint64: TensorProto_DataType.UINT64,
  bool: TensorProto_DataType.BOOL,
  string: TensorProto_DataType.STRING,
  unknown: TensorProto_DataType.FLOAT,
};

/** ONNX element types of the values that the runtime told the types of. */
export function elementTypeOf(types: ReadonlyMap<string, ValueInfo["type"]>): Map<string, number> {
  return new Map([...types].map(([name, type]) => [name, onnxTypes[type]]));
}
