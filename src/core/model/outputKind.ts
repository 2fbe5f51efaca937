import type { NodeProto } from "onnx-buf";
import type { OnnxModel } from "../onnx/model.ts";
import type { OutputKind } from "../sensitivity/outputs.ts";
import type { Shapes } from "./macs.ts";

/** Operators that end a classifier's head with raw scores; what else has rank 2 may be a regression. */
const scoreOps = new Set(["Gemm", "MatMul", "Add", "Flatten", "Reshape", "Squeeze", "Identity", "Cast", "ReduceMean"]);

/**
 * How the network's first output is read. "probabilities" when it ends in Softmax; "logits" when it is the only output, a matrix
 * of at least two columns made by a linear operator; "values" otherwise.
 */
export function outputKindOf(model: OnnxModel, shapes: Shapes): OutputKind {
  const [first, second] = model.graph.output;
  const name = first?.name ?? "";
  const producer = producerBehindCasts(model, name);
  if (producer?.opType === "Softmax") return "probabilities";
  const shape = shapes.get(name);
  const isMatrix = shape !== undefined && shape.length === 2 && (shape[1] ?? 0) >= 2;
  return isMatrix && second === undefined && scoreOps.has(producer?.opType ?? "") ? "logits" : "values";
}

function producerBehindCasts(model: OnnxModel, name: string): NodeProto | undefined {
  const producers = new Map(model.graph.node.flatMap((node) => node.output.map((output) => [output, node] as const)));
  let node = producers.get(name);
  for (
    let steps = 0;
    steps < 4 && node !== undefined && (node.opType === "Cast" || node.opType === "Identity");
    steps++
  ) {
    node = producers.get(node.input[0] ?? "");
  }
  return node;
}
