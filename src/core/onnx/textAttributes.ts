import {
  AttributeProto_AttributeType as A,
  type AttributeProto,
  type SparseTensorProto,
  type TensorProto,
} from "onnx-buf";
import { grouped } from "../plan/format.ts";
import type { TensorStore } from "./tensors.ts";
import { bytesText, isIdentifier, nameText, qualifiedText, type ShownString } from "./textNames.ts";
import { float32Text } from "./textNumbers.ts";
import { tensorText } from "./textTensors.ts";
import { constantTypeText, tensorTypeText, typeText } from "./textTypes.ts";

/** Lists of more entries than these are cut: tree ensembles keep millions in attributes. Our choice. */
const maxShownEntries = 32;

/** An attribute but for the graphs in it, which take lines of their own. */
export interface AttributeText {
  /** `kernel_shape = [3, 3]`; "" for what the syntax has no form for. */
  readonly text: string;
  /** What is left out, for the end of the line. */
  readonly notes: readonly string[];
}

/** What the ONNX syntax calls the types of attributes (`attr-type`). */
const typeNames: Readonly<Record<number, string>> = {
  [A.FLOAT]: "float",
  [A.INT]: "int",
  [A.STRING]: "string",
  [A.TENSOR]: "tensor",
  [A.GRAPH]: "graph",
  [A.SPARSE_TENSOR]: "sparse_tensor",
  [A.TYPE_PROTO]: "type_proto",
  [A.FLOATS]: "floats",
  [A.INTS]: "ints",
  [A.STRINGS]: "strings",
  [A.TENSORS]: "tensors",
  [A.GRAPHS]: "graphs",
  [A.SPARSE_TENSORS]: "sparse_tensors",
  [A.TYPE_PROTOS]: "type_protos",
};

/** An attribute's type; of files that do not say it, by what the attribute has. */
export function attributeType(attribute: AttributeProto): number {
  if (attribute.type !== A.UNDEFINED) return attribute.type;
  if (attribute.t) return A.TENSOR;
  if (attribute.g) return A.GRAPH;
  if (attribute.sparseTensor) return A.SPARSE_TENSOR;
  if (attribute.tp) return A.TYPE_PROTO;
  if (attribute.ints.length > 0) return A.INTS;
  if (attribute.floats.length > 0) return A.FLOATS;
  if (attribute.strings.length > 0) return A.STRINGS;
  if (attribute.tensors.length > 0) return A.TENSORS;
  if (attribute.graphs.length > 0) return A.GRAPHS;
  if (attribute.s.length > 0) return A.STRING;
  return attribute.f === 0 ? A.INT : A.FLOAT;
}

/** `alpha`, or with the type where the value does not tell it: `axes: ints`. */
export function attributeHead(attribute: AttributeProto, typed: boolean): string {
  const name = qualifiedText(attribute.name);
  return typed ? `${name}: ${typeNames[attributeType(attribute)] ?? "undefined"}` : name;
}

/** An attribute as the ONNX syntax writes it (`attr`); one that holds graphs is the caller's. */
export function attributeText(attribute: AttributeProto, tensors: TensorStore): AttributeText {
  const notes: string[] = [];
  const say = (note: string | undefined) => {
    if (note !== undefined) notes.push(`${attribute.name}: ${note}`);
  };
  const is = (value: string, typed = false): AttributeText => ({
    text: `${attributeHead(attribute, typed)} = ${value}`,
    notes,
  });
  if (attribute.refAttrName !== "") return is(`@${nameText(attribute.refAttrName)}`, true);
  const shown = ({ text, leftOut }: ShownString) => {
    if (leftOut > 0) say(`${grouped(leftOut)} more characters`);
    return text;
  };
  const list = <T>(values: readonly T[], text: (value: T) => string, typed = values.length === 0): AttributeText => {
    if (values.length > maxShownEntries) say(`${maxShownEntries} of ${grouped(values.length)} values`);
    return is(`[${values.slice(0, maxShownEntries).map(text).join(", ")}]`, typed);
  };
  const constant = (tensor: TensorProto) => {
    const { data, note } = tensorText(tensor, tensors);
    say(note);
    // ONNX's parser takes no quoted name here, and no name that reads as a number; the name means nothing.
    const name = isIdentifier(tensor.name) ? ` ${tensor.name}` : "";
    return `${constantTypeText(tensor.dataType, tensor.dims)}${name} ${data.startsWith("[") ? "= " : ""}${data}`;
  };
  switch (attributeType(attribute)) {
    case A.INT:
      return is(String(attribute.i));
    case A.FLOAT:
      return is(float32Text(attribute.f));
    case A.STRING:
      return is(shown(bytesText(attribute.s)));
    case A.INTS:
      return list(attribute.ints, String);
    case A.FLOATS:
      return list(attribute.floats, float32Text);
    case A.STRINGS:
      return list(attribute.strings, (value) => shown(bytesText(value)));
    case A.TENSOR:
      return attribute.t ? is(constant(attribute.t)) : is("undefined", true);
    case A.TENSORS:
      return list(attribute.tensors, constant, true);
    case A.TYPE_PROTO:
      return is(typeText(attribute.tp) || "undefined", true);
    case A.TYPE_PROTOS:
      return list(attribute.typeProtos, (type) => typeText(type) || "undefined", true);
    case A.SPARSE_TENSOR:
      say(sparseText(attribute.sparseTensor));
      return { text: "", notes };
    case A.SPARSE_TENSORS:
      for (const sparse of attribute.sparseTensors.slice(0, maxShownEntries)) say(sparseText(sparse));
      return { text: "", notes };
    default:
      say("a type of attribute that is not known here");
      return { text: "", notes };
  }
}

/** `sparse_tensor(float[20480]), 3 values`: the syntax has no form for the values of sparse tensors. */
export function sparseText(sparse: SparseTensorProto | undefined): string {
  const dim = sparse?.dims.map((value) => ({ value: { case: "dimValue", value } })) ?? [];
  const type = tensorTypeText(sparse?.values?.dataType ?? 0, { dim } as never);
  const count = sparse?.values?.dims[0] ?? 0n;
  return `sparse_tensor(${type}), ${count} values`;
}
