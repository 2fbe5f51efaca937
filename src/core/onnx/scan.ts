import { create, type Message, mergeFromBinary } from "@bufbuild/protobuf";
import type { TensorProto } from "onnx-buf";
import { SigmaQuantError } from "../errors.ts";
import type { ByteSource } from "../ports.ts";
import {
  Budget,
  checkBytesField,
  checkMessage,
  checkTag,
  checkText,
  checkWireType,
  malformed,
  truncated,
} from "./check.ts";
import { limitError } from "./errors.ts";
import * as limits from "./limits.ts";
import { dataFields, type Payload, type Run } from "./payload.ts";
import { type FieldRule, type MessageRule, wire } from "./schema.ts";
import { placeOf, WindowReader } from "./window.ts";

const dataFieldNumbers = new Set<number>(Object.values(dataFields));

/** A message under construction: fields by name, as protobuf-es lays them out. */
type Fields = Record<string, unknown>;

/**
 * Decodes a message from a file without reading large tensor payloads. Messages that can hold tensors are taken apart
 * field by field; everything else is checked, copied and left to protobuf-es, so that unknown fields survive. A payload
 * of more than `maxInlinePayload` bytes is noted by its place and jumped over.
 */
export class Scanner {
  readonly payloads = new Map<TensorProto, Payload>();
  private readonly reader: WindowReader;
  private readonly source: ByteSource;
  private readonly budget: Budget;
  private readonly signal: AbortSignal | undefined;

  constructor(source: ByteSource, file?: string, signal?: AbortSignal) {
    this.source = source;
    this.reader = new WindowReader(source, file);
    this.budget = new Budget(file);
    this.signal = signal;
  }

  /** Decodes the whole file as one message. */
  async scan(rule: MessageRule): Promise<Message> {
    return this.message(rule, this.reader.size, 1);
  }

  /** Decodes the message that fills the file from here to `end`. */
  private async message(rule: MessageRule, end: number, depth: number): Promise<Message> {
    const { reader, budget } = this;
    const from = reader.at;
    if (end - from <= limits.maxInlinePayload) {
      // Too small to hold a large payload: decoded whole.
      if (!reader.has(end - from)) await reader.load(end - from);
      const bytes = await reader.copy(from, end);
      reader.at = end;
      budget.keep(bytes.length, from);
      checkMessage(rule, bytes, 0, bytes.length, budget, from, depth);
      return this.merge(rule, create(rule.desc), bytes, from);
    }
    budget.message(rule, from, depth);
    const message = create(rule.desc);
    const plain: Uint8Array[] = [];
    const runs: Run[] = [];
    let attributes = 0;
    while (reader.at < end) {
      this.signal?.throwIfAborted();
      const start = reader.at;
      const { field, type } = checkTag(await this.varint(end), budget, start);
      const known = rule.fields.get(field);
      if (known) {
        checkWireType(rule, known, type, budget, start);
        if (known.localName === "attribute" && known.message && ++attributes > limits.maxAttributes) {
          throw limitError("attributes on one node", limits.maxAttributes, placeOf(budget.file, start));
        }
      } else {
        budget.listEntries(1, start);
      }
      const valueEnd = await this.valueEnd(type, field, end, start, depth);
      if (rule.isTensor && dataFieldNumbers.has(field)) {
        note(
          runs,
          {
            field,
            packed: type === wire.bytes && field !== dataFields.stringData,
            at: start,
            length: valueEnd - start,
          },
          reader.at,
        );
        if (runs.length > limits.maxRuns) {
          throw limitError("stretches of data in one tensor", limits.maxRuns, placeOf(budget.file, start));
        }
      } else if (known?.message?.carriesTensors) {
        attach(
          message as unknown as Fields,
          known,
          await this.message(known.message, valueEnd, depth + 1),
          budget,
          start,
        );
      } else {
        plain.push(await this.plain(known, type, start, valueEnd, depth));
      }
      reader.at = valueEnd;
    }
    if (runs.length > 0) await this.place(message as unknown as TensorProto, runs, plain);
    return this.merge(rule, message, concat(plain), from);
  }

  /** Copies a field that is kept as it is, tag included, after checking it. The reader is at its value. */
  private async plain(
    rule: FieldRule | undefined,
    type: number,
    start: number,
    end: number,
    depth: number,
  ): Promise<Uint8Array> {
    const valueAt = this.reader.at;
    this.budget.keep(end - start, start);
    if (rule && type === wire.bytes && !rule.message && !rule.packable)
      checkText(rule, end - valueAt, this.budget, start);
    const bytes = await this.reader.copy(start, end);
    if (rule && type === wire.bytes && (rule.message || rule.packable)) {
      checkBytesField(rule, bytes, valueAt - start, bytes.length, this.budget, start, depth);
    } else if (rule?.repeated && type !== wire.bytes) {
      this.budget.listEntries(1, start);
    }
    return bytes;
  }

  /** Small payloads are read after all and stay in the message; others stay in the file. */
  private async place(tensor: TensorProto, runs: readonly Run[], plain: Uint8Array[]): Promise<void> {
    const total = runs.reduce((sum, run) => sum + run.length, 0);
    if (total > limits.maxInlinePayload) {
      const { file } = this.budget;
      this.payloads.set(tensor, { kind: "file", source: this.source, ...(file !== undefined && { file }), runs });
      return;
    }
    for (const run of runs) {
      if (run.packed) plain.push(header(run));
      plain.push(await this.reader.copy(run.at, run.at + run.length));
    }
  }

  private merge(rule: MessageRule, message: Message, bytes: Uint8Array, at: number): Message {
    try {
      return mergeFromBinary(rule.desc, message, bytes);
    } catch (cause) {
      if (cause instanceof SigmaQuantError) throw cause;
      throw malformed(this.budget, at, `A ${rule.desc.name} cannot be decoded: ${(cause as Error).message}`);
    }
  }

  /** Reads a varint of up to 10 bytes; values above 2^53 lose low bits, which only ever are lengths far too large. */
  private async varint(end: number): Promise<number> {
    const { reader } = this;
    if (!reader.has(10)) await reader.load(10);
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 10; i++) {
      if (reader.at >= end) throw truncated(this.budget, reader.at, 1, 0);
      const byte = reader.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw malformed(this.budget, reader.at, "A number is longer than 10 bytes");
  }

  /** Where the value after a tag ends. For length-delimited values the reader is at the value's bytes afterwards. */
  private async valueEnd(type: number, field: number, end: number, start: number, depth: number): Promise<number> {
    const { reader, budget } = this;
    switch (type) {
      case wire.varint: {
        const at = reader.at;
        await this.varint(end);
        const valueEnd = reader.at;
        reader.at = at;
        return valueEnd;
      }
      case wire.fixed32:
      case wire.fixed64: {
        const width = type === wire.fixed32 ? 4 : 8;
        if (width > end - reader.at) throw truncated(budget, start, width, end - reader.at);
        return reader.at + width;
      }
      case wire.bytes: {
        const length = await this.varint(end);
        if (length > end - reader.at) throw truncated(budget, start, length, end - reader.at);
        return reader.at + length;
      }
      case wire.startGroup: {
        const at = reader.at;
        const groupEnd = await this.groupEnd(field, end, depth + 1);
        reader.at = at;
        return groupEnd;
      }
      default:
        throw malformed(budget, start, `Group ${field} ends without having begun`);
    }
  }

  private async groupEnd(group: number, end: number, depth: number): Promise<number> {
    const { reader, budget } = this;
    if (depth > limits.maxMessageDepth) {
      throw limitError("messages inside each other", limits.maxMessageDepth, placeOf(budget.file, reader.at));
    }
    for (;;) {
      this.signal?.throwIfAborted();
      const start = reader.at;
      const { field, type } = checkTag(await this.varint(end), budget, start);
      if (type === wire.endGroup) {
        if (field === group) return reader.at;
        throw malformed(budget, start, `Group ${group} is ended by group ${field}`);
      }
      reader.at = await this.valueEnd(type, field, end, start, depth);
    }
  }
}

/**
 * Adds a data field's occurrence to the tensor's runs. Unpacked values that follow each other become one run, with
 * their tags; packed ones (and raw_data) are noted without tag and length.
 */
function note(runs: Run[], found: Run, valueAt: number): void {
  if (found.packed) {
    runs.push({ ...found, at: valueAt, length: found.at + found.length - valueAt });
    return;
  }
  const last = runs.at(-1);
  if (last && !last.packed && last.field === found.field && last.at + last.length === found.at) {
    runs[runs.length - 1] = { ...last, length: last.length + found.length };
  } else {
    runs.push(found);
  }
}

function attach(message: Fields, rule: FieldRule, child: Message, budget: Budget, at: number): void {
  if (rule.repeated) {
    (message[rule.localName] as Message[]).push(child);
    return;
  }
  // Protobuf would merge the two; no writer of models makes this, and merged payloads have no one place.
  if (message[rule.localName] !== undefined) throw malformed(budget, at, `The field ${rule.localName} occurs twice`);
  message[rule.localName] = child;
}

/** Tag and length in front of a packed run. */
export function header(run: Run): Uint8Array {
  return Uint8Array.from([...encodeVarint(run.field * 8 + wire.bytes), ...encodeVarint(run.length)]);
}

/** Protobuf's variable-length encoding of a number up to 2^53. */
export function encodeVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
