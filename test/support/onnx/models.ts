import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "onnx-buf";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { readModel } from "../../../src/core/onnx/read.ts";
import { TensorStore } from "../../../src/core/onnx/tensors.ts";
import type { OpenExternal } from "../../../src/core/ports.ts";
import { countingSource } from "./sources.ts";

export interface ModelParts {
  readonly nodes?: readonly NodeProto[];
  readonly inputs?: readonly ValueInfoProto[];
  readonly outputs?: readonly ValueInfoProto[];
  readonly initializers?: readonly TensorProto[];
  readonly opset?: number;
  readonly ir?: number;
  readonly tensors?: TensorStore;
  /** Anything else of the model. */
  readonly more?: MessageInitShape<typeof ModelProtoSchema>;
}

export function graphOf(parts: ModelParts): GraphProto {
  return create(GraphProtoSchema, {
    name: "g",
    node: [...(parts.nodes ?? [])],
    input: [...(parts.inputs ?? [])],
    output: [...(parts.outputs ?? [])],
    initializer: [...(parts.initializers ?? [])],
  });
}

export function modelOf(parts: ModelParts): OnnxModel {
  const graph = graphOf(parts);
  const proto = create(ModelProtoSchema, {
    irVersion: BigInt(parts.ir ?? 8),
    opsetImport: [{ domain: "", version: BigInt(parts.opset ?? 13) }],
    ...parts.more,
    graph,
  });
  return { proto, graph, tensors: parts.tensors ?? new TensorStore() };
}

export function readBytes(bytes: Uint8Array, openExternal?: OpenExternal): Promise<OnnxModel> {
  return readModel(countingSource(bytes), { file: "m.onnx", ...(openExternal && { openExternal }) });
}
