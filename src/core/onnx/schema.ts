import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { ModelProtoSchema, NodeProtoSchema, TensorProtoSchema } from "onnx-buf";
import { maxAttributes, maxRank } from "./limits.ts";
import { wire } from "./wire.ts";

/** What the scanner must know of a field to check it without decoding it. */
export interface FieldRule {
  readonly number: number;
  readonly localName: string;
  /** Wire type of one value. */
  readonly wire: number;
  readonly repeated: boolean;
  /** Numbers in a list may come packed: one length-delimited field for all. */
  readonly packable: boolean;
  /** Texts that something is looked up by, as opposed to those that are only shown or handed on. */
  readonly isName: boolean;
  /** Documentation and data; names, which are looked up and shown, are held to a tighter limit. */
  readonly isLong: boolean;
  /** How often one message may have the field, and how many of its numbers may come packed; for errors, what they are. */
  readonly limit?: { readonly most: number; readonly what: string };
  /** Set for fields that hold a message. */
  readonly message?: MessageRule;
}

export interface MessageRule {
  readonly desc: DescMessage;
  readonly fields: ReadonlyMap<number, FieldRule>;
  /** The fields whose messages can hold tensors. */
  readonly carriers: readonly FieldRule[];
  /** Whether messages of this type can hold tensors, at any depth: those are taken apart, all others are kept whole. */
  readonly carriesTensors: boolean;
  readonly isTensor: boolean;
  readonly isNode: boolean;
}

const longFields = new Set(["docString", "value", "s", "strings", "rawData", "stringData"]);

/** By field name: a node's attributes (and a function's), a tensor's dimensions. */
const fieldLimits: Readonly<Record<string, { readonly most: number; readonly what: string }>> = {
  attribute: { most: maxAttributes, what: "attributes on one node" },
  dims: { most: maxRank, what: "dimensions in one tensor" },
};

const rules = new Map<string, MessageRule>();

/** The rules of a message type, derived from its descriptor. */
export function messageRule(desc: DescMessage): MessageRule {
  const known = rules.get(desc.typeName);
  if (known) return known;
  const fields = new Map<number, FieldRule>();
  const carriers: FieldRule[] = [];
  const rule: MessageRule = {
    desc,
    fields,
    carriers,
    carriesTensors: reaches(desc, new Set()),
    isTensor: desc.typeName === TensorProtoSchema.typeName,
    isNode: desc.typeName === NodeProtoSchema.typeName,
  };
  // Registered first: graphs contain nodes contain attributes contain graphs.
  rules.set(desc.typeName, rule);
  for (const field of desc.fields) {
    const made = fieldRule(field);
    fields.set(field.number, made);
    if (made.message?.carriesTensors) carriers.push(made);
  }
  return rule;
}

/** The rule of a message by its `$typeName`; the type must be reachable from ModelProto or TensorProto. */
export function ruleOfType(typeName: string): MessageRule | undefined {
  messageRule(ModelProtoSchema);
  return rules.get(typeName);
}

function fieldRule(field: DescField): FieldRule {
  const type = wireTypeOf(field);
  const repeated = field.fieldKind === "list";
  return {
    number: field.number,
    localName: field.localName,
    wire: type,
    repeated,
    packable: repeated && type !== wire.bytes,
    isName: field.scalar === ScalarType.STRING && !longFields.has(field.localName),
    isLong: longFields.has(field.localName),
    ...(repeated && fieldLimits[field.localName] && { limit: fieldLimits[field.localName] }),
    ...(field.message && { message: messageRule(field.message) }),
  };
}

function wireTypeOf(field: DescField): number {
  if (field.message) return wire.bytes;
  switch (field.scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return wire.bytes;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return wire.fixed64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return wire.fixed32;
    default:
      return wire.varint;
  }
}

function reaches(desc: DescMessage, seen: Set<string>): boolean {
  if (desc.typeName === TensorProtoSchema.typeName) return true;
  if (seen.has(desc.typeName)) return false;
  seen.add(desc.typeName);
  return desc.fields.some((field) => field.message !== undefined && reaches(field.message, seen));
}
