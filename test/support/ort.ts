import { createRequire } from "node:module";
import type { Inference, Tensor, TensorType, ValueInfo } from "../../src/core/ports.ts";

const ort = createRequire(import.meta.url)("onnxruntime-node") as typeof import("onnxruntime-node");

type OrtTensor = import("onnxruntime-node").Tensor;

/** ONNX Runtime in the test's own process, for tests of the core that need numbers and not the adapter's guards. */
export const inference: Inference = {
  async open(model, options) {
    const settings = {
      graphOptimizationLevel: options.optimization,
      logSeverityLevel: 3 as const,
      intraOpNumThreads: options.threads ?? 1,
      ...(options.dims && { freeDimensionOverrides: options.dims }),
      ...(options.exactInt8 && { extra: { session: { x64quantprecision: "1" } } }),
    };
    const session =
      model instanceof Uint8Array
        ? await ort.InferenceSession.create(model, settings)
        : await ort.InferenceSession.create(model.path, settings);
    return {
      inputs: session.inputMetadata.map(valueInfo),
      outputs: session.outputMetadata.map(valueInfo),
      async run(feeds, fetches) {
        const given = Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, toOrt(t)]));
        const out = fetches ? await session.run(given, [...fetches]) : await session.run(given);
        return Object.fromEntries(Object.entries(out).map(([name, t]) => [name, fromOrt(t)]));
      },
      close: () => session.release(),
    };
  },
};

const known = new Set<string>([
  "float32",
  "float64",
  "float16",
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "bool",
  "string",
]);

function valueInfo(meta: import("onnxruntime-node").InferenceSession.ValueMetadata): ValueInfo {
  if (!meta.isTensor) return { name: meta.name, type: "unknown", dims: [] };
  const type = known.has(meta.type) ? (meta.type as TensorType) : "unknown";
  return { name: meta.name, type, dims: meta.shape.map((d) => (d === "" ? null : d)) };
}

function toOrt(tensor: Tensor): OrtTensor {
  return new ort.Tensor(tensor.type as "float32", tensor.data as Float32Array, [...tensor.dims]);
}

function fromOrt(tensor: OrtTensor): Tensor {
  const data = tensor.type === "float16" ? patterns(tensor.data as unknown as ArrayBufferView) : tensor.data;
  return { type: tensor.type as TensorType, dims: tensor.dims, data: data as Tensor["data"] };
}

function patterns(data: ArrayBufferView): Uint16Array {
  return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
}
