import { TensorProto_DataType as T } from "onnx-buf";

/** Which typed field of a TensorProto holds the elements when they are not in raw_data (onnx.proto, TensorProto). */
export type TypedField = "floatData" | "int32Data" | "int64Data" | "doubleData" | "uint64Data" | "stringData";

/** Bytes of one entry of a typed field in the file; 0 for varints and strings, which vary. */
export const fieldWidth: Readonly<Record<TypedField, 0 | 4 | 8>> = {
  floatData: 4,
  int32Data: 0,
  int64Data: 0,
  doubleData: 8,
  uint64Data: 0,
  stringData: 0,
};

export interface ElementType {
  /** Name as ONNX writes it, in lower case. */
  readonly name: string;
  /** Bits of one element in raw_data; 4- and 2-bit elements are packed, the first in the lowest bits. */
  readonly bits: number;
  readonly field: TypedField;
  /** Bytes of raw_data that one entry of the typed field stands for. */
  readonly entryBytes: number;
}

const define = (name: string, bits: number, field: TypedField, entryBytes: number): ElementType => ({
  name,
  bits,
  field,
  entryBytes,
});

const table: ReadonlyMap<number, ElementType> = new Map<number, ElementType>([
  [T.FLOAT, define("float32", 32, "floatData", 4)],
  [T.UINT8, define("uint8", 8, "int32Data", 1)],
  [T.INT8, define("int8", 8, "int32Data", 1)],
  [T.UINT16, define("uint16", 16, "int32Data", 2)],
  [T.INT16, define("int16", 16, "int32Data", 2)],
  [T.INT32, define("int32", 32, "int32Data", 4)],
  [T.INT64, define("int64", 64, "int64Data", 8)],
  [T.STRING, define("string", 0, "stringData", 0)],
  [T.BOOL, define("bool", 8, "int32Data", 1)],
  [T.FLOAT16, define("float16", 16, "int32Data", 2)],
  [T.DOUBLE, define("float64", 64, "doubleData", 8)],
  [T.UINT32, define("uint32", 32, "uint64Data", 4)],
  [T.UINT64, define("uint64", 64, "uint64Data", 8)],
  [T.COMPLEX64, define("complex64", 64, "floatData", 4)],
  [T.COMPLEX128, define("complex128", 128, "doubleData", 8)],
  [T.BFLOAT16, define("bfloat16", 16, "int32Data", 2)],
  [T.FLOAT8E4M3FN, define("float8e4m3fn", 8, "int32Data", 1)],
  [T.FLOAT8E4M3FNUZ, define("float8e4m3fnuz", 8, "int32Data", 1)],
  [T.FLOAT8E5M2, define("float8e5m2", 8, "int32Data", 1)],
  [T.FLOAT8E5M2FNUZ, define("float8e5m2fnuz", 8, "int32Data", 1)],
  [T.UINT4, define("uint4", 4, "int32Data", 1)],
  [T.INT4, define("int4", 4, "int32Data", 1)],
  [T.FLOAT4E2M1, define("float4e2m1", 4, "int32Data", 1)],
  [T.FLOAT8E8M0, define("float8e8m0", 8, "int32Data", 1)],
  [T.UINT2, define("uint2", 2, "int32Data", 1)],
  [T.INT2, define("int2", 2, "int32Data", 1)],
]);

/** @returns undefined for UNDEFINED (0) and for types newer than this program */
export function elementType(dataType: number): ElementType | undefined {
  return table.get(dataType);
}

/** The type's name for messages, also when it is not known. */
export function elementTypeName(dataType: number): string {
  return table.get(dataType)?.name ?? `element type ${dataType}`;
}
