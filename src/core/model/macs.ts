import type { NodeProto } from "onnx-buf";
import type { Discovery, LayerSite } from "./discover.ts";
import type { Layer } from "./layer.ts";
import { product } from "./weightChain.ts";

/** Shapes by value name, where known. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/**
 * Multiply-accumulates of one node, from the shapes of its activation input and its output; undefined for other
 * operators.
 *   Conv           |output| * C_in/groups * k1 * k2 ...
 *   ConvTranspose  |input| * C_out/groups * k1 * k2 ...
 *   Gemm, MatMul   |output| * K, K the length that is summed over
 * @param weight the weight's shape as the operator sees it
 */
export function nodeMacs(
  node: NodeProto,
  weight: readonly number[],
  slot: number,
  channelAxis: number,
  input: readonly number[],
  output: readonly number[],
): number | undefined {
  switch (node.opType) {
    case "Conv":
      return product(output) * product(weight.slice(1));
    case "ConvTranspose":
      return product(input) * product(weight.slice(1));
    case "Gemm":
      return product(output) * (weight[1 - channelAxis] ?? 1);
    case "MatMul":
      return product(output) * (weight[slot === 1 ? weight.length - 2 : weight.length - 1] ?? 1);
    default:
      return undefined;
  }
}

/** The discovery with MACs and activation sizes of every layer, once shapes are known. */
export function withCounts(discovery: Discovery, shapes: Shapes): Discovery {
  const sites = new Map([...discovery.sites].map(([name, site]) => [name, { ...site, layer: counted(site, shapes) }]));
  return { ...discovery, layers: [...sites.values()].map((site) => site.layer), sites };
}

function counted({ layer, uses }: LayerSite, shapes: Shapes): Layer {
  let macs: number | undefined = 0;
  let inputElements: number | undefined = 0;
  let outputElements: number | undefined = 0;
  for (const { node, slot } of uses) {
    const activation = node.input[slot === 0 ? 1 : 0] ?? "";
    const input = shapes.get(activation);
    const output = shapes.get(node.output[0] ?? "");
    macs = sum(macs, input && output && nodeMacs(node, layer.weightShape, slot, layer.channelAxis, input, output));
    inputElements = sum(inputElements, input && product(input));
    outputElements = sum(outputElements, output && product(output));
  }
  return {
    ...layer,
    ...(macs !== undefined && { macs }),
    ...(inputElements !== undefined && { inputElements }),
    ...(outputElements !== undefined && { outputElements }),
  };
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}
