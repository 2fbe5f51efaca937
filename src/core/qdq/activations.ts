import { type NodeProto, type TensorProto, TensorProto_DataType } from "onnx-buf";
import { node, tensor } from "../onnx/build.ts";
import type { OnnxModel } from "../onnx/model.ts";
import type { ActivationQuantization } from "./types.ts";
import { floatTensor } from "./weights.ts";

const msDomain = "com.microsoft";

/** First opset whose QuantizeLinear takes 16-bit types; com.microsoft's takes them in any. */
const opsetOfInt16 = 21;
/** First opset with int4 activations. */
const opsetOfInt4 = 21;

/** The pair QuantizeLinear -> DequantizeLinear behind a value. */
export interface ActivationPair {
  readonly nodes: readonly [NodeProto, NodeProto];
  readonly initializers: readonly TensorProto[];
  /** The value that readers take instead. */
  readonly output: string;
}

/**
 * Quantizes one activation, asymmetric, one scale for the tensor (ONNX QuantizeLinear).
 * @param half the value is float16
 */
export function activationPair(
  model: OnnxModel,
  value: string,
  quantization: ActivationQuantization,
  opset: number,
  half: boolean,
  fresh: (wanted: string) => string,
): ActivationPair {
  const { scale, zeroPoint, bits } = quantization;
  const names = {
    scale: fresh(`${value}.scale`),
    zero: fresh(`${value}.zero_point`),
    q: fresh(`${value}.quantized`),
    out: fresh(`${value}.dequantized`),
  };
  const type =
    bits === 16 ? TensorProto_DataType.UINT16 : bits === 4 ? TensorProto_DataType.UINT4 : TensorProto_DataType.UINT8;
  const zero = bits === 16 ? new Uint16Array([zeroPoint]) : new Uint8Array([zeroPoint]);
  const needed = bits === 16 ? opsetOfInt16 : bits === 4 ? opsetOfInt4 : half ? 19 : 10;
  const domain = opset >= needed ? "" : msDomain;
  return {
    nodes: [
      node("QuantizeLinear", [value, names.scale, names.zero], [names.q], { domain }),
      node("DequantizeLinear", [names.q, names.scale, names.zero], [names.out], { domain }),
    ],
    initializers: [
      floatTensor(model, names.scale, [], new Float32Array([scale]), half),
      tensor(model.tensors, names.zero, type, [], zero),
    ],
    output: names.out,
  };
}
