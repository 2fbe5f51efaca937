import { create } from "@bufbuild/protobuf";
import { GraphProtoSchema, ModelProtoSchema, type NodeProto, type TensorProto, type ValueInfoProto } from "onnx-buf";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { random } from "../../../src/core/data/random.ts";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { TensorStore } from "../../../src/core/onnx/tensors.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";

/** Standard normal numbers, the same in every run. */
export function gaussians(length: number, seed = 1): Float32Array {
  const source = random(seed);
  return Float32Array.from({ length }, () => source.gaussian());
}

/** A model of a few nodes; `build` gets the store that its tensors are made in. */
export function tinyModel(
  build: (store: TensorStore) => {
    readonly node: readonly NodeProto[];
    readonly initializer: readonly TensorProto[];
    readonly input: readonly ValueInfoProto[];
    readonly output: readonly ValueInfoProto[];
  },
): OnnxModel {
  const tensors = new TensorStore();
  const { node, initializer, input, output } = build(tensors);
  const graph = create(GraphProtoSchema, {
    name: "tiny",
    node: [...node],
    initializer: [...initializer],
    input: [...input],
    output: [...output],
  });
  const proto = create(ModelProtoSchema, { irVersion: 10n, graph, opsetImport: [{ domain: "", version: 21n }] });
  return { proto, graph, tensors };
}

/** The first output of a model in ONNX Runtime, every node run as it is. */
export async function runInOnnxRuntime(
  model: OnnxModel,
  feeds: Readonly<Record<string, { readonly data: Float32Array; readonly dims: readonly number[] }>> = {},
): Promise<ArrayLike<number>> {
  const session = await InferenceSession.create(await modelBytes(model), {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "disabled",
  });
  try {
    const inputs = Object.entries(feeds).map(([name, { data, dims }]) => [name, new Tensor("float32", data, dims)]);
    const results = await session.run(Object.fromEntries(inputs));
    return Object.values(results)[0]?.data as ArrayLike<number>;
  } finally {
    await session.release();
  }
}
