import type { NodeProto } from "onnx-buf";
import { intAttribute } from "../onnx/build.ts";
import { bodyKey } from "./bodyShapes.ts";
import type { Discovery, WeightUse } from "./discover.ts";
import type { Layer } from "./layer.ts";
import { summedLength } from "./operators.ts";
import { product } from "./weightChain.ts";

/** Shapes by value name, where known; those of bodies' values by bodyKey. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** Operators that move, choose or combine single values: they may have constants that are worth a row, but sum up no products. */
const withoutMacs: ReadonlySet<string> = new Set([
  "Gather",
  "GatherBlockQuantized",
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Pow",
  "Min",
  "Max",
  "Where",
  "Concat",
  "Expand",
  "Slice",
  "Tile",
]);

/**
 * Multiply-accumulates of one node, from the shapes of its activation input and its output; undefined for operators that
 * are not counted here.
 *   Conv           |output| * C_in/groups * k1 * k2 ...
 *   ConvTranspose  |input| * C_out/groups * k1 * k2 ...
 *   Gemm, MatMul   |output| * K, K the length that is summed over
 *   LSTM, GRU, RNN steps * batch * elements of W (or of R)
 * @param weight the weight's shape as the operator sees it
 */
export function nodeMacs(
  node: NodeProto,
  slot: number,
  weight: readonly number[],
  input: readonly number[],
  output: readonly number[],
): number | undefined {
  switch (node.opType) {
    case "Conv":
    case "ConvInteger":
    case "QLinearConv":
      return product(output) * product(weight.slice(1));
    case "ConvTranspose":
      return product(input) * product(weight.slice(1));
    case "Gemm":
    case "MatMul":
      return product(output) * summedLength(node, slot, weight);
    case "MatMulInteger":
    case "QLinearMatMul":
      return product(output) * summedLength(node, slot === 0 ? 0 : 1, weight);
    case "MatMulNBits":
      return product(output) * intAttribute(node, "K", 0);
    case "LSTM":
    case "GRU":
    case "RNN":
      // [steps, batch, features], or [batch, steps, features] with layout 1.
      return product(input.slice(0, 2)) * product(weight);
    default:
      return withoutMacs.has(node.opType) ? 0 : undefined;
  }
}

/** The discovery with MACs and activation sizes of every layer, once shapes are known. */
export function withCounts(discovery: Discovery, shapes: Shapes): Discovery {
  const layers = discovery.layers.map((layer) => counted(layer, discovery.uses.get(layer.name) ?? [], shapes));
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const sites = new Map(
    [...discovery.sites].map(([name, site]) => [name, { ...site, layer: byName.get(name) ?? site.layer }]),
  );
  return { ...discovery, layers, sites };
}

function counted(layer: Layer, uses: readonly WeightUse[], shapes: Shapes): Layer {
  // A weight that is computed at run time has its shape from inference, like any other value.
  const isStored = layer.weightShape.length > 0;
  const known = isStored ? layer.weightShape : shapes.get(layer.weightTensor);
  let macs: number | undefined = 0;
  let inputElements: number | undefined = 0;
  let outputElements: number | undefined = 0;
  for (const { node, slot, path, shape = known } of uses) {
    // Bodies count once, however often they run: what is known of a loop's rounds is known when it runs.
    const body = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    const shapeOf = (name: string) => (body === "" ? undefined : shapes.get(bodyKey(body, name))) ?? shapes.get(name);
    const input = shapeOf(node.input[slot === 0 ? 1 : 0] ?? "");
    const output = shapeOf(node.output.find((name) => name !== "") ?? "");
    macs = sum(macs, shape && input && output && nodeMacs(node, slot, shape, input, output));
    inputElements = sum(inputElements, input && product(input));
    outputElements = sum(outputElements, output && product(output));
  }
  return {
    ...layer,
    ...(known && { weightShape: known }),
    ...(macs !== undefined && { macs }),
    ...(inputElements !== undefined && { inputElements }),
    ...(outputElements !== undefined && { outputElements }),
  };
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}
