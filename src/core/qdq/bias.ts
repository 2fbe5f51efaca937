import { type NodeProto, TensorProto_DataType as T } from "onnx-buf";
import { takesBias } from "../model/bias.ts";
import type { LayerSite } from "../model/discover.ts";
import { attribute, node } from "../onnx/build.ts";
import { roundHalfEven } from "../quant/integerGrid.ts";
import { cast, float, type GraphEdit } from "./edit.ts";
import type { ActivationMap, QuantizedLayer } from "./types.ts";
import type { QdqDomains } from "./weights.ts";

/** The largest int32. */
const maxInt32 = 2 ** 31 - 1;

/**
 * Writes a layer's float bias in the place of the model's: int32 where its activation is quantized to 8 bits (as integer
 * kernels want it), float otherwise. For MatMul it goes into the Add behind, which is made where there is none. Nothing is
 * written for zeros that no bias stands in the place of.
 */
export function writeBias(
  edit: GraphEdit,
  site: LayerSite,
  quantized: QuantizedLayer,
  activations: ActivationMap,
  domains: QdqDomains,
): void {
  const { bias } = quantized;
  const [use] = site.uses;
  if (bias === undefined || use === undefined || !takesBias(site)) return;
  if (use.bias === "" && bias.every((b) => b === 0)) return;
  const { layer } = site;
  const target = edit.at(use.biasAdd?.index ?? use.index);
  if (layer.opType !== "MatMul") {
    const activation = activations.get(use.node.input[0] ?? "");
    const written =
      (activation?.bits === 8 ? int32Bias(edit, site, quantized, bias, activation.scale, domains) : undefined) ??
      floatBias(edit, site, bias);
    edit.putBefore(target, ...written.nodes);
    target.input[2] = written.output;
    return;
  }
  const { nodes, output } = floatBias(edit, site, bias);
  edit.putBefore(target, ...nodes);
  if (use.biasAdd) {
    target.input[use.biasAdd.slot] = output;
    return;
  }
  const sum = target.output[0] as string;
  const product = edit.fresh(`${sum}.product`);
  target.output[0] = product;
  edit.putAfter(target, node("Add", [product, output], [sum], { name: `${layer.name}.add_bias` }));
}

interface Written {
  readonly nodes: readonly NodeProto[];
  readonly output: string;
}

function floatBias(edit: GraphEdit, site: LayerSite, bias: Float32Array): Written {
  const { name } = edit.constant(`${biasName(site)}.corrected`, float, [bias.length], bias);
  return cast(edit, name, float, site.chain.elementType);
}

/**
 * int32 at scale s_x * s_w[c] (QLinearConv specification), behind a DequantizeLinear. Undefined where int32 does not reach.
 * A grouped ConvTranspose has one weight scale for a channel of every group.
 */
function int32Bias(
  edit: GraphEdit,
  site: LayerSite,
  { scales: weightScales }: QuantizedLayer,
  bias: Float32Array,
  activationScale: number,
  domains: QdqDomains,
): Written | undefined {
  const q = new Int32Array(bias.length);
  const scales = new Float32Array(bias.length);
  for (const [c, b] of bias.entries()) {
    const scale = Math.fround((weightScales[c % weightScales.length] as number) * activationScale);
    const value = roundHalfEven(b / scale);
    if (!(Math.abs(value) < maxInt32)) return undefined;
    q[c] = value;
    scales[c] = scale;
  }
  const base = biasName(site);
  const integers = edit.constant(`${base}.quantized`, T.INT32, [q.length], q);
  const scale = edit.constant(`${base}.scale`, float, [scales.length], scales);
  const output = edit.fresh(`${base}.dequantized`);
  const dequantize = node("DequantizeLinear", [integers.name, scale.name], [output], {
    name: `${site.layer.name}.dequantize_bias`,
    domain: domains.int8,
    attributes: [attribute.int("axis", 0)],
  });
  const typed = cast(edit, output, float, site.chain.elementType);
  return { nodes: [dequantize, ...typed.nodes], output: typed.output };
}

function biasName(site: LayerSite): string {
  return site.uses[0]?.bias || `${site.layer.weightTensor}.bias`;
}
