import { TensorProto_DataType as T } from "onnx-buf";
import type { Bits } from "../hardware/profile.ts";
import type { LayerSite } from "../model/discover.ts";
import { attribute, node } from "../onnx/build.ts";
import { cast, float, type GraphEdit, msDomain } from "./edit.ts";
import { isPackable, type Unpacker } from "./packedBits.ts";
import type { QuantizedLayer, StoredWeight } from "./types.ts";

/** ONNX domain that operators added here belong to: "" where the opset suffices, else ONNX Runtime's own. */
export interface QdqDomains {
  /** For int8 and int32 per channel. */
  readonly int8: string;
  readonly int4: string;
  /** Without it 2-bit weights are stored as int4. */
  readonly int2: boolean;
  /** Whether ONNX Runtime's integer kernels may take the place of layers; below opset 13 such a session would not load. */
  readonly kernels: boolean;
}

/** First opset whose DequantizeLinear works per axis, takes int4, takes int2 (ONNX operator changelog). */
export const opsets = { perAxis: 13, int4: 21, int2: 25 } as const;

export function qdqDomains(opset: number): QdqDomains {
  return {
    int8: opset >= opsets.perAxis ? "" : msDomain,
    int4: opset >= opsets.int4 ? "" : msDomain,
    int2: opset >= opsets.int2,
    kernels: opset >= opsets.perAxis,
  };
}

/** Bits of the ONNX integer type that holds b-bit weights. */
export function storedBits(bits: Bits, domains: QdqDomains): 2 | 4 | 8 {
  if (bits === 2 && domains.int2) return 2;
  return bits <= 4 ? 4 : 8;
}

const types = { 2: T.INT2, 4: T.INT4, 8: T.INT8 } as const;

/**
 * Puts a layer's quantized weight in the place of its float one:
 *   int4/int8:  initializer -> DequantizeLinear(axis) -> operator
 *   int2:       initializer -> Cast(int8) -> DequantizeLinear(axis) -> operator
 *   3, 5 and 6 bits, where they are packed: bytes -> unpacked to int8 -> DequantizeLinear(axis) -> operator
 * The Cast keeps the usual QDQ pattern: ONNX Runtime's integer Conv takes no int2 (a session with quantized activations would not load).
 * Scales are float32; for layers that compute in another type a Cast follows, so that no scale is lost to half precision.
 * (In weights-only models ONNX Runtime's default is to quantize what a MatMul reads by itself, MatMulNBits at accuracy level
 * 4: measured up to 0.7 % of the output's range.)
 */
export function writeWeight(
  edit: GraphEdit,
  site: LayerSite,
  quantized: QuantizedLayer,
  domains: QdqDomains,
  isDetached: boolean,
  unpacker: Unpacker | undefined,
): StoredWeight {
  const { layer, chain } = site;
  const packed = unpacker !== undefined && isPackable(quantized.bits);
  const width = packed ? 8 : storedBits(quantized.bits, domains);
  const base = layer.weightTensor;
  const { scales } = quantized;
  const dims = isDetached ? [...layer.weightShape, 1] : layer.weightShape;
  const integers = packed
    ? unpacker.unpack(base, quantized.q, quantized.bits, dims)
    : storedInteger(edit, base, width, dims, quantized.q);
  const scale = edit.constant(`${base}.scale`, float, [scales.length], scales);
  // int4 needs none. Left out they would mean the same, but ONNX Runtime's option for exact kernels makes a single one, and fails.
  const zeros =
    width === 4 ? [] : [edit.constant(`${base}.zero_point`, T.INT8, [scales.length], new Int8Array(scales.length))];
  const dequantized = edit.fresh(`${base}.dequantized`);
  const dequantize = node(
    "DequantizeLinear",
    [integers.output, scale.name, ...zeros.map((t) => t.name)],
    [dequantized],
    {
      name: `${layer.name}.dequantize`,
      domain: width === 4 ? domains.int4 : domains.int8,
      attributes: [attribute.int("axis", layer.channelAxis)],
    },
  );
  const shaped = isDetached ? reshape(edit, dequantized, layer.weightShape) : { nodes: [], output: dequantized };
  const typed = cast(edit, shaped.output, float, chain.elementType);
  const first = edit.at(Math.min(...site.uses.map((use) => use.index)));
  edit.putBefore(first, ...integers.nodes, dequantize, ...shaped.nodes, ...typed.nodes);
  for (const use of site.uses) edit.at(use.index).input[use.slot] = typed.output;
  const { tensors } = edit.model;
  return {
    layer: layer.name,
    bits: quantized.bits,
    storedBits: packed ? quantized.bits : width,
    bytes: [scale, ...zeros].reduce((sum, t) => sum + tensors.byteLength(t), integers.bytes),
    ...(quantized.bits === 2 &&
      width === 4 && { note: `int2 needs opset ${opsets.int2}, which the model's operators do not allow` }),
  };
}

/** The integers in their own ONNX type, or as int8 where that type is int2. */
function storedInteger(edit: GraphEdit, base: string, width: 2 | 4 | 8, dims: readonly number[], values: Int8Array) {
  const q = edit.constant(`${base}.quantized`, types[width], dims, values);
  const bytes = edit.model.tensors.byteLength(q);
  return { ...cast(edit, q.name, types[width], width === 2 ? T.INT8 : types[width]), bytes };
}

function reshape(edit: GraphEdit, value: string, dims: readonly number[]) {
  const shape = edit.constant(`${value}.shape`, T.INT64, [dims.length], BigInt64Array.from(dims, BigInt));
  const output = edit.fresh(`${value}.reshaped`);
  return { nodes: [node("Reshape", [value, shape.name], [output])], output };
}
