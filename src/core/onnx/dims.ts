import type { TensorProto } from "onnx-buf";
import { elementType } from "./elementTypes.ts";
import { limitError, modelError } from "./errors.ts";
import { maxElements, maxRank } from "./limits.ts";

/**
 * Elements of a tensor by its dimensions; 1 for a scalar.
 * @throws SQ2008 for a negative dimension, SQ2007 above `maxRank` dimensions or `maxElements` elements
 */
export function elementsOf(tensor: TensorProto, file?: string): number {
  const place = { ...(file !== undefined && { file }), item: tensor.name };
  if (tensor.dims.length > maxRank) throw limitError("dimensions in one tensor", maxRank, place);
  let elements = 1;
  let empty = false;
  for (const dim of tensor.dims) {
    if (dim < 0n)
      throw modelError("badTensor", `The tensor has a negative dimension: [${tensor.dims.join(", ")}]`, place);
    if (dim === 0n) empty = true;
    else elements *= Number(dim);
    if (elements > maxElements) throw limitError("elements in one tensor", maxElements, place);
  }
  return empty ? 0 : elements;
}

/** Bytes of a tensor's data as raw_data holds them (4- and 2-bit types packed); undefined without a fixed width. */
export function rawBytesOf(tensor: TensorProto, file?: string): number | undefined {
  const type = elementType(tensor.dataType);
  if (type === undefined || type.bits === 0) return undefined;
  return Math.ceil((elementsOf(tensor, file) * type.bits) / 8);
}
