import type { Budget } from "./budget.ts";
import { fixedWidth, maxVarintBytes, wire } from "./wire.ts";

const empty = new Uint8Array(0);

/**
 * Reads protobuf's encoding from bytes in memory. All positions are the file's, so that errors name the right byte; an
 * `end` is where the part being read ends, and nothing is read past it.
 */
export class ByteCursor {
  readonly budget: Budget;
  /** The bytes in memory, and the position in the file of the first of them. */
  bytes: Uint8Array;
  base: number;
  /** Position of the next byte. */
  at: number;
  /** What `tag` has read last. */
  field = 0;
  type = 0;

  constructor(budget: Budget, bytes: Uint8Array = empty, base = 0) {
    this.budget = budget;
    this.bytes = bytes;
    this.base = base;
    this.at = base;
  }

  /**
   * A varint of up to 10 bytes; values above 2^53 lose low bits, which only ever are lengths far too large.
   * @throws SQ2003 at the end, SQ2005 for more than 10 bytes
   */
  varint(end: number): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < maxVarintBytes; i++) {
      if (this.at >= end) throw this.budget.truncated(this.at, 1, 0);
      const byte = this.bytes[this.at++ - this.base] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw this.budget.malformed(this.at, `A number is longer than ${maxVarintBytes} bytes`);
  }

  /**
   * Reads a tag into `field` and `type`.
   * @throws SQ2005 for a field number or wire type that protobuf does not have
   */
  tag(end: number): void {
    const at = this.at;
    const tag = this.varint(end);
    this.type = tag % 8;
    this.field = (tag - this.type) / 8;
    if (this.field < 1 || this.field >= 2 ** 29 || this.type > wire.fixed32) {
      throw this.budget.malformed(at, `Field ${this.field} of wire type ${this.type} does not exist`);
    }
  }

  /** Reads the length of a length-delimited value; returns where the value ends. @param start of the field, for messages */
  valueEnd(end: number, start: number): number {
    const length = this.varint(end);
    if (length > end - this.at) throw this.budget.truncated(start, length, end - this.at);
    return this.at + length;
  }

  /** Moves past the value behind a tag. Groups (deprecated, but kept) may nest. */
  skip(field: number, type: number, end: number, depth: number): void {
    const width = fixedWidth(type);
    if (width !== undefined) {
      if (width > end - this.at) throw this.budget.truncated(this.at, width, end - this.at);
      this.at += width;
    } else if (type === wire.varint) this.varint(end);
    else if (type === wire.bytes) this.at = this.valueEnd(end, this.at);
    else if (type === wire.startGroup) this.skipGroup(field, end, depth + 1);
    else throw this.budget.malformed(this.at, `Group ${field} ends without having begun`);
  }

  private skipGroup(group: number, end: number, depth: number): void {
    this.budget.depth(depth, this.at);
    for (;;) {
      const at = this.at;
      this.tag(end);
      const { field, type } = this;
      this.budget.field(undefined, at);
      if (type !== wire.endGroup) this.skip(field, type, end, depth);
      else if (field === group) return;
      else throw this.budget.malformed(at, `Group ${group} is ended by group ${field}`);
    }
  }
}
