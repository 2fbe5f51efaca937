import { create } from "@bufbuild/protobuf";
import { OperatorSetIdProtoSchema, TensorProto_DataType as T } from "onnx-buf";
import { sharedGrids } from "../model/activations.ts";
import { attribute, node } from "../onnx/build.ts";
import { opsetOf } from "../onnx/graph.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { cast, float, GraphEdit, msDomain } from "./edit.ts";
import type { ActivationMap, ActivationQuantization } from "./types.ts";

/**
 * By bits: the element type, and the first opset whose QuantizeLinear takes it; ONNX Runtime's own takes it in any. 4 bits are held
 * in 8, behind a Clip: ONNX Runtime fuses operators between 4-bit pairs too, and has no such kernels (sessions would not load).
 */
const types = {
  4: { type: T.UINT8, opset: 10, data: Uint8Array },
  8: { type: T.UINT8, opset: 10, data: Uint8Array },
  16: { type: T.UINT16, opset: 21, data: Uint16Array },
} as const;

/**
 * The quantizations that are written: a value that is only picked out of another one (a pooled maximum, a reshaped tensor)
 * shares that one's grid, so that it is not rounded a second time.
 */
export function tiedActivations(model: OnnxModel, activations: ActivationMap): ActivationMap {
  const tied = new Map(activations);
  for (const [value, source] of sharedGrids(model.graph, new Set(activations.keys()))) {
    const grid = activations.get(source);
    if (grid && grid.bits === activations.get(value)?.bits) tied.set(value, grid);
  }
  return tied;
}

/**
 * Puts QuantizeLinear -> DequantizeLinear behind the given values and lets every node of the main graph read the result;
 * graph outputs, and bodies of control flow, keep the float value. Changes the model.
 * @param half values that are float16: they are cast, so that no scale is lost to half precision
 */
export function insertActivations(
  model: OnnxModel,
  activations: ActivationMap,
  half: ReadonlySet<string> = new Set(),
): void {
  const { graph } = model;
  const edit = new GraphEdit(model);
  const opset = opsetOf(model.proto, "");
  const inputs = new Set(graph.input.map((value) => value.name));
  const producers = new Map(graph.node.flatMap((n) => n.output.map((name) => [name, n] as const)));
  const replaced = new Map<string, string>();
  const nodes = [...graph.node];
  for (const [value, quantization] of tiedActivations(model, activations)) {
    const producer = producers.get(value);
    if (producer === undefined && !inputs.has(value)) continue;
    const pair = activationPair(edit, value, quantization, opset, half.has(value));
    if (producer) edit.putAfter(producer, ...pair.nodes);
    else edit.putFirst(...pair.nodes);
    replaced.set(value, pair.output);
  }
  for (const n of nodes) n.input = n.input.map((name) => replaced.get(name) ?? name);
  edit.apply();
  declareDomain(model, msDomain, 1n);
}

/** QuantizeLinear -> DequantizeLinear of one value, asymmetric, one scale for the tensor (ONNX QuantizeLinear). */
function activationPair(
  edit: GraphEdit,
  value: string,
  quantization: ActivationQuantization,
  opset: number,
  half: boolean,
) {
  const { scale, zeroPoint, bits } = quantization;
  const { type, opset: needed, data } = types[bits];
  const domain = opset >= needed ? "" : msDomain;
  const scaleOf = edit.constant(`${value}.scale`, float, [], new Float32Array([scale]));
  const zero = edit.constant(`${value}.zero_point`, type, [], new data([zeroPoint]));
  const elementType = half ? T.FLOAT16 : float;
  const wide = cast(edit, value, elementType, float);
  const clipped = bits === 4 ? clip(edit, wide.output, quantization, opset) : { nodes: [], output: wide.output };
  const quantized = edit.fresh(`${value}.quantized`);
  const dequantized = edit.fresh(`${value}.dequantized`);
  const parameters = [scaleOf.name, zero.name];
  const back = cast(edit, dequantized, float, elementType);
  return {
    nodes: [
      ...wide.nodes,
      ...clipped.nodes,
      node("QuantizeLinear", [clipped.output, ...parameters], [quantized], { name: `${value}.quantize`, domain }),
      node("DequantizeLinear", [quantized, ...parameters], [dequantized], { name: `${value}.dequantize`, domain }),
      ...back.nodes,
    ],
    output: back.output,
  };
}

/** First opset whose Clip has its bounds as inputs. */
const opsetOfClipInputs = 11;

/** Saturates to the ends of a grid that is narrower than its element type. */
function clip(edit: GraphEdit, value: string, { scale, zeroPoint, bits }: ActivationQuantization, opset: number) {
  const output = edit.fresh(`${value}.clipped`);
  const bounds = [-zeroPoint * scale, (2 ** bits - 1 - zeroPoint) * scale] as const;
  const names = ["min", "max"] as const;
  const name = `${value}.clip`;
  if (opset < opsetOfClipInputs) {
    const attributes = names.map((bound, i) => attribute.float(bound, bounds[i] as number));
    return { nodes: [node("Clip", [value], [output], { name, attributes })], output };
  }
  const inputs = names.map(
    (bound, i) => edit.constant(`${value}.${bound}`, float, [], Float32Array.of(bounds[i] as number)).name,
  );
  return { nodes: [node("Clip", [value, ...inputs], [output], { name })], output };
}

function declareDomain(model: OnnxModel, domain: string, version: bigint): void {
  const used = model.graph.node.some((n) => n.domain === domain);
  if (!used || model.proto.opsetImport.some((o) => o.domain === domain)) return;
  model.proto.opsetImport.push(create(OperatorSetIdProtoSchema, { domain, version }));
}
