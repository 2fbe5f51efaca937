import { TensorProto_DataType as T } from "onnx-buf";
import { SigmaQuantError } from "../errors.ts";
import { intAttribute } from "../onnx/build.ts";
import type { TensorStore } from "../onnx/tensors.ts";
import { roundHalfEven } from "../quant/integerGrid.ts";
import {
  type ChainStep,
  normalizeAxis,
  permutation,
  product,
  rowsOf,
  shapeAfter,
  type WeightChain,
} from "./weightChain.ts";

/**
 * The weight's values as the operator sees them, float32, row-major over `chain.shape`.
 * Memory: the whole tensor (twice where a Transpose lies between).
 * @throws SQ2031 when scales do not fit the weight, and what reading the tensor throws
 */
export async function readWeight(
  tensors: TensorStore,
  chain: WeightChain,
  signal?: AbortSignal,
): Promise<Float32Array> {
  let values = await tensors.readFloat32(chain.tensor, undefined, undefined, signal);
  let shape: readonly number[] = chain.tensor.dims.map(Number);
  for (const step of chain.steps) {
    signal?.throwIfAborted();
    switch (step.node.opType) {
      case "Transpose":
        values = transpose(values, shape, permutation(step, shape.length));
        break;
      case "Concat":
        values = joinRows(values, shape, step.ints);
        break;
      case "DequantizeLinear":
      case "QuantizeLinear":
        await applyScales(tensors, step, values, shape);
        break;
      default:
    }
    shape = shapeAfter(step, shape) ?? shape;
  }
  return values;
}

/** Permutes the axes of a row-major array: output axis i is input axis perm[i] (ONNX Transpose). */
export function transpose(values: Float32Array, shape: readonly number[], perm: readonly number[]): Float32Array {
  const rank = shape.length;
  const strides = new Array<number>(rank).fill(1);
  for (let i = rank - 2; i >= 0; i--) strides[i] = (strides[i + 1] as number) * (shape[i + 1] as number);
  const outShape = perm.map((axis) => shape[axis] as number);
  const outStrides = perm.map((axis) => strides[axis] as number);
  const out = new Float32Array(values.length);
  const index = new Array<number>(rank).fill(0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = values[from] as number;
    for (let axis = rank - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      from += outStrides[axis] as number;
      if ((index[axis] as number) < (outShape[axis] as number)) break;
      from -= (outStrides[axis] as number) * (outShape[axis] as number);
      index[axis] = 0;
    }
  }
  return out;
}

/** Slices of the first axis behind each other. */
function joinRows(values: Float32Array, shape: readonly number[], ints: readonly number[]): Float32Array {
  const length = product(shape.slice(1));
  const slices = rowsOf(ints, shape[0] ?? 0);
  const joined = new Float32Array(slices.reduce((sum, [from, to]) => sum + to - from, 0) * length);
  let at = 0;
  for (const [from, to] of slices) {
    joined.set(values.subarray(from * length, to * length), at);
    at += (to - from) * length;
  }
  return joined;
}

/** Ranges that QuantizeLinear saturates to (ONNX QuantizeLinear). */
const ranges: ReadonlyMap<number, readonly [number, number]> = new Map<number, readonly [number, number]>([
  [T.UINT8, [0, 255]],
  [T.INT8, [-128, 127]],
  [T.UINT16, [0, 65_535]],
  [T.INT16, [-32_768, 32_767]],
  [T.UINT4, [0, 15]],
  [T.INT4, [-8, 7]],
  [T.UINT2, [0, 3]],
  [T.INT2, [-2, 1]],
]);

/**
 * DequantizeLinear, (x - zero point) * scale, or QuantizeLinear, saturate(round(x / scale) + zero point), in place; one scale for
 * the tensor, one for each position on an axis, or one for each block along it.
 */
async function applyScales(
  tensors: TensorStore,
  { node, scale, zeroPoint }: ChainStep,
  values: Float32Array,
  shape: readonly number[],
): Promise<void> {
  if (scale === undefined) return;
  const scales = await tensors.readFloat32(scale);
  const zeros = zeroPoint ? await tensors.readFloat32(zeroPoint) : new Float32Array(scales.length);
  const axis = normalizeAxis(intAttribute(node, "axis", 1), shape.length);
  const block = intAttribute(node, "block_size", 0);
  const whole = block === 0 && scales.length === 1;
  const outer = whole ? 1 : product(shape.slice(0, Math.max(0, axis)));
  const channels = whole ? 1 : (shape[axis] ?? 0);
  const inner = whole ? values.length : product(shape.slice(axis + 1));
  const blocks = block > 0 ? Math.ceil(channels / block) : channels;
  const needed = block > 0 ? outer * blocks * inner : channels;
  if (scales.length !== needed || zeros.length !== needed || outer * channels * inner !== values.length) {
    throw new SigmaQuantError(
      "SQ2031",
      "bad-dequantize",
      `${node.opType} has ${scales.length} scales and ${zeros.length} zero points where ${needed} are needed`,
      {
        remedy: "Export the model again with its quantization parameters",
        place: { item: node.name || node.output[0] || node.opType },
      },
    );
  }
  const range = node.opType === "QuantizeLinear" ? ranges.get(zeroPoint?.dataType ?? T.UINT8) : undefined;
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const first = block > 0 ? (o * blocks + Math.floor(c / block)) * inner : c;
      for (let i = 0; i < inner; i++, at++) {
        const s = block > 0 ? first + i : first;
        const x = values[at] as number;
        values[at] = range
          ? Math.min(range[1], Math.max(range[0], roundHalfEven(x / (scales[s] as number)) + (zeros[s] as number)))
          : (x - (zeros[s] as number)) * (scales[s] as number);
      }
    }
  }
}
