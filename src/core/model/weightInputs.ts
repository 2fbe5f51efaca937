import { type NodeProto, TensorProto_DataType } from "onnx-buf";
import { attribute, node as makeNode, valueInfo } from "../onnx/build.ts";
import { freshNames } from "../onnx/graph.ts";
import { copyModel, type OnnxModel } from "../onnx/model.ts";
import { outputChannels, takesBias } from "./bias.ts";
import { entryOf, type LayerSite } from "./discover.ts";
import { firstIn, nodePaths } from "./paths.ts";

/** Names of the graph inputs that carry a layer's weight and bias. */
export interface LayerInputs {
  /** float32, shape chain.shape. */
  readonly weight: string;
  /** float32, [output channels]; undefined where the layer takes none. */
  readonly bias?: string;
}

/**
 * A copy of the model in which the layers' weights (and biases) are graph inputs, so that one session runs any mix of
 * bits: initializers cannot be fed from JavaScript. Its nodes are the original ones in their order, with Cast and Add nodes
 * put in between.
 */
export function withWeightInputs(
  model: OnnxModel,
  sites: readonly LayerSite[],
): {
  readonly model: OnnxModel;
  readonly inputs: ReadonlyMap<string, LayerInputs>;
  /** The copies of the original nodes, in the original order. */
  readonly nodes: readonly NodeProto[];
} {
  const copy = copyModel(model);
  const { graph } = copy;
  const originals = [...graph.node];
  const paths = nodePaths(graph);
  const fresh = freshNames(graph);
  const inputs = new Map<string, LayerInputs>();
  const before = new Map<NodeProto, NodeProto[]>();
  const after = new Map<NodeProto, NodeProto[]>();
  const at = (path: string) => paths.nodes.get(path)?.node as NodeProto;
  /** The value in the layer's own type, cast in front of a node of the main graph. */
  const typed = (name: string, elementType: number, place: NodeProto): string => {
    if (elementType === TensorProto_DataType.FLOAT) return name;
    const cast = castNode(name, elementType);
    before.set(place, [...(before.get(place) ?? []), cast]);
    return cast.output[0] as string;
  };
  for (const [i, site] of sites.entries()) {
    const { elementType, shape } = site.chain;
    const weight = fresh(`sigmaquant.weight.${i}`);
    graph.input.push(valueInfo(weight, TensorProto_DataType.FLOAT, shape));
    const [use] = site.uses;
    if (use === undefined) continue;
    const first = firstIn(
      "",
      site.uses.map((each) => entryOf(each).path),
    );
    // Bodies take it from the main graph, as they take any value from outside.
    const value = typed(weight, elementType, at(first));
    for (const { path, slot } of site.uses.map(entryOf)) at(path).input[slot] = value;
    if (!takesBias(site)) {
      inputs.set(site.layer.name, { weight });
      continue;
    }
    const bias = fresh(`sigmaquant.bias.${i}`);
    graph.input.push(valueInfo(bias, TensorProto_DataType.FLOAT, [outputChannels(site)]));
    inputs.set(site.layer.name, { weight, bias });
    const { biasAdd } = use;
    const reader = biasAdd ? (originals[biasAdd.index] as NodeProto) : at(use.path);
    const addend = typed(bias, elementType, reader);
    if (biasAdd) reader.input[biasAdd.slot] = addend;
    else if (reader.opType === "MatMul") after.set(reader, [addBehind(reader, addend, fresh)]);
    else reader.input[2] = addend;
  }
  graph.node = originals.flatMap((node) => [...(before.get(node) ?? []), node, ...(after.get(node) ?? [])]);
  return { model: copy, inputs, nodes: originals };
}

function castNode(name: string, elementType: number): NodeProto {
  return makeNode("Cast", [name], [`${name}.cast`], { attributes: [attribute.int("to", elementType)] });
}

/** Renames a node's output and adds a value to it under the old name. */
function addBehind(node: NodeProto, value: string, fresh: (wanted: string) => string): NodeProto {
  const output = node.output[0] as string;
  const inner = fresh(`${output}.product`);
  node.output[0] = inner;
  return makeNode("Add", [inner, value], [output]);
}
