import { create, type Message, toBinary } from "@bufbuild/protobuf";
import {
  type StringStringEntryProto,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
} from "onnx-buf";
import { isExternal } from "./external.ts";
import { dataFields, rawRun } from "./payload.ts";
import type { RawData } from "./rawData.ts";
import { type FieldRule, type MessageRule, ruleOfType } from "./schema.ts";
import { clearData, type TensorStore } from "./tensors.ts";
import { readExactly } from "./window.ts";
import { encodeHeader } from "./wire.ts";

/** A stretch of the file to be: bytes at hand, or data to be copied from where they are. */
export type Segment = Uint8Array | CopySegment;

export interface CopySegment {
  readonly length: number;
  read(from: number, to: number, signal?: AbortSignal): Promise<Uint8Array>;
}

/** Where an initializer goes in the external file. */
export interface ExternalTarget {
  readonly location: string;
  readonly offset: number;
  readonly data: RawData;
}

type Fields = Record<string, unknown>;

/**
 * Lays out a message for writing. Built from its end to its start, so that each length is known when it is written in
 * front of its message; no payload is touched.
 */
export class WritePlan {
  private readonly reversed: Segment[] = [];
  private readonly store: TensorStore;
  private readonly targets: ReadonlyMap<TensorProto, ExternalTarget>;
  length = 0;

  private constructor(store: TensorStore, targets: ReadonlyMap<TensorProto, ExternalTarget>) {
    this.store = store;
    this.targets = targets;
  }

  static async of(
    message: Message,
    store: TensorStore,
    targets: ReadonlyMap<TensorProto, ExternalTarget> = new Map(),
    signal?: AbortSignal,
  ): Promise<WritePlan> {
    const plan = new WritePlan(store, targets);
    await plan.message(message, ruleOf(message), signal);
    return plan;
  }

  /** The file, front to back. */
  *segments(): Generator<Segment> {
    for (let i = this.reversed.length - 1; i >= 0; i--) yield this.reversed[i] as Segment;
  }

  private push(segment: Segment): void {
    this.reversed.push(segment);
    this.length += segment.length;
  }

  /**
   * Pushes a message's bytes. Lists in which some tensor's data are elsewhere come last, in stretches; everything else is
   * encoded at once. The order of different fields has no meaning, that in a list is kept.
   */
  private async message(message: Message, rule: MessageRule, signal?: AbortSignal): Promise<void> {
    if (rule.isTensor) return this.tensor(message as TensorProto, rule);
    const plain: Fields = { ...message };
    for (const field of rule.carriers.toReversed()) {
      const children = carried(message, field);
      if (!children.some((child) => this.isApart(child, field.message as MessageRule))) continue;
      if (field.repeated) plain[field.localName] = [];
      else delete plain[field.localName];
      let end = children.length;
      for (let i = children.length - 1; i >= 0; i--) {
        signal?.throwIfAborted();
        const child = children[i] as Message;
        if (!this.isApart(child, field.message as MessageRule)) continue;
        this.list(rule, field, children.slice(i + 1, end));
        end = i;
        const before = this.length;
        await this.message(child, field.message as MessageRule, signal);
        this.push(encodeHeader(field.number, this.length - before));
      }
      this.list(rule, field, children.slice(0, end));
    }
    this.push(toBinary(rule.desc, plain as unknown as Message));
  }

  /** Messages of a list that can be encoded together. */
  private list(rule: MessageRule, field: FieldRule, messages: readonly Message[]): void {
    if (messages.length === 0) return;
    const only = create(rule.desc) as unknown as Fields;
    only[field.localName] = messages;
    this.push(toBinary(rule.desc, only as unknown as Message));
  }

  /** Whether a message holds, at any depth, a tensor whose data are not in its message or do not stay there. */
  private isApart(message: Message, rule: MessageRule): boolean {
    if (rule.isTensor) {
      const tensor = message as TensorProto;
      return this.targets.has(tensor) || isExternal(tensor) || this.store.payload(tensor) !== undefined;
    }
    return rule.carriers.some((field) =>
      carried(message, field).some((child) => this.isApart(child, field.message as MessageRule)),
    );
  }

  private async tensor(tensor: TensorProto, rule: MessageRule): Promise<void> {
    const target = this.targets.get(tensor);
    if (target) {
      const moved = withoutData(tensor);
      moved.dataLocation = TensorProto_DataLocation.EXTERNAL;
      moved.externalData = [
        entry("location", target.location),
        entry("offset", String(target.offset)),
        entry("length", String(target.data.byteLength)),
      ];
      this.push(toBinary(rule.desc, moved));
      return;
    }
    const payload = this.store.payload(tensor);
    if (payload?.kind === "file" && !isExternal(tensor) && rawRun(payload.runs) === undefined) {
      // Typed fields go over as they are: for strings and packed integers that is the only form without decoding.
      for (const run of payload.runs.toReversed()) {
        this.push({
          length: run.length,
          read: (from, to) => readExactly(payload.source, run.at + from, to - from, payload.file),
        });
        if (run.packed) this.push(encodeHeader(run.field, run.length));
      }
      this.push(toBinary(rule.desc, tensor));
      return;
    }
    if (!payload && !isExternal(tensor)) {
      this.push(toBinary(rule.desc, tensor));
      return;
    }
    const data = await this.store.raw(tensor);
    this.push({ length: data.byteLength, read: (from, to, signal) => data.read(from, to, signal) });
    this.push(encodeHeader(dataFields.rawData, data.byteLength));
    this.push(toBinary(rule.desc, withoutData(tensor)));
  }
}

/** The messages in a field. */
function carried(message: Message, field: FieldRule): readonly Message[] {
  const value = (message as unknown as Fields)[field.localName];
  if (value === undefined) return [];
  return field.repeated ? (value as Message[]) : [value as Message];
}

function withoutData(tensor: TensorProto): TensorProto {
  const copy = { ...tensor };
  clearData(copy);
  return copy;
}

function entry(key: string, value: string): StringStringEntryProto {
  return create(StringStringEntryProtoSchema, { key, value });
}

function ruleOf(message: Message): MessageRule {
  const rule = ruleOfType(message.$typeName);
  if (!rule) throw new TypeError(`${message.$typeName} is not part of a model`);
  return rule;
}
