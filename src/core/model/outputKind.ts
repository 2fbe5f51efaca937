import type { NodeProto } from "onnx-buf";
import { intAttribute } from "../onnx/build.ts";
import { opsetOf } from "../onnx/graph.ts";
import type { OnnxModel } from "../onnx/model.ts";
import type { OutputKind } from "../sensitivity/outputs.ts";
import type { Shapes } from "./macs.ts";

/** Operators that end a classifier's head with raw scores; what else has rank 2 may be a regression. */
const scoreOps = new Set([
  "Gemm",
  "MatMul",
  "Add",
  "Flatten",
  "Reshape",
  "Squeeze",
  "ReduceMean",
  "LogSoftmax",
  "GlobalAveragePool",
]);

/** Operators that leave scores as they are. */
const transparentOps = new Set(["Cast", "Identity", "QuantizeLinear", "DequantizeLinear"]);

/** Of these a network has one or two before its output; our choice, enough for Softmax -> Cast -> Q -> DQ -> Identity. */
const maxTransparent = 6;

/**
 * How the network's first output is read. "probabilities" when it ends in Softmax over the last axis; "logits" when it is the
 * only output, a matrix of at least two columns made by a linear operator; "values" otherwise.
 */
export function outputKindOf(model: OnnxModel, shapes: Shapes): OutputKind {
  const [first, second] = model.graph.output;
  const name = first?.name ?? "";
  const producer = producerOf(model, name);
  const shape = shapes.get(name);
  if (producer?.opType === "Softmax") return isOverLastAxis(model, producer, shape) ? "probabilities" : "values";
  const isMatrix = shape !== undefined && shape.length === 2 && (shape[1] ?? 0) >= 2;
  return isMatrix && second === undefined && scoreOps.has(producer?.opType ?? "") ? "logits" : "values";
}

/** First opset whose Softmax works on one axis, the last by default; before, on all axes from the first on. */
const opsetOfOneAxis = 13;

function isOverLastAxis(model: OnnxModel, softmax: NodeProto, shape: readonly number[] | undefined): boolean {
  const axis = intAttribute(softmax, "axis", opsetOf(model.proto, "") >= opsetOfOneAxis ? -1 : 1);
  return axis === -1 || (shape !== undefined && axis === shape.length - 1);
}

function producerOf(model: OnnxModel, name: string): NodeProto | undefined {
  const producers = new Map(model.graph.node.flatMap((node) => node.output.map((output) => [output, node] as const)));
  let node = producers.get(name);
  for (let steps = 0; steps < maxTransparent && node !== undefined && transparentOps.has(node.opType); steps++) {
    node = producers.get(node.input[0] ?? "");
  }
  return node;
}
