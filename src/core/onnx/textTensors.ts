import { TensorProto_DataType as T, type TensorProto } from "onnx-buf";
import { formatBytes, grouped } from "../plan/format.ts";
import { toFloat32, toTyped } from "./convert.ts";
import { elementType } from "./elementTypes.ts";
import { isExternal } from "./external.ts";
import type { TensorStore } from "./tensors.ts";
import { quoted, stringText } from "./textNames.ts";
import { float32Text, float64Text } from "./textNumbers.ts";

/** Tensors of more values than these are left out: shapes, axes and scalars are read, weights are not. Our choice. */
const maxShownValues = 8;

/** A tensor's `constant-data`, and what has to be said beside them. */
export interface TensorText {
  /** `{1, -1}`, `{}`, or the place of external data: `["location": "weights.bin"]`. */
  readonly data: string;
  /** What is left out: `216 values, 864 B`. Of 16-bit floats, which the syntax writes as bit patterns, the values: `= 0.5`. */
  readonly note?: string;
}

/** The data of a tensor as far as they are shown. Nothing is read from the file. */
export function tensorText(tensor: TensorProto, tensors: TensorStore): TensorText {
  if (isExternal(tensor)) {
    const entries = tensor.externalData.map(({ key, value }) => `${quoted(key)}: ${quoted(value)}`);
    return { data: `[${entries.join(", ")}]`, note: sizeText(tensor, tensors) };
  }
  const elements = tensors.elements(tensor);
  if (elements === 0) return { data: "{}" };
  const values = elements <= maxShownValues ? inlineValues(tensor, elements) : undefined;
  if (values?.length !== elements) return { data: "{}", note: sizeText(tensor, tensors) };
  const halves = halfValues(tensor, elements);
  return { data: `{${values.join(", ")}}`, ...(halves && { note: `= ${halves.join(", ")}` }) };
}

function sizeText(tensor: TensorProto, tensors: TensorStore): string {
  const elements = tensors.elements(tensor);
  const count = `${grouped(elements)} ${elements === 1 ? "value" : "values"}`;
  const bits = elementType(tensor.dataType)?.bits ?? 0;
  return bits === 0 ? count : `${count}, ${formatBytes(Math.ceil((elements * bits) / 8))}`;
}

function halfValues(tensor: TensorProto, elements: number): readonly string[] | undefined {
  const { dataType, rawData, int32Data } = tensor;
  if (dataType !== T.FLOAT16 && dataType !== T.BFLOAT16) return undefined;
  const bytes = rawData.length > 0 ? rawData : new Uint8Array(Uint16Array.from(int32Data).buffer);
  const out = new Float32Array(elements);
  toFloat32(dataType, bytes, 0, out);
  return [...out].map(halfText);
}

/** Digits that tell any two float16 numbers apart. */
const float16Digits = 5;

function halfText(value: number): string {
  return float64Text(Number(value.toPrecision(float16Digits)));
}

/** The values of a tensor whose data are in its message; undefined for others, and for types that are no reading (packed, complex). */
function inlineValues(tensor: TensorProto, elements: number): readonly string[] | undefined {
  const type = elementType(tensor.dataType);
  if (type === undefined || (type.bits < 8 && type.name !== "string")) return undefined;
  switch (tensor.dataType) {
    case T.STRING: {
      const shown = tensor.stringData.map((bytes) => stringText(new TextDecoder().decode(bytes)));
      return shown.every(({ leftOut }) => leftOut === 0) ? shown.map(({ text }) => text) : undefined;
    }
    case T.COMPLEX64:
    case T.COMPLEX128:
      return undefined;
  }
  if (tensor.rawData.length > 0) {
    if (tensor.rawData.length !== (elements * type.bits) / 8) return undefined;
    const typed = toTyped(tensor.dataType, tensor.rawData, elements);
    if (typed instanceof Float32Array) return [...typed].map(float32Text);
    if (typed instanceof Float64Array) return [...typed].map(float64Text);
    return typed && Array.from(typed as ArrayLike<number | bigint>, String);
  }
  switch (type.field) {
    case "floatData":
      return tensor.floatData.map(float32Text);
    case "doubleData":
      return tensor.doubleData.map(float64Text);
    case "int64Data":
      return tensor.int64Data.map(String);
    case "uint64Data":
      return tensor.uint64Data.map(String);
    case "int32Data":
      return tensor.int32Data.map(String);
    case "stringData":
      return undefined;
  }
}
