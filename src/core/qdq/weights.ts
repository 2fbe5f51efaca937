import { type NodeProto, TensorProto_DataType as T, type TensorProto } from "onnx-buf";
import type { Bits } from "../hardware/profile.ts";
import { entryOf, type LayerSite, type WeightUse } from "../model/discover.ts";
import type { Layer } from "../model/layer.ts";
import { firstIn } from "../model/paths.ts";
import { attribute, node } from "../onnx/build.ts";
import { cast, float, type GraphEdit, msDomain } from "./edit.ts";
import { isLookup, writeLookups } from "./lookup.ts";
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

/** First opset whose DequantizeLinear works per axis, takes int4, per block, takes int2 (ONNX operator changelog). */
export const opsets = { perAxis: 13, int4: 21, blocks: 21, int2: 25 } as const;

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
 *   in blocks:  the same with scales of two axes and block_size, opset 21
 *   recurrent:  initializer [directions * gates * hidden, inputs] -> DequantizeLinear(axis 0) -> Reshape -> operator, as scales
 *     are one vector
 *   lookups:    initializer -> Cast(int8) -> Gather -> scaled, see writeLookups
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
  const { layer } = site;
  const { bits, q } = quantized;
  const base = layer.weightTensor;
  const lookups = site.uses.filter(isLookup);
  const products = site.uses.filter((use) => !isLookup(use));
  const packed = unpacker !== undefined && isPackable(bits);
  // Gather takes no int4: it is cast, which only ONNX's own operators of a newer opset can.
  const canCast = lookups.length === 0 || domains.int4 === "";
  const width = packed || !canCast ? 8 : storedBits(bits, domains);
  // Rows are looked up in the shape that they have.
  const dims = isDetached && lookups.length === 0 ? [...layer.weightShape, 1] : layer.weightShape;
  const type = width === 4 && lookups.length === 0 ? T.INT4 : T.INT8;
  const integers = packed
    ? unpacker.unpack(base, q, bits, dims, site.home)
    : storedInteger(edit, site, width, dims, q, type);
  edit.putBefore(firstUse(edit, site, site.uses), ...integers.nodes);
  const parameters: TensorProto[] = [];
  if (products.length > 0) {
    let { output: name } = integers;
    if (isDetached && lookups.length > 0) {
      const detached = reshape(edit, name, [...dims, 1], site.home);
      edit.putBefore(firstUse(edit, site, products), ...detached.nodes);
      name = detached.output;
    }
    const value = { name, type, isDetached };
    parameters.push(...writeProducts(edit, site, products, quantized, value, domains));
  }
  if (lookups.length > 0) parameters.push(writeLookups(edit, site, lookups, quantized.scales, integers.output));
  const { tensors } = edit.model;
  const note = packed ? undefined : widerNote(bits, width);
  return {
    layer: layer.name,
    bits,
    storedBits: packed ? bits : width,
    bytes: parameters.reduce((sum, t) => sum + tensors.byteLength(t), integers.bytes),
    ...(note !== undefined && { note }),
  };
}

/** Why weights are stored wider than the next ONNX type. */
function widerNote(bits: Bits, width: 2 | 4 | 8): string | undefined {
  const next = bits === 2 ? 2 : bits <= 4 ? 4 : 8;
  if (next === width) return undefined;
  return `int${next} needs opset ${next === 2 ? opsets.int2 : opsets.int4}, which the model's operators do not allow`;
}

/** A weight's integers in the graph. */
interface IntegerValue {
  readonly name: string;
  readonly type: number;
  /** Whether a dimension of 1 is at the end, to be taken off behind DequantizeLinear, see needsDetaching. */
  readonly isDetached: boolean;
}

/** Dequantizes the weight for operators that multiply by it. @returns scales and zero points */
function writeProducts(
  edit: GraphEdit,
  site: LayerSite,
  uses: readonly WeightUse[],
  quantized: QuantizedLayer,
  value: IntegerValue,
  domains: QdqDomains,
): TensorProto[] {
  const { layer, chain, home } = site;
  const base = layer.weightTensor;
  const isInt4 = value.type === T.INT4;
  const { scales, dims, attributes } = scalesOf(layer, quantized, value.isDetached);
  const scale = edit.constant(`${base}.scale`, float, dims, scales, home);
  // int4 and blocks need none. Left out they would mean the same, but ONNX Runtime's option for exact kernels makes a single one,
  // and fails.
  const zeros =
    isInt4 || quantized.blockSize !== undefined
      ? []
      : [edit.constant(`${base}.zero_point`, T.INT8, dims, new Int8Array(scales.length), home)];
  const dequantized = edit.fresh(`${base}.dequantized`);
  const dequantize = node("DequantizeLinear", [value.name, scale.name, ...zeros.map((t) => t.name)], [dequantized], {
    name: `${layer.name}.dequantize`,
    domain: isInt4 ? domains.int4 : domains.int8,
    attributes,
  });
  // Dequantized as rows, a recurrent network's weight gets its own shape behind.
  const isReshaped = value.isDetached || layer.weightShape.length !== chain.shape.length;
  const shaped = isReshaped ? reshape(edit, dequantized, chain.shape, home) : { nodes: [], output: dequantized };
  const typed = cast(edit, shaped.output, float, chain.elementType);
  edit.putBefore(firstUse(edit, site, uses), dequantize, ...shaped.nodes, ...typed.nodes);
  for (const { path, slot } of uses.map(entryOf)) edit.at(path).input[slot] = typed.output;
  return [scale, ...zeros];
}

/**
 * Scales as DequantizeLinear wants them: a vector along the channels; for blocks (of matrices) the weight's shape with blocks in the
 * place of the axis that is summed over.
 */
function scalesOf({ channelAxis, weightShape }: Layer, { scales, blockSize }: QuantizedLayer, isDetached: boolean) {
  if (blockSize === undefined) {
    return { scales, dims: [scales.length], attributes: [attribute.int("axis", channelAxis)] };
  }
  const channels = weightShape[channelAxis] ?? 1;
  const blocks = scales.length / channels;
  const attributes = [attribute.int("axis", 1 - channelAxis), attribute.int("block_size", blockSize)];
  const tail = isDetached ? [1] : [];
  if (channelAxis === 0) return { scales, dims: [channels, blocks, ...tail], attributes };
  const turned = Float32Array.from(
    scales,
    (_, i) => scales[(i % channels) * blocks + Math.floor(i / channels)] as number,
  );
  return { scales: turned, dims: [blocks, channels, ...tail], attributes };
}

/** The integers in their own ONNX type, cast to another where that is wanted. */
function storedInteger(
  edit: GraphEdit,
  { layer, home }: LayerSite,
  width: 2 | 4 | 8,
  dims: readonly number[],
  values: Int8Array,
  wanted: number,
) {
  const q = edit.constant(`${layer.weightTensor}.quantized`, types[width], dims, values, home);
  const bytes = edit.model.tensors.byteLength(q);
  return { ...cast(edit, q.name, types[width], wanted), bytes };
}

/** The node that what a layer's uses read is put in front of, in the graph that the weight is in. */
function firstUse(edit: GraphEdit, { home }: LayerSite, uses: readonly WeightUse[]): NodeProto {
  const paths = uses.map((use) => entryOf(use).path);
  return edit.at(firstIn(home, paths));
}

function reshape(edit: GraphEdit, value: string, dims: readonly number[], home: string) {
  const shape = edit.constant(`${value}.shape`, T.INT64, [dims.length], BigInt64Array.from(dims, BigInt), home);
  const output = edit.fresh(`${value}.reshaped`);
  return { nodes: [node("Reshape", [value, shape.name], [output])], output };
}
