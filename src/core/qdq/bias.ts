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

/** How a layer's bias will be written. */
export type BiasForm =
  /** It stays as it is, or there is none. */
  | { readonly kind: "none" }
  | { readonly kind: "float"; readonly bias: Float32Array }
  /** q[c] * scales[c], as integer kernels add it. */
  | { readonly kind: "int32"; readonly q: Int32Array; readonly scales: Float32Array };

/**
 * int32 where the layer's activation is quantized, as integer kernels want it; float otherwise, where int32 does not reach
 * (channels of tiny weights), and for MatMul, whose bias is in the Add behind it. Zeros are not written where there is no bias.
 */
export function biasForm(
  site: LayerSite,
  { bias, scales, blockSize }: QuantizedLayer,
  activations: ActivationMap,
): BiasForm {
  const [use] = site.uses;
  if (bias === undefined || use === undefined || !takesBias(site)) return { kind: "none" };
  if (use.bias === "" && bias.every((b) => b === 0)) return { kind: "none" };
  // Blocks have no scale of an output channel to count in.
  const activation =
    site.layer.opType === "MatMul" || blockSize !== undefined ? undefined : activations.get(use.node.input[0] ?? "");
  const integers = activation && int32Bias(bias, scales, activation.scale);
  return integers ? { kind: "int32", ...integers } : { kind: "float", bias };
}

/**
 * The bias in units of s_x * s_w[c] (QLinearConv specification); undefined where int32 does not reach. A grouped ConvTranspose
 * has one weight scale for a channel of every group.
 */
function int32Bias(bias: Float32Array, weightScales: Float32Array, activationScale: number) {
  const q = new Int32Array(bias.length);
  const scales = new Float32Array(bias.length);
  for (const [c, b] of bias.entries()) {
    const scale = Math.fround((weightScales[c % weightScales.length] as number) * activationScale);
    const value = roundHalfEven(b / scale);
    if (!(Math.abs(value) < maxInt32)) return undefined;
    q[c] = value;
    scales[c] = scale;
  }
  return { q, scales };
}

/** Puts a layer's bias in the place of the model's; for MatMul into the Add behind it, which is made where there is none. */
export function writeBias(edit: GraphEdit, site: LayerSite, form: BiasForm, domains: QdqDomains): void {
  const [use] = site.uses;
  if (form.kind === "none" || use === undefined) return;
  const { layer } = site;
  const target = edit.at(use.biasAdd ? String(use.biasAdd.index) : use.path);
  const { nodes, output } = form.kind === "int32" ? integers(edit, site, form, domains) : floats(edit, site, form.bias);
  edit.putBefore(target, ...nodes);
  if (layer.opType !== "MatMul") {
    target.input[2] = output;
  } else if (use.biasAdd) {
    target.input[use.biasAdd.slot] = output;
  } else {
    const sum = target.output[0] as string;
    const product = edit.fresh(`${sum}.product`);
    target.output[0] = product;
    edit.putAfter(target, node("Add", [product, output], [sum], { name: `${layer.name}.add_bias` }));
  }
}

interface Written {
  readonly nodes: readonly NodeProto[];
  readonly output: string;
}

function floats(edit: GraphEdit, site: LayerSite, bias: Float32Array): Written {
  const { name } = edit.constant(`${biasName(site)}.corrected`, float, [bias.length], bias);
  return cast(edit, name, float, site.chain.elementType);
}

function integers(
  edit: GraphEdit,
  site: LayerSite,
  { q, scales }: BiasForm & { kind: "int32" },
  domains: QdqDomains,
): Written {
  const base = biasName(site);
  const values = edit.constant(`${base}.quantized`, T.INT32, [q.length], q);
  const scale = edit.constant(`${base}.scale`, float, [scales.length], scales);
  const output = edit.fresh(`${base}.dequantized`);
  const dequantize = node("DequantizeLinear", [values.name, scale.name], [output], {
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
