import { type NodeProto, TensorProto_DataType } from "onnx-buf";
import { attribute, node as makeNode, valueInfo } from "../onnx/build.ts";
import { copyModel, type OnnxModel } from "../onnx/model.ts";
import { outputChannels, takesBias } from "./bias.ts";
import type { LayerSite } from "./discover.ts";

/** Names of the graph inputs that carry a layer's weight and bias. */
export interface LayerInputs {
  /** float32, shape layer.weightShape. */
  readonly weight: string;
  /** float32, [output channels]; undefined where the layer takes none. */
  readonly bias?: string;
}

/**
 * A copy of the model in which the layers' weights (and biases) are graph inputs, so that one session runs any mix of
 * bits: initializers cannot be fed from JavaScript.
 * The copy's graph.node has the original nodes in the original order, with Cast and Add nodes put in between: `indexOf`
 * maps an original node index to the copy's.
 */
export function withWeightInputs(
  model: OnnxModel,
  sites: readonly LayerSite[],
): {
  readonly model: OnnxModel;
  readonly inputs: ReadonlyMap<string, LayerInputs>;
  readonly indexOf: (index: number) => number;
} {
  const copy = copyModel(model);
  const { graph } = copy;
  const originals = [...graph.node];
  const inputs = new Map<string, LayerInputs>();
  const before = new Map<NodeProto, NodeProto[]>();
  const after = new Map<NodeProto, NodeProto[]>();
  for (const [i, site] of sites.entries()) {
    const weight = `sigmaquant.weight.${i}`;
    const bias = takesBias(site) ? `sigmaquant.bias.${i}` : undefined;
    graph.input.push(valueInfo(weight, TensorProto_DataType.FLOAT, site.layer.weightShape));
    if (bias) graph.input.push(valueInfo(bias, TensorProto_DataType.FLOAT, [outputChannels(site)]));
    inputs.set(site.layer.name, { weight, ...(bias && { bias }) });
    const elementType = weightElementType(site);
    const cast = castNode(weight, elementType);
    for (const [u, use] of site.uses.entries()) {
      const node = originals[use.index] as NodeProto;
      if (u === 0 && cast) before.set(node, [...(before.get(node) ?? []), cast]);
      node.input[use.slot] = cast?.output[0] ?? weight;
      if (bias === undefined) continue;
      const biasCast = castNode(bias, elementType);
      if (biasCast) before.set(node, [...(before.get(node) ?? []), biasCast]);
      const value = biasCast?.output[0] ?? bias;
      if (node.opType === "MatMul") after.set(node, [addBehind(node, value)]);
      else node.input[2] = value;
    }
  }
  graph.node = originals.flatMap((node) => [...(before.get(node) ?? []), node, ...(after.get(node) ?? [])]);
  const positions = new Map(graph.node.map((node, index) => [node, index]));
  return {
    model: copy,
    inputs,
    indexOf: (index) => {
      const node = originals[index] as NodeProto;
      return (positions.get(node) ?? 0) - (before.get(node)?.length ?? 0);
    },
  };
}

/** Element type of the weight at the operator: float16, bfloat16 and double models compute in their own type. */
export function weightElementType(site: LayerSite): number {
  const dequantize = site.chain.steps.find((step) => step.node.opType === "DequantizeLinear");
  return dequantize?.scale?.dataType ?? site.chain.tensor.dataType;
}

function castNode(name: string, elementType: number): NodeProto | undefined {
  if (elementType === TensorProto_DataType.FLOAT) return undefined;
  return makeNode("Cast", [name], [`${name}.cast`], { attributes: [attribute.int("to", elementType)] });
}

/** Renames a node's output and adds a value to it under the old name. */
function addBehind(node: NodeProto, value: string): NodeProto {
  const output = node.output[0] as string;
  const inner = `${output}.sigmaquant.product`;
  node.output[0] = inner;
  return makeNode("Add", [inner, value], [output]);
}
