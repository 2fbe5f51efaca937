import type { Tensor, TensorData, TensorType, ValueInfo } from "../ports.ts";
import { product } from "./weightChain.ts";

/** Inputs made up for one run take at most this much memory together, weights included. Our choice. */
const maxPlaceholderBytes = 2 ** 30;

/** One in each element type: a token number, length or size of 1 is valid in most models where 0 is not. */
const fills: Readonly<Record<Exclude<TensorType, "string">, (length: number) => TensorData>> = {
  float32: (n) => new Float32Array(n).fill(1),
  float64: (n) => new Float64Array(n).fill(1),
  // 1 in half precision.
  float16: (n) => new Uint16Array(n).fill(0x3c00),
  int8: (n) => new Int8Array(n).fill(1),
  uint8: (n) => new Uint8Array(n).fill(1),
  int16: (n) => new Int16Array(n).fill(1),
  uint16: (n) => new Uint16Array(n).fill(1),
  int32: (n) => new Int32Array(n).fill(1),
  uint32: (n) => new Uint32Array(n).fill(1),
  int64: (n) => new BigInt64Array(n).fill(1n),
  uint64: (n) => new BigUint64Array(n).fill(1n),
  bool: (n) => new Uint8Array(n).fill(1),
};

/** Tensors of ones for inputs of known shapes; undefined when one is open, has no numbers, or all are too large. */
export function placeholders(inputs: readonly ValueInfo[]): Readonly<Record<string, Tensor>> | undefined {
  const feeds: Record<string, Tensor> = {};
  let bytes = 0;
  for (const { name, type, dims } of inputs) {
    if (type === "unknown" || type === "string") return undefined;
    if (!dims.every((d): d is number => typeof d === "number" && d >= 0)) return undefined;
    const elements = product(dims);
    // Eight bytes is the widest element.
    bytes += 8 * elements;
    if (bytes > maxPlaceholderBytes) return undefined;
    feeds[name] = { type, dims, data: fills[type](elements) };
  }
  return feeds;
}
