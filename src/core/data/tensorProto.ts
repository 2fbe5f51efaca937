import { fromBinary } from "@bufbuild/protobuf";
import { type TensorProto, TensorProto_DataLocation, TensorProto_DataType, TensorProtoSchema } from "onnx-buf";
import type { Place } from "../errors.ts";
import type { Tensor } from "../ports.ts";
import { elementBytes, fromBytes, type NumericData, type NumericType, newData, product } from "./elements.ts";
import { dataError } from "./errors.ts";

/** A tensor of a test-data folder is one input of one run: 512 MiB are 890 photographs of 224 x 224 x 3 floats. */
export const maxTensorProtoBytes = 2 ** 29;
/** Inputs of networks have rank 0-6; 16 leaves room and stops rank bombs. */
const maxRank = 16;

const types: Readonly<Record<number, NumericType>> = {
  [TensorProto_DataType.FLOAT]: "float32",
  [TensorProto_DataType.DOUBLE]: "float64",
  [TensorProto_DataType.FLOAT16]: "float16",
  [TensorProto_DataType.INT8]: "int8",
  [TensorProto_DataType.UINT8]: "uint8",
  [TensorProto_DataType.INT16]: "int16",
  [TensorProto_DataType.UINT16]: "uint16",
  [TensorProto_DataType.INT32]: "int32",
  [TensorProto_DataType.UINT32]: "uint32",
  [TensorProto_DataType.INT64]: "int64",
  [TensorProto_DataType.UINT64]: "uint64",
  [TensorProto_DataType.BOOL]: "bool",
};

/** A tensor of an ONNX test-data folder with its name, which is empty in older ones. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/**
 * Reads a serialized TensorProto (`input_0.pb`; onnx.proto, message TensorProto), raw or typed data.
 * @throws SigmaQuantError SQ4041
 */
export function readTensorProto(bytes: Uint8Array, place: Place): NamedTensor {
  const bad = (message: string, remedy = "Write it again with numpy_helper.from_array(...).SerializeToString().") =>
    dataError("tensor-proto", message, remedy, place);
  if (bytes.length > maxTensorProtoBytes) {
    throw bad(
      `The file has ${bytes.length} bytes; ${maxTensorProtoBytes} is the limit`,
      "Save fewer samples, or use .npz.",
    );
  }
  let proto: TensorProto;
  try {
    proto = fromBinary(TensorProtoSchema, bytes);
  } catch (error) {
    const message = "This is not a serialized ONNX tensor (sequences, maps and optionals are not supported)";
    throw dataError("tensor-proto", message, "Give one TensorProto a file.", place, error);
  }
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL || proto.externalData.length > 0) {
    throw bad("The tensor keeps its values in another file, which test data may not");
  }
  const dims = proto.dims.map(Number);
  if (dims.length > maxRank) throw bad(`The tensor has ${dims.length} axes; ${maxRank} is the limit`);
  const length = product(dims);
  if (dims.some((dim) => dim < 0) || !Number.isSafeInteger(length))
    throw bad(`The tensor claims a shape of [${dims.join(", ")}]`);
  const count = (values: number) => {
    if (values !== length)
      throw bad(`The tensor of shape [${dims.join(", ")}] holds ${values} values instead of ${length}`);
  };
  if (proto.dataType === TensorProto_DataType.STRING) {
    count(proto.stringData.length);
    const decoder = new TextDecoder();
    return {
      name: proto.name,
      tensor: { type: "string", dims, data: proto.stringData.map((text) => decoder.decode(text)) },
    };
  }
  const type = types[proto.dataType];
  if (type === undefined) {
    const name = TensorProto_DataType[proto.dataType] ?? String(proto.dataType);
    throw bad(`The tensor's element type ${name} is not supported`, "Save it as float32 or an integer type.");
  }
  if (proto.rawData.length > 0) {
    count(proto.rawData.length / elementBytes[type]);
    return { name: proto.name, tensor: { type, dims, data: fromBytes(type, proto.rawData) } };
  }
  const values = typedValues(proto, type);
  count(values.length);
  return { name: proto.name, tensor: { type, dims, data: fill(type, values) } };
}

/** The repeated field that holds elements of this type (onnx.proto's comments say which). */
function typedValues(proto: TensorProto, type: NumericType): readonly number[] | readonly bigint[] {
  switch (type) {
    case "float32":
      return proto.floatData;
    case "float64":
      return proto.doubleData;
    case "int64":
      return proto.int64Data;
    case "uint64":
    case "uint32":
      return proto.uint64Data;
    default:
      return proto.int32Data;
  }
}

function fill(type: NumericType, values: readonly number[] | readonly bigint[]): NumericData {
  const data = newData(type, values.length);
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (let index = 0; index < data.length; index++) {
    const value = values[index] ?? 0;
    data[index] = (wide ? value : Number(value)) as never;
  }
  return data;
}
