import { create, type Message, mergeFromBinary } from "@bufbuild/protobuf";
import type { TensorProto } from "onnx-buf";
import type { ByteSource } from "../ports.ts";
import { Budget } from "./budget.ts";
import { checkBytesField, checkWireType, FieldCounts } from "./check.ts";
import { ByteCursor } from "./cursor.ts";
import * as limits from "./limits.ts";
import { dataFields, noteRun, type Payload, type Run } from "./payload.ts";
import { PlainFields } from "./plainFields.ts";
import type { FieldRule, MessageRule } from "./schema.ts";
import { WindowReader } from "./window.ts";
import { encodeHeader, maxVarintBytes, wire } from "./wire.ts";

const dataFieldNumbers = new Set<number>(Object.values(dataFields));

/** A tag, and the length or number behind it. */
const maxHeaderBytes = 2 * maxVarintBytes;

/** A message under construction: fields by name, as protobuf-es lays them out. */
type Fields = Record<string, unknown>;

/**
 * Decodes a message from a file without reading large tensor payloads. Large messages that can hold tensors are taken
 * apart field by field; everything else is checked, copied and left to protobuf-es, so that unknown fields survive. A
 * payload of more than `maxInlinePayload` bytes is noted by its place and jumped over.
 */
export class Scanner {
  readonly payloads = new Map<TensorProto, Payload>();
  private readonly window: WindowReader;
  private readonly source: ByteSource;
  private readonly budget: Budget;
  private readonly signal: AbortSignal | undefined;

  constructor(source: ByteSource, file?: string, signal?: AbortSignal) {
    this.source = source;
    this.budget = new Budget(file);
    this.window = new WindowReader(source, this.budget);
    this.signal = signal;
  }

  /** Decodes the whole file as one message. */
  async scan(rule: MessageRule): Promise<Message> {
    return this.message(rule, this.window.size, 1);
  }

  /** Decodes the message that fills the file from here to `end`. */
  private async message(rule: MessageRule, end: number, depth: number): Promise<Message> {
    const { window, budget } = this;
    budget.message(rule, window.at, depth);
    const message = create(rule.desc);
    const plain = new PlainFields(window);
    const runs: Run[] = [];
    const counts = new FieldCounts(budget);
    while (window.at < end) {
      this.signal?.throwIfAborted();
      if (!window.holds(window.at, window.at + maxHeaderBytes)) {
        plain.flush();
        await window.load(maxHeaderBytes);
      }
      const start = window.at;
      window.tag(end);
      const { field, type } = window;
      const known = rule.fields.get(field);
      if (known) {
        checkWireType(rule, known, type, budget, start);
        counts.add(known, start);
      }
      const group = type === wire.startGroup;
      if (group) plain.flush();
      const valueEnd = group ? await this.groupEnd(field, end, depth + 1) : this.valueEnd(end, start, depth);
      const valueAt = window.at;
      if (rule.isTensor && dataFieldNumbers.has(field)) {
        noteRun(runs, field, type === wire.bytes && field !== dataFields.stringData, start, valueAt, valueEnd);
        if (runs.length > limits.maxRuns)
          throw budget.exceeded("stretches of data in one tensor", limits.maxRuns, start);
      } else if (known?.message?.carriesTensors && valueEnd - valueAt > limits.maxInlinePayload) {
        // What came before is decoded first, so that lists keep their order.
        this.merge(rule, message, plain.take(), start);
        window.at = valueAt;
        const child = await this.message(known.message, valueEnd, depth + 1);
        attach(message as unknown as Fields, known, child, budget, start);
      } else {
        budget.field(known, start);
        budget.keep(valueEnd - start, start);
        const checked = type === wire.bytes ? known : undefined;
        if (window.holds(start, valueEnd)) {
          if (checked) checkBytesField(checked, window, valueEnd, depth);
          plain.add(start, valueEnd);
        } else {
          plain.push(await this.fetch(checked, start, valueAt, valueEnd, depth));
        }
        if (plain.bytes >= limits.pieceBytes) this.merge(rule, message, plain.take(), start);
      }
      window.at = valueEnd;
    }
    if (runs.length > 0) await this.place(message as unknown as TensorProto, runs, plain);
    this.merge(rule, message, plain.take(), end);
    return message;
  }

  /** Copies a field that is longer than what the window has left of it. */
  private async fetch(
    rule: FieldRule | undefined,
    start: number,
    valueAt: number,
    end: number,
    depth: number,
  ): Promise<Uint8Array> {
    const { window, budget } = this;
    const cursor = new ByteCursor(budget, await window.copy(start, end), start);
    cursor.at = valueAt;
    if (rule) checkBytesField(rule, cursor, end, depth);
    return cursor.bytes;
  }

  /** Small payloads are read after all and stay in the message; others stay in the file. */
  private async place(tensor: TensorProto, runs: readonly Run[], plain: PlainFields): Promise<void> {
    const total = runs.reduce((sum, run) => sum + run.length, 0);
    if (total > limits.maxInlinePayload) {
      const { file } = this.budget;
      this.payloads.set(tensor, { kind: "file", source: this.source, ...(file !== undefined && { file }), runs });
      return;
    }
    for (const run of runs) {
      if (run.packed) plain.push(encodeHeader(run.field, run.length));
      plain.push(await this.window.copy(run.at, run.at + run.length));
    }
  }

  private merge(rule: MessageRule, message: Message, bytes: Uint8Array, at: number): void {
    try {
      if (bytes.length > 0) mergeFromBinary(rule.desc, message, bytes);
    } catch (cause) {
      throw this.budget.malformed(at, `A ${rule.desc.name} cannot be decoded: ${(cause as Error).message}`);
    }
  }

  /** Where the value behind the last tag ends; the window is left at the value. A length and a number are in memory. */
  private valueEnd(end: number, start: number, depth: number): number {
    const { window } = this;
    if (window.type === wire.bytes) return window.valueEnd(end, start);
    const valueAt = window.at;
    window.skip(window.field, window.type, end, depth);
    const valueEnd = window.at;
    window.at = valueAt;
    return valueEnd;
  }

  /** Where a group ends, which has no length: its fields are jumped over one by one. The window is left at its begin. */
  private async groupEnd(group: number, end: number, depth: number): Promise<number> {
    const { window, budget } = this;
    budget.depth(depth, window.at);
    const from = window.at;
    for (;;) {
      this.signal?.throwIfAborted();
      if (!window.holds(window.at, window.at + maxHeaderBytes)) await window.load(maxHeaderBytes);
      const start = window.at;
      window.tag(end);
      const { field, type } = window;
      budget.field(undefined, start);
      if (type === wire.endGroup) {
        if (field !== group) throw budget.malformed(start, `Group ${group} is ended by group ${field}`);
        const groupEnd = window.at;
        window.at = from;
        return groupEnd;
      }
      window.at =
        type === wire.startGroup ? await this.groupEnd(field, end, depth + 1) : this.valueEnd(end, start, depth);
    }
  }
}

function attach(message: Fields, rule: FieldRule, child: Message, budget: Budget, at: number): void {
  if (rule.repeated) {
    (message[rule.localName] as Message[]).push(child);
    return;
  }
  // Protobuf would merge the two; no writer of models makes this, and merged payloads have no one place.
  if (message[rule.localName] !== undefined) throw budget.malformed(at, `The field ${rule.localName} occurs twice`);
  message[rule.localName] = child;
}
