import { create } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as A,
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import type { TensorData } from "../ports.ts";
import { packBits } from "./convert.ts";
import { elementType } from "./elementTypes.ts";
import type { TensorStore } from "./tensors.ts";

/**
 * A new tensor with its data in `store`.
 * @param dataType a TensorProto_DataType
 * @param data a typed array of the element type (16-bit floats as patterns in a Uint16Array). For 4- and 2-bit types: one
 * element an entry in an Int8Array or Uint8Array of as many entries as elements, which is packed, or bytes packed already
 * @throws SQ2019 when the data do not fit the dimensions
 */
export function tensor(
  store: TensorStore,
  name: string,
  dataType: number,
  dims: readonly number[],
  data: Exclude<TensorData, readonly string[]>,
): TensorProto {
  const message = create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt) });
  store.set(message, rawBytes(store.elements(message), dataType, data));
  return message;
}

function rawBytes(elements: number, dataType: number, data: Exclude<TensorData, readonly string[]>): Uint8Array {
  const bits = elementType(dataType)?.bits;
  if ((bits === 4 || bits === 2) && data.length === elements && elements > 1) return packBits(data as Uint8Array, bits);
  // One element: packed and unpacked have the same length, and differ only in the bits above the element's.
  if ((bits === 4 || bits === 2) && elements === 1) return packBits((data as Uint8Array).subarray(0, 1), bits);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

export interface NodeOptions {
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: readonly AttributeProto[];
}

/** A new node. Left-out optional inputs are "". */
export function node(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  options: NodeOptions = {},
): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    input: [...inputs],
    output: [...outputs],
    ...(options.name !== undefined && { name: options.name }),
    ...(options.domain !== undefined && { domain: options.domain }),
    attribute: [...(options.attributes ?? [])],
  });
}

const utf8 = new TextEncoder();
const bytesOf = (text: string) => utf8.encode(text) as Uint8Array<ArrayBuffer>;

/** Constructors of attributes, by ONNX's names of their types: `attribute.ints("pads", [0, 0, 1, 1])`. */
export const attribute = {
  int: (name: string, value: number | bigint): AttributeProto =>
    create(AttributeProtoSchema, { name, type: A.INT, i: BigInt(value) }),
  ints: (name: string, values: readonly (number | bigint)[]): AttributeProto =>
    create(AttributeProtoSchema, { name, type: A.INTS, ints: values.map(BigInt) }),
  /** Rounded to float32, as the file holds it. */
  float: (name: string, value: number): AttributeProto =>
    create(AttributeProtoSchema, { name, type: A.FLOAT, f: Math.fround(value) }),
  floats: (name: string, values: readonly number[]): AttributeProto =>
    create(AttributeProtoSchema, { name, type: A.FLOATS, floats: values.map(Math.fround) }),
  string: (name: string, value: string): AttributeProto =>
    create(AttributeProtoSchema, { name, type: A.STRING, s: bytesOf(value) }),
  strings: (name: string, values: readonly string[]): AttributeProto =>
    create(AttributeProtoSchema, { name, type: A.STRINGS, strings: values.map(bytesOf) }),
  tensor: (name: string, value: TensorProto): AttributeProto =>
    create(AttributeProtoSchema, { name, type: A.TENSOR, t: value }),
  graph: (name: string, value: GraphProto): AttributeProto =>
    create(AttributeProtoSchema, { name, type: A.GRAPH, g: value }),
} as const;

export function findAttribute(from: NodeProto, name: string): AttributeProto | undefined {
  return from.attribute.find((candidate) => candidate.name === name);
}

/**
 * An attribute's integer; `fallback` when the node does not have it (or has it as a function's parameter). An attribute
 * without a value is 0: writers with proto3 semantics leave zeros out.
 */
export function intAttribute(from: NodeProto, name: string, fallback: number): number {
  const found = findAttribute(from, name);
  return found && found.refAttrName === "" ? Number(found.i) : fallback;
}

/** An attribute's integers; undefined when the node does not have it. */
export function intsAttribute(from: NodeProto, name: string): readonly number[] | undefined {
  const found = findAttribute(from, name);
  return found && found.refAttrName === "" ? found.ints.map(Number) : undefined;
}

export function floatAttribute(from: NodeProto, name: string, fallback: number): number {
  const found = findAttribute(from, name);
  return found && found.refAttrName === "" ? found.f : fallback;
}

export function floatsAttribute(from: NodeProto, name: string): readonly number[] | undefined {
  const found = findAttribute(from, name);
  return found && found.refAttrName === "" ? found.floats : undefined;
}

const text = new TextDecoder();

export function stringAttribute(from: NodeProto, name: string, fallback: string): string {
  const found = findAttribute(from, name);
  return found && found.refAttrName === "" ? text.decode(found.s) : fallback;
}

export function stringsAttribute(from: NodeProto, name: string): readonly string[] | undefined {
  const found = findAttribute(from, name);
  return found && found.refAttrName === "" ? found.strings.map((value) => text.decode(value)) : undefined;
}

export function tensorAttribute(from: NodeProto, name: string): TensorProto | undefined {
  return findAttribute(from, name)?.t;
}

/** Adds an attribute to a node, in place of one of the same name. */
export function setAttribute(to: NodeProto, value: AttributeProto): void {
  const at = to.attribute.findIndex((candidate) => candidate.name === value.name);
  if (at < 0) to.attribute.push(value);
  else to.attribute[at] = value;
}

/** A value's declaration: a tensor. Dimensions that are not fixed are names, or null without one; undefined for unknown rank. */
export function valueInfo(name: string, elemType: number, dims?: readonly (number | string | null)[]): ValueInfoProto {
  const shape = dims && {
    dim: dims.map((dim) => {
      if (typeof dim === "number") return { value: { case: "dimValue" as const, value: BigInt(dim) } };
      return dim === null ? {} : { value: { case: "dimParam" as const, value: dim } };
    }),
  };
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType, ...(shape && { shape }) } } },
  });
}
