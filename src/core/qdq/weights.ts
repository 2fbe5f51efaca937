import { type NodeProto, type TensorProto, TensorProto_DataType } from "onnx-buf";
import { numberToHalf } from "../data/half.ts";
import type { Bits } from "../hardware/profile.ts";
import { takesBias } from "../model/bias.ts";
import type { LayerSite } from "../model/discover.ts";
import { weightElementType } from "../model/weightInputs.ts";
import { attribute, node, tensor } from "../onnx/build.ts";
import type { OnnxModel } from "../onnx/model.ts";
import type { QuantizedLayer, StoredWeight } from "./types.ts";

/** ONNX domain that operators added here belong to: "" where the opset suffices, else ONNX Runtime's own. */
export interface QdqDomains {
  /** For int8 per channel (opset 13 on). */
  readonly int8: string;
  /** For int4 (opset 21 on; com.microsoft takes it in a model of any opset). */
  readonly int4: string;
  /** int2 needs opset 25; without it 2-bit weights are stored as int4. */
  readonly int2: boolean;
}

/** Bits of the ONNX integer type that holds b-bit weights. */
export function storedBits(bits: Bits, domains: QdqDomains): 2 | 4 | 8 {
  if (bits === 2 && domains.int2) return 2;
  return bits <= 4 ? 4 : 8;
}

/**
 * Nodes and tensors that put a layer's quantized weight in the place of its float one:
 *   int4/int8:  initializer -> DequantizeLinear(axis) -> operator
 *   int2:       initializer -> Cast(int8) -> DequantizeLinear(axis) -> operator
 * The Cast keeps the usual QDQ pattern: ONNX Runtime's integer Conv takes no int2 (a session with quantized activations would not load).
 */
export function writeWeight(
  model: OnnxModel,
  site: LayerSite,
  quantized: QuantizedLayer,
  domains: QdqDomains,
  fresh: (wanted: string) => string,
): {
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly output: string;
  readonly stored: StoredWeight;
} {
  const { layer } = site;
  const width = storedBits(quantized.bits, domains);
  const base = layer.weightTensor;
  const names = { q: fresh(`${base}.quantized`), scale: fresh(`${base}.scale`), out: fresh(`${base}.dequantized`) };
  const type =
    width === 2 ? TensorProto_DataType.INT2 : width === 4 ? TensorProto_DataType.INT4 : TensorProto_DataType.INT8;
  const elementType = weightElementType(site);
  const half = elementType === TensorProto_DataType.FLOAT16;
  const scaleType = half ? TensorProto_DataType.FLOAT16 : TensorProto_DataType.FLOAT;
  const q = tensor(model.tensors, names.q, type, layer.weightShape, quantized.q);
  const scale = floatTensor(model, names.scale, [quantized.scales.length], quantized.scales, half);
  const nodes: NodeProto[] = [];
  let source = names.q;
  if (width === 2) {
    const cast = fresh(`${base}.int8`);
    nodes.push(node("Cast", [source], [cast], { attributes: [attribute.int("to", TensorProto_DataType.INT8)] }));
    source = cast;
  }
  const domain = width === 4 ? domains.int4 : domains.int8;
  nodes.push(
    node("DequantizeLinear", [source, names.scale], [names.out], {
      name: `${layer.name}.dequantize`,
      domain,
      attributes: [attribute.int("axis", layer.channelAxis)],
    }),
  );
  let output = names.out;
  if (elementType !== scaleType) {
    output = fresh(`${base}.cast`);
    nodes.push(node("Cast", [names.out], [output], { attributes: [attribute.int("to", elementType)] }));
  }
  const stored: StoredWeight = {
    layer: layer.name,
    bits: quantized.bits,
    storedBits: width,
    bytes: model.tensors.byteLength(q) + model.tensors.byteLength(scale),
    ...(quantized.bits === 2 &&
      width === 4 && { note: "the model's operators do not allow opset 25, which int2 needs" }),
  };
  return { nodes, initializers: [q, scale], output, stored };
}

/** A float32 or float16 tensor; scales have the type of what they give. */
export function floatTensor(
  model: OnnxModel,
  name: string,
  dims: readonly number[],
  values: Float32Array,
  half: boolean,
): TensorProto {
  return half
    ? tensor(model.tensors, name, TensorProto_DataType.FLOAT16, dims, Uint16Array.from(values, numberToHalf))
    : tensor(model.tensors, name, TensorProto_DataType.FLOAT, dims, values);
}

/** int32 range less one, so that rounding cannot overflow. */
const maxInt32 = 2 ** 31 - 1;

/**
 * The bias of a layer with quantized activations as ONNX wants it: int32 at scale s_x * s_w[c] (QLinearConv
 * specification), behind a DequantizeLinear. Undefined where int32 does not reach, or where the layer takes no bias.
 */
export function writeBias(
  model: OnnxModel,
  site: LayerSite,
  bias: Float32Array,
  weightScales: Float32Array,
  activationScale: number,
  domain: string,
  fresh: (wanted: string) => string,
): { readonly node: NodeProto; readonly initializers: readonly TensorProto[]; readonly output: string } | undefined {
  if (!takesBias(site) || site.layer.opType === "MatMul" || bias.length % weightScales.length !== 0) return undefined;
  const q = new Int32Array(bias.length);
  const scales = new Float32Array(bias.length);
  for (let c = 0; c < bias.length; c++) {
    const scale = Math.fround((weightScales[c % weightScales.length] as number) * activationScale);
    const value = Math.round((bias[c] as number) / scale);
    if (!(Math.abs(value) < maxInt32)) return undefined;
    q[c] = value;
    scales[c] = scale;
  }
  const base = site.uses[0]?.bias || `${site.layer.weightTensor}.bias`;
  const names = { q: fresh(`${base}.quantized`), scale: fresh(`${base}.scale`), out: fresh(`${base}.dequantized`) };
  return {
    node: node("DequantizeLinear", [names.q, names.scale], [names.out], {
      domain,
      attributes: [attribute.int("axis", 0)],
    }),
    initializers: [
      tensor(model.tensors, names.q, TensorProto_DataType.INT32, [q.length], q),
      tensor(model.tensors, names.scale, TensorProto_DataType.FLOAT, [scales.length], scales),
    ],
    output: names.out,
  };
}
