import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import type { GraphProto, ModelProto, TensorProto } from "onnx-buf";
import { ruleOfType } from "./schema.ts";
import type { TensorStore } from "./tensors.ts";

/** A model: its messages, and beside them the tensors' data, which mostly stay in the file until read. */
export interface OnnxModel {
  readonly proto: ModelProto;
  readonly graph: GraphProto;
  readonly tensors: TensorStore;
}

/**
 * A deep copy of the messages, to be edited without touching the original. Data are shared, never copied: both models
 * use the same store, and data given to a tensor of one do not show in the other.
 */
export function copyModel(model: OnnxModel): OnnxModel {
  const proto = copyMessage(model.proto, model.tensors);
  const graph =
    model.proto.graph === model.graph && proto.graph ? proto.graph : copyMessage(model.graph, model.tensors);
  proto.graph = graph;
  return { proto, graph, tensors: model.tensors };
}

/** A deep copy of one message of a model, e.g. a node or a graph to be spliced in; data are shared. */
export function copyMessage<M extends Message>(message: M, tensors: TensorStore): M {
  const rule = ruleOfType(message.$typeName);
  if (!rule) throw new TypeError(`${message.$typeName} is not part of a model`);
  // Created from the schema, not from the original's prototype: `{ ...graph }` in callers has lost it.
  const copy = create(rule.desc as DescMessage) as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(message)) {
    if (value !== undefined) copy[name] = copyValue(value, tensors);
  }
  if (rule.isTensor) tensors.share(message as unknown as TensorProto, copy as unknown as TensorProto);
  return copy as unknown as M;
}

/** Bytes are shared: nobody edits them in place. */
function copyValue(value: unknown, tensors: TensorStore): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) {
    const [first] = value;
    return typeof first === "object" ? value.map((item) => copyValue(item, tensors)) : value.slice();
  }
  if ("$typeName" in value) return copyMessage(value as Message, tensors);
  // A oneof ({ case, value }) or an unknown field ({ no, wireType, data }).
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copyValue(inner, tensors)]));
}
