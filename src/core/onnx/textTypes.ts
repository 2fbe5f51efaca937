import type { TensorShapeProto, TypeProto } from "onnx-buf";
import { TensorProto_DataType as T } from "onnx-buf";
import { elementType } from "./elementTypes.ts";
import { nameText } from "./textNames.ts";

/** Types in types (`seq(optional(float))`): more are no model but an attempt to exhaust the stack. */
const maxTypeDepth = 16;

/** Element type as the ONNX syntax names it (`prim-type`). */
export function primitiveText(dataType: number): string {
  if (dataType === T.FLOAT) return "float";
  if (dataType === T.DOUBLE) return "double";
  return elementType(dataType)?.name ?? "undefined";
}

/** `float[N,3,224,224]`; `float` is a scalar, `float[]` has an unknown rank. */
export function tensorTypeText(dataType: number, shape: TensorShapeProto | undefined): string {
  const element = primitiveText(dataType);
  if (!shape) return `${element}[]`;
  return shape.dim.length === 0 ? element : `${element}[${shape.dim.map(dimText).join(",")}]`;
}

/** A tensor with data: all its dimensions are numbers. */
export function constantTypeText(dataType: number, dims: readonly bigint[]): string {
  return dims.length === 0 ? primitiveText(dataType) : `${primitiveText(dataType)}[${dims.join(",")}]`;
}

function dimText({ value }: TensorShapeProto["dim"][number]): string {
  switch (value.case) {
    case "dimValue":
      return String(value.value);
    case "dimParam":
      return value.value === "" ? "?" : nameText(value.value);
    case undefined:
      return "?";
  }
}

/** A type as the syntax writes it; "" where the model says none. */
export function typeText(type: TypeProto | undefined, depth = 0): string {
  if (!type) return "";
  if (depth > maxTypeDepth) return "undefined";
  const { value } = type;
  switch (value.case) {
    case "tensorType":
      return tensorTypeText(value.value.elemType, value.value.shape);
    case "sparseTensorType":
      return `sparse_tensor(${tensorTypeText(value.value.elemType, value.value.shape)})`;
    case "sequenceType":
      return `seq(${typeText(value.value.elemType, depth + 1)})`;
    case "optionalType":
      return `optional(${typeText(value.value.elemType, depth + 1)})`;
    case "mapType":
      return `map(${primitiveText(value.value.keyType)}, ${typeText(value.value.valueType, depth + 1)})`;
    case undefined:
      return "";
  }
}
