import { create } from "@bufbuild/protobuf";
import {
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  StringStringEntryProtoSchema,
  TensorProto_DataType as T,
  type TensorProto,
} from "onnx-buf";
import { numberToHalf } from "../../src/core/data/half.ts";
import { tensor, valueInfo } from "../../src/core/onnx/build.ts";
import type { NumericData } from "../../src/core/onnx/convert.ts";
import type { OnnxModel } from "../../src/core/onnx/model.ts";
import { TensorStore } from "../../src/core/onnx/tensors.ts";

type Dims = readonly (number | string | null)[];

/** A constant to be: float32 unless it says otherwise. */
export interface Constant {
  readonly dims: readonly number[];
  readonly data: NumericData;
  readonly type?: number;
}

export interface TinyGraph {
  readonly nodes: readonly NodeProto[];
  readonly inputs?: Readonly<Record<string, Dims | { readonly type: number; readonly dims: Dims | undefined }>>;
  readonly outputs: readonly string[] | Readonly<Record<string, Dims | { readonly type: number; readonly dims: Dims }>>;
  readonly constants?: Readonly<Record<string, Constant>>;
  /** Declarations of values in between, float32. */
  readonly declared?: Readonly<Record<string, Dims>>;
}

export interface TinyModel extends TinyGraph {
  /** 17 when left out. */
  readonly opset?: number;
  readonly ir?: number;
  /** Initializers are declared as inputs too, as IR 3 wants. */
  readonly constantsAsInputs?: boolean;
  readonly domains?: Readonly<Record<string, number>>;
  readonly functions?: readonly {
    readonly domain: string;
    readonly name: string;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
    readonly nodes: readonly NodeProto[];
  }[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A store for constants inside attributes (Constant nodes, bodies), to be given to `tinyModel` too. */
export function tinyStore(): TensorStore {
  return new TensorStore();
}

/** A model made by hand; all its data are in `store`. */
export function tinyModel(spec: TinyModel, store: TensorStore = new TensorStore()): OnnxModel {
  const { opset = 17, ir = 8, functions = [] } = spec;
  const graph = tinyGraph("tiny", spec, store);
  if (spec.constantsAsInputs) {
    for (const t of graph.initializer) graph.input.push(valueInfo(t.name, t.dataType, t.dims.map(Number)));
  }
  const domains = Object.entries({ "": opset, ...spec.domains });
  const proto = create(ModelProtoSchema, {
    irVersion: BigInt(ir),
    producerName: "tiny",
    opsetImport: domains.map(([domain, version]) => ({ domain, version: BigInt(version) })),
    graph,
    functions: functions.map(({ domain, name, inputs, outputs, nodes }) =>
      create(FunctionProtoSchema, {
        domain,
        name,
        input: [...inputs],
        output: [...outputs],
        node: [...nodes],
        opsetImport: [{ domain: "", version: BigInt(opset) }],
      }),
    ),
    metadataProps: Object.entries(spec.metadata ?? {}).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    ),
  });
  return { proto, graph: proto.graph as GraphProto, tensors: store };
}

/** A graph, also for the body of an If or Loop. */
export function tinyGraph(name: string, spec: TinyGraph, store: TensorStore): GraphProto {
  const outputs = Array.isArray(spec.outputs) ? undefined : Object.entries(spec.outputs);
  const names = Array.isArray(spec.outputs) ? (spec.outputs as readonly string[]) : [];
  return create(GraphProtoSchema, {
    name,
    node: [...spec.nodes],
    initializer: Object.entries(spec.constants ?? {}).map(([key, c]) => constant(store, key, c)),
    input: Object.entries(spec.inputs ?? {}).map(([key, value]) => declaration(key, value)),
    output: outputs
      ? outputs.map(([key, value]) => declaration(key, value))
      : names.map((key) => valueInfo(key, T.FLOAT)),
    valueInfo: Object.entries(spec.declared ?? {}).map(([key, dims]) => valueInfo(key, T.FLOAT, dims)),
  });
}

function declaration(name: string, value: Dims | { readonly type: number; readonly dims: Dims | undefined }) {
  if ("type" in value) return value.dims ? valueInfo(name, value.type, value.dims) : valueInfo(name, value.type);
  return valueInfo(name, T.FLOAT, value);
}

export function constant(store: TensorStore, name: string, { dims, data, type = T.FLOAT }: Constant): TensorProto {
  return tensor(store, name, type, dims, data);
}

/** Numbers between -1 and 1 that look random and are the same in every run; `seed` makes them others. */
export function noise(length: number, seed = 1): Float32Array {
  let state = seed * 2654435761;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const sizeOf = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/** A float32 constant of `noise`. */
export function weight(dims: readonly number[], seed = 1, scale = 1): Constant {
  return { dims, data: noise(sizeOf(dims), seed).map((v) => v * scale) };
}

/** The same as float16. */
export function halfWeight(dims: readonly number[], seed = 1, scale = 1): Constant {
  return {
    dims,
    data: Uint16Array.from(weight(dims, seed, scale).data as Float32Array, numberToHalf),
    type: T.FLOAT16,
  };
}

export function ints(values: readonly number[], dims: readonly number[] = [values.length]): Constant {
  return { dims, data: BigInt64Array.from(values, BigInt), type: T.INT64 };
}

export function floats(values: readonly number[], dims: readonly number[] = [values.length]): Constant {
  return { dims, data: Float32Array.from(values) };
}
