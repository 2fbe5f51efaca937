import { halfToNumber } from "../../src/core/data/half.ts";
import type { OnnxModel } from "../../src/core/onnx/model.ts";
import { modelBytes } from "../../src/core/onnx/write.ts";
import type { SessionOptions, Tensor } from "../../src/core/ports.ts";
import { createOrtInference } from "../../src/node/ortInference.ts";
import { noise } from "./tinyModel.ts";

export const inference = createOrtInference({ threads: 1 });

/** Runs a model once in ONNX Runtime, with its default optimizations unless told otherwise. */
export async function run(
  model: OnnxModel,
  feeds: Readonly<Record<string, Tensor>>,
  options: Partial<SessionOptions> = {},
): Promise<Readonly<Record<string, Tensor>>> {
  const session = await inference.open(await modelBytes(model), { optimization: "all", ...options });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

export function float32(dims: readonly number[], data: Float32Array): Tensor {
  return { type: "float32", dims, data };
}

/** An input of `noise`. */
export function noisy(dims: readonly number[], seed = 7): Tensor {
  return float32(
    dims,
    noise(
      dims.reduce((a, b) => a * b, 1),
      seed,
    ),
  );
}

/** A tensor's elements as numbers, half precision decoded. */
export function numbers(tensor: Tensor | undefined): number[] {
  if (tensor === undefined) throw new Error("no such output");
  if (tensor.type === "float16") return Array.from(tensor.data as Uint16Array, halfToNumber);
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

/** The largest difference between two tensors of the same shape. */
export function distance(a: Tensor | undefined, b: Tensor | undefined): number {
  const [x, y] = [numbers(a), numbers(b)];
  if (x.length !== y.length || a?.dims.join() !== b?.dims.join()) return Number.POSITIVE_INFINITY;
  return x.reduce((most, value, i) => Math.max(most, Math.abs(value - (y[i] as number))), 0);
}
