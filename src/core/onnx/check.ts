import type { Budget } from "./budget.ts";
import type { ByteCursor } from "./cursor.ts";
import * as limits from "./limits.ts";
import type { FieldRule, MessageRule } from "./schema.ts";
import { fixedWidth, wire } from "./wire.ts";

/**
 * Checks a whole message in memory: every tag, wire type, length, text and limit, so that decoding it cannot fail. The
 * cursor is at the message's first byte, and at `end` afterwards.
 * @throws SQ2003, SQ2005, SQ2007
 */
export function checkMessage(rule: MessageRule, cursor: ByteCursor, end: number, depth: number): void {
  const { budget } = cursor;
  budget.message(rule, cursor.at, depth);
  const counts = new FieldCounts(budget);
  while (cursor.at < end) {
    const start = cursor.at;
    cursor.tag(end);
    const { field, type } = cursor;
    const known = rule.fields.get(field);
    if (known) {
      checkWireType(rule, known, type, budget, start);
      counts.add(known, start);
    }
    budget.field(known, start);
    if (known && type === wire.bytes) {
      checkBytesField(known, cursor, cursor.valueEnd(end, start), depth);
    } else {
      cursor.skip(field, type, end, depth);
    }
  }
}

/** @throws SQ2005 when a known field comes in another wire type than its own; decoders would take its bytes for others */
export function checkWireType(parent: MessageRule, rule: FieldRule, type: number, budget: Budget, at: number): void {
  if (type === rule.wire || (rule.packable && type === wire.bytes)) return;
  const message = `Field ${rule.localName} of a ${parent.desc.name} has wire type ${type} instead of ${rule.wire}`;
  throw budget.malformed(at, message);
}

/** How often the fields of one message have occurred, where that is limited. */
export class FieldCounts {
  private readonly budget: Budget;
  private counts: Map<FieldRule, number> | undefined;

  constructor(budget: Budget) {
    this.budget = budget;
  }

  /** @throws SQ2007 above the field's limit */
  add(rule: FieldRule, at: number): void {
    if (!rule.limit) return;
    this.counts ??= new Map();
    const count = (this.counts.get(rule) ?? 0) + 1;
    if (count > rule.limit.most) throw this.budget.exceeded(rule.limit.what, rule.limit.most, at);
    this.counts.set(rule, count);
  }
}

/** Checks the value of a known length-delimited field; the cursor is at its first byte, and at `end` afterwards. */
export function checkBytesField(rule: FieldRule, cursor: ByteCursor, end: number, depth: number): void {
  if (rule.message) checkMessage(rule.message, cursor, end, depth + 1);
  else if (rule.packable) checkPacked(rule, cursor, end);
  else {
    checkTextLength(rule, end - cursor.at, cursor.budget, cursor.at);
    if (rule.isName) checkUtf8(rule, cursor, end);
    cursor.at = end;
  }
}

/** @throws SQ2007 for a text or bytes longer than the limit of its kind */
function checkTextLength(rule: FieldRule, length: number, budget: Budget, at: number): void {
  const limit = rule.isLong ? limits.maxStringBytes : limits.maxNameBytes;
  if (length > limit) throw budget.exceeded(`bytes in one ${rule.localName}`, limit, at);
}

function checkPacked(rule: FieldRule, cursor: ByteCursor, end: number): void {
  const { budget, at } = cursor;
  const width = fixedWidth(rule.wire);
  let count = 0;
  if (width === undefined) {
    for (; cursor.at < end; count++) cursor.varint(end);
  } else {
    count = (end - at) / width;
    if (!Number.isInteger(count)) throw budget.malformed(at, `A packed ${rule.localName} ends in mid-number`);
    cursor.at = end;
  }
  budget.entries(count, at);
  if (rule.limit && count > rule.limit.most) throw budget.exceeded(rule.limit.what, rule.limit.most, at);
}

const strict = new TextDecoder("utf-8", { fatal: true });

/** Decoders put a mark in place of what is no UTF-8: two names could become one, and would be written changed. */
function checkUtf8(rule: FieldRule, cursor: ByteCursor, end: number): void {
  const { bytes, base, at } = cursor;
  let ascii = at;
  while (ascii < end && (bytes[ascii - base] as number) < 0x80) ascii++;
  if (ascii === end) return;
  try {
    strict.decode(bytes.subarray(ascii - base, end - base));
  } catch {
    throw cursor.budget.malformed(at, `The text in a ${rule.localName} is not UTF-8`);
  }
}
