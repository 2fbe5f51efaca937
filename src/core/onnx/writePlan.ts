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

  /** Pushes a message's bytes. Fields that can hold tensors come last; the order of different fields has no meaning. */
  private async message(message: Message, rule: MessageRule, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (rule.isTensor) return this.tensor(message as TensorProto, rule);
    const fields = message as unknown as Fields;
    const carriers = [...rule.fields.values()].filter((field) => carried(fields, field).length > 0);
    const plain: Fields = { ...fields };
    for (const field of carriers.reverse()) {
      if (field.repeated) plain[field.localName] = [];
      else delete plain[field.localName];
      const children = carried(fields, field);
      for (let i = children.length - 1; i >= 0; i--) await this.child(children[i] as Message, field, signal);
    }
    this.push(toBinary(rule.desc, plain as unknown as Message));
  }

  private async child(message: Message, field: FieldRule, signal?: AbortSignal): Promise<void> {
    const before = this.length;
    await this.message(message, field.message as MessageRule, signal);
    this.push(encodeHeader(field.number, this.length - before));
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

/** The messages in a field, if they can hold tensors. */
function carried(message: Fields, field: FieldRule): readonly Message[] {
  if (!field.message?.carriesTensors) return [];
  const value = message[field.localName];
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
