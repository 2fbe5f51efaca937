import type { TensorProto, ValueInfoProto } from "onnx-buf";
import type { TensorStore } from "./tensors.ts";
import { tensorText } from "./textTensors.ts";
import { constantTypeText, typeText } from "./textTypes.ts";

/** A constant or a value, on a line of its own or in a list. */
export interface Declaration {
  readonly name: string;
  /** Before the name: `float[8,3,3,3] `. */
  readonly before: string;
  /** Behind it: ` = {}`. */
  readonly after: string;
  readonly note?: string;
}

/** `float[8,3,3,3] w = {}`: a constant. */
export function constant(tensor: TensorProto, tensors: TensorStore): Declaration {
  const { data, note } = tensorText(tensor, tensors);
  const before = `${constantTypeText(tensor.dataType, tensor.dims)} `;
  return { name: tensor.name, before, after: ` = ${data}`, ...(note !== undefined && { note }) };
}

/** `float[N,10] logits`: a value with its type, where the model says it. */
export function typed({ name, type }: ValueInfoProto): Declaration {
  const text = typeText(type);
  return { name, before: text === "" ? "" : `${text} `, after: "" };
}

/** A value of a function, whose types are those of its call. */
export function untyped(name: string): Declaration {
  return { name, before: "", after: "" };
}
