import { limitError, modelError } from "./errors.ts";
import * as limits from "./limits.ts";
import { type FieldRule, type MessageRule, wire } from "./schema.ts";
import { placeOf } from "./window.ts";

/** What one scan has used up so far, against the limits on all of it together. */
export class Budget {
  readonly file: string | undefined;
  private messages = 0;
  private nodes = 0;
  private tensors = 0;
  private entries = 0;
  private bytes = 0;

  constructor(file: string | undefined) {
    this.file = file;
  }

  message(rule: MessageRule, at: number, depth: number): void {
    const place = placeOf(this.file, at);
    if (depth > limits.maxMessageDepth) throw limitError("messages inside each other", limits.maxMessageDepth, place);
    if (++this.messages > limits.maxMessages) throw limitError("parts", limits.maxMessages, place);
    const type = rule.desc.typeName;
    if (type === "onnx.NodeProto" && ++this.nodes > limits.maxNodes) throw limitError("nodes", limits.maxNodes, place);
    if (rule.isTensor && ++this.tensors > limits.maxTensors) throw limitError("tensors", limits.maxTensors, place);
  }

  listEntries(count: number, at: number): void {
    this.entries += count;
    if (this.entries > limits.maxListEntries) {
      throw limitError("list entries outside tensors", limits.maxListEntries, placeOf(this.file, at));
    }
  }

  keep(bytes: number, at: number): void {
    this.bytes += bytes;
    if (this.bytes > limits.maxSkeletonBytes) {
      throw limitError("bytes outside tensor data", limits.maxSkeletonBytes, placeOf(this.file, at));
    }
  }
}

/** Reads a varint of up to 10 bytes; values above 2^53 lose low bits, which only ever are lengths far too large. */
function varint(bytes: Uint8Array, cursor: { at: number }, end: number, budget: Budget, base: number): number {
  let value = 0;
  let factor = 1;
  for (let i = 0; i < 10; i++) {
    if (cursor.at >= end) throw truncated(budget, base + cursor.at, 1, 0);
    const byte = bytes[cursor.at++] as number;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 128;
  }
  throw malformed(budget, base + cursor.at, "A number is longer than 10 bytes");
}

export function truncated(budget: Budget, at: number, wanted: number, left: number) {
  const claims = wanted === 1 ? "one more byte" : `${wanted.toLocaleString("en-US")} bytes`;
  const rest = left === 0 ? "none is" : `${left.toLocaleString("en-US")} are`;
  return modelError(
    "truncatedModel",
    `A part of the file needs ${claims} where ${rest} left`,
    placeOf(budget.file, at),
  );
}

export function malformed(budget: Budget, at: number, message: string) {
  return modelError("malformedModel", message, placeOf(budget.file, at));
}

/** Checks a tag. @param tag the decoded varint */
export function checkTag(tag: number, budget: Budget, at: number): { field: number; type: number } {
  const type = tag % 8;
  const field = (tag - type) / 8;
  if (field < 1 || field >= 2 ** 29 || type > 5) {
    throw malformed(budget, at, `Field ${field} of wire type ${type} does not exist`);
  }
  return { field, type };
}

/** @throws SQ2005 when a known field comes in another wire type than its own; decoders would take its bytes for others */
export function checkWireType(parent: MessageRule, rule: FieldRule, type: number, budget: Budget, at: number): void {
  if (type === rule.wire || (rule.packable && type === wire.bytes)) return;
  throw malformed(
    budget,
    at,
    `Field ${rule.localName} of a ${parent.desc.name} has wire type ${type} instead of ${rule.wire}`,
  );
}

/** Names are looked up and shown; they are held to a tighter limit than documentation and data. */
const longTexts = new Set(["docString", "value", "s", "strings", "rawData", "stringData"]);

/**
 * Checks the value of one known length-delimited field.
 * @param base position in the file of bytes[0]
 */
export function checkBytesField(
  rule: FieldRule,
  bytes: Uint8Array,
  from: number,
  to: number,
  budget: Budget,
  base: number,
  depth: number,
): void {
  if (rule.message) return checkMessage(rule.message, bytes, from, to, budget, base, depth + 1);
  if (rule.packable) {
    budget.listEntries(packedEntries(rule, bytes, from, to, budget, base), base + from);
    return;
  }
  checkText(rule, to - from, budget, base + from);
}

/** Checks the length of a string or bytes field against the limit of its kind. */
export function checkText(rule: FieldRule, length: number, budget: Budget, at: number): void {
  if (rule.repeated) budget.listEntries(1, at);
  const limit = longTexts.has(rule.localName) ? limits.maxStringBytes : limits.maxNameBytes;
  if (length > limit) throw limitError(`bytes in one ${rule.localName}`, limit, placeOf(budget.file, at));
}

function packedEntries(
  rule: FieldRule,
  bytes: Uint8Array,
  from: number,
  to: number,
  budget: Budget,
  base: number,
): number {
  const width = rule.wire === wire.fixed32 ? 4 : rule.wire === wire.fixed64 ? 8 : 0;
  if (width > 0) {
    if ((to - from) % width !== 0)
      throw malformed(budget, base + from, `A packed ${rule.localName} ends in mid-number`);
    return (to - from) / width;
  }
  let count = 0;
  const cursor = { at: from };
  for (; cursor.at < to; count++) varint(bytes, cursor, to, budget, base);
  return count;
}

/** Checks a whole message in memory: every tag, wire type, length and limit, so that decoding it cannot fail. */
export function checkMessage(
  rule: MessageRule,
  bytes: Uint8Array,
  from: number,
  to: number,
  budget: Budget,
  base: number,
  depth: number,
): void {
  budget.message(rule, base + from, depth);
  const cursor = { at: from };
  let attributes = 0;
  while (cursor.at < to) {
    const at = base + cursor.at;
    const { field, type } = checkTag(varint(bytes, cursor, to, budget, base), budget, at);
    const known = rule.fields.get(field);
    if (known) {
      checkWireType(rule, known, type, budget, at);
      if (known.localName === "attribute" && known.message && ++attributes > limits.maxAttributes) {
        throw limitError("attributes on one node", limits.maxAttributes, placeOf(budget.file, at));
      }
    }
    if (type === wire.bytes) {
      const length = varint(bytes, cursor, to, budget, base);
      if (length > to - cursor.at) throw truncated(budget, at, length, to - cursor.at);
      if (known) checkBytesField(known, bytes, cursor.at, cursor.at + length, budget, base, depth);
      cursor.at += length;
    } else {
      if (known?.repeated) budget.listEntries(1, at);
      skipValue(type, field, bytes, cursor, to, budget, base, depth);
    }
    if (!known) budget.listEntries(1, at);
  }
}

/** Moves the cursor past a value that is not length-delimited. Groups (deprecated, but kept) may nest. */
function skipValue(
  type: number,
  field: number,
  bytes: Uint8Array,
  cursor: { at: number },
  to: number,
  budget: Budget,
  base: number,
  depth: number,
): void {
  if (type === wire.varint) {
    varint(bytes, cursor, to, budget, base);
    return;
  }
  if (type === wire.fixed32 || type === wire.fixed64) {
    const width = type === wire.fixed32 ? 4 : 8;
    if (width > to - cursor.at) throw truncated(budget, base + cursor.at, width, to - cursor.at);
    cursor.at += width;
    return;
  }
  if (type === wire.endGroup) throw malformed(budget, base + cursor.at, `Group ${field} ends without having begun`);
  skipGroup(field, bytes, cursor, to, budget, base, depth + 1);
}

function skipGroup(
  group: number,
  bytes: Uint8Array,
  cursor: { at: number },
  to: number,
  budget: Budget,
  base: number,
  depth: number,
): void {
  if (depth > limits.maxMessageDepth) {
    throw limitError("messages inside each other", limits.maxMessageDepth, placeOf(budget.file, base + cursor.at));
  }
  for (;;) {
    const at = base + cursor.at;
    const { field, type } = checkTag(varint(bytes, cursor, to, budget, base), budget, at);
    if (type === wire.endGroup) {
      if (field === group) return;
      throw malformed(budget, at, `Group ${group} is ended by group ${field}`);
    }
    if (type === wire.bytes) {
      const length = varint(bytes, cursor, to, budget, base);
      if (length > to - cursor.at) throw truncated(budget, at, length, to - cursor.at);
      cursor.at += length;
    } else {
      skipValue(type, field, bytes, cursor, to, budget, base, depth);
    }
  }
}
