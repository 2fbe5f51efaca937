import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { outputKindOf } from "../../../src/core/model/outputKind.ts";
import { inferShapes } from "../../../src/core/model/shapes.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { inference } from "../../support/ortRun.ts";
import { floats, type TinyModel, tinyModel, weight } from "../../support/tinyModel.ts";

const axis = (value: number) => ({ attributes: [attribute.int("axis", value)] });

describe("how a network's first output is read", () => {
  it.each<[string, string, Partial<TinyModel> & Pick<TinyModel, "nodes">]>([
    ["a matrix of a Gemm", "logits", { nodes: [node("Gemm", ["x", "w"], ["y"])] }],
    ["a matrix with a bias", "logits", { nodes: [node("MatMul", ["x", "w"], ["m"]), node("Add", ["m", "b"], ["y"])] }],
    ["log-probabilities", "logits", { nodes: [node("Gemm", ["x", "w"], ["m"]), node("LogSoftmax", ["m"], ["y"])] }],
    ["Softmax", "probabilities", { nodes: [node("Gemm", ["x", "w"], ["m"]), node("Softmax", ["m"], ["y"])] }],
    [
      "Softmax behind Identity",
      "probabilities",
      { nodes: [node("Gemm", ["x", "w"], ["m"]), node("Softmax", ["m"], ["s"]), node("Identity", ["s"], ["y"])] },
    ],
    [
      "Softmax of opset 11, over the flattened rest",
      "probabilities",
      { opset: 11, nodes: [node("Gemm", ["x", "w"], ["m"]), node("Softmax", ["m"], ["y"])] },
    ],
    [
      "Softmax over another axis than the last",
      "values",
      { nodes: [node("Gemm", ["x", "w"], ["m"]), node("Softmax", ["m"], ["y"], axis(0))] },
    ],
    [
      "scores that were quantized and dequantized",
      "logits",
      {
        nodes: [
          node("Gemm", ["x", "w"], ["m"]),
          node("QuantizeLinear", ["m", "s"], ["q"]),
          node("DequantizeLinear", ["q", "s"], ["y"]),
        ],
      },
    ],
    [
      "independent scores of a Sigmoid",
      "values",
      { nodes: [node("Gemm", ["x", "w"], ["m"]), node("Sigmoid", ["m"], ["y"])] },
    ],
    ["a single column", "values", { nodes: [node("Gemm", ["x", "v"], ["y"])] }],
    [
      "one matrix among several outputs",
      "values",
      { outputs: ["y", "z"], nodes: [node("Gemm", ["x", "w"], ["y"]), node("Relu", ["x"], ["z"])] },
    ],
    ["three dimensions", "values", { inputs: { x: [2, 3, 4] }, nodes: [node("MatMul", ["x", "w"], ["y"])] }],
    [
      "indices",
      "values",
      {
        outputs: { y: { type: T.INT64, dims: [2, 1] } },
        nodes: [node("Gemm", ["x", "w"], ["m"]), node("ArgMax", ["m"], ["y"], axis(1))],
      },
    ],
  ])("%s: %s", async (_, expected, spec) => {
    const model = tinyModel({
      inputs: { x: [2, 4] },
      outputs: ["y"],
      constants: { w: weight([4, 3]), v: weight([4, 1]), b: weight([3]), s: floats([0.1], []) },
      ...spec,
    });
    const { shapes } = await inferShapes(model, inference);
    expect(outputKindOf(model, shapes)).toBe(expected);
  });
});
