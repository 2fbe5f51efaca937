import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { discoverLayers } from "../../../src/core/model/discover.ts";
import type { Layer } from "../../../src/core/model/layer.ts";
import { withCounts } from "../../../src/core/model/macs.ts";
import { inferShapes } from "../../../src/core/model/shapes.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { inference } from "../../support/ortRun.ts";
import { type TinyModel, tinyModel, weight } from "../../support/tinyModel.ts";

async function counted(spec: TinyModel): Promise<readonly Layer[]> {
  const model = tinyModel(spec);
  const { shapes } = await inferShapes(model, inference);
  return withCounts(await discoverLayers(model), shapes).layers;
}

describe("multiply-accumulates, by hand", () => {
  it.each<[string, Partial<Layer>, TinyModel]>([
    [
      // 8 channels of 16x16, each a sum over 3 channels of 3x3.
      "Conv",
      { macs: 8 * 16 * 16 * 27, inputElements: 3 * 32 * 32, outputElements: 8 * 16 * 16 },
      {
        inputs: { x: [1, 3, 32, 32] },
        outputs: ["y"],
        constants: { w: weight([8, 3, 3, 3]) },
        nodes: [
          node("Conv", ["x", "w"], ["y"], {
            attributes: [attribute.ints("strides", [2, 2]), attribute.ints("pads", [1, 1, 1, 1])],
          }),
        ],
      },
    ],
    [
      "depthwise Conv",
      { macs: 4 * 6 * 6 * 9 },
      {
        inputs: { x: [1, 4, 8, 8] },
        outputs: ["y"],
        constants: { w: weight([4, 1, 3, 3]) },
        nodes: [node("Conv", ["x", "w"], ["y"], { attributes: [attribute.int("group", 4)] })],
      },
    ],
    [
      "Conv in one dimension, two samples",
      { macs: 2 * 5 * 8 * 3 * 3 },
      {
        inputs: { x: [2, 3, 10] },
        outputs: ["y"],
        constants: { w: weight([5, 3, 3]) },
        nodes: [node("Conv", ["x", "w"], ["y"])],
      },
    ],
    [
      // Each of 4x5x5 inputs goes into 6 channels of 2x2.
      "ConvTranspose",
      { macs: 4 * 5 * 5 * 6 * 4, outputElements: 6 * 10 * 10 },
      {
        inputs: { x: [1, 4, 5, 5] },
        outputs: ["y"],
        constants: { w: weight([4, 6, 2, 2]) },
        nodes: [node("ConvTranspose", ["x", "w"], ["y"], { attributes: [attribute.ints("strides", [2, 2])] })],
      },
    ],
    [
      // Each input goes into the 3 channels of its own group alone.
      "grouped ConvTranspose",
      { macs: 4 * 5 * 5 * 3 * 4 },
      {
        inputs: { x: [1, 4, 5, 5] },
        outputs: ["y"],
        constants: { w: weight([4, 3, 2, 2]) },
        nodes: [node("ConvTranspose", ["x", "w"], ["y"], { attributes: [attribute.int("group", 2)] })],
      },
    ],
    [
      "Gemm",
      { macs: 2 * 5 * 3 },
      {
        inputs: { x: [2, 5] },
        outputs: ["y"],
        constants: { w: weight([3, 5]) },
        nodes: [node("Gemm", ["x", "w"], ["y"], { attributes: [attribute.int("transB", 1)] })],
      },
    ],
    [
      "Gemm with the weight on the left",
      { macs: 3 * 2 * 5 },
      {
        inputs: { x: [5, 2] },
        outputs: ["y"],
        constants: { w: weight([3, 5]) },
        nodes: [node("Gemm", ["w", "x"], ["y"])],
      },
    ],
    [
      "MatMul of a sequence",
      { macs: 2 * 7 * 5 * 3, inputElements: 70, outputElements: 42 },
      {
        inputs: { x: [2, 7, 5] },
        outputs: ["y"],
        constants: { w: weight([5, 3]) },
        nodes: [node("MatMul", ["x", "w"], ["y"])],
      },
    ],
    [
      "MatMul with the weight on the left",
      { macs: 2 * 3 * 7 * 5 },
      {
        inputs: { x: [2, 5, 7] },
        outputs: ["y"],
        constants: { w: weight([3, 5]) },
        nodes: [node("MatMul", ["w", "x"], ["y"])],
      },
    ],
    [
      "MatMul with a vector",
      { macs: 4 * 5 },
      {
        inputs: { x: [4, 5] },
        outputs: ["y"],
        constants: { w: weight([5]) },
        nodes: [node("MatMul", ["x", "w"], ["y"])],
      },
    ],
    [
      "Gather, which multiplies nothing",
      { macs: 0, outputElements: 12 },
      {
        inputs: { x: { type: T.INT64, dims: [3] } },
        outputs: ["y"],
        constants: { w: weight([9, 4]) },
        nodes: [node("Gather", ["w", "x"], ["y"])],
      },
    ],
    [
      "Conv with a computed weight",
      { macs: 2 * 3 * 3 * 4, weightShape: [2, 1, 2, 2], params: 0 },
      {
        inputs: { x: [1, 1, 4, 4], k: [2, 1, 2, 2] },
        outputs: ["y"],
        nodes: [node("Conv", ["x", "k"], ["y"])],
      },
    ],
  ])("of %s", async (_, expected, spec) => {
    const layers = await counted(spec);
    expect(layers).toHaveLength(1);
    expect(layers[0]).toMatchObject(expected);
  });

  it("of an LSTM: both weights at every step, for both directions", async () => {
    const layers = await counted({
      inputs: { x: [5, 2, 3] },
      outputs: ["y"],
      constants: { w: weight([2, 16, 3]), r: weight([2, 16, 4]) },
      nodes: [
        node("LSTM", ["x", "w", "r"], ["y"], {
          name: "rnn",
          attributes: [attribute.int("hidden_size", 4), attribute.string("direction", "bidirectional")],
        }),
      ],
    });
    expect(layers.map((l) => [l.name, l.macs])).toEqual([
      ["rnn.W", 5 * 2 * 2 * 16 * 3],
      ["rnn.R", 5 * 2 * 2 * 16 * 4],
    ]);
  });

  it("of a shared weight are those of all its nodes", async () => {
    const [layer] = await counted({
      inputs: { x: [2, 4] },
      outputs: ["y"],
      constants: { w: weight([4, 4]) },
      nodes: [node("MatMul", ["x", "w"], ["a"]), node("MatMul", ["a", "w"], ["y"])],
    });
    expect(layer).toMatchObject({ macs: 2 * 2 * 16, inputElements: 16, outputElements: 16 });
  });

  it("are unknown where a shape is, and where the operator is not counted", async () => {
    const model = tinyModel({
      inputs: { x: [2, 64] },
      outputs: ["y"],
      constants: { w: weight([64, 4]), table: weight([2, 256]), square: weight([260, 2]) },
      nodes: [
        node("MatMul", ["x", "w"], ["a"], { name: "layer" }),
        node("Concat", ["a", "table"], ["c"], { attributes: [attribute.int("axis", 1)] }),
        node("Einsum", ["c", "square"], ["y"], { attributes: [attribute.string("equation", "ij,jk->ik")] }),
      ],
    });
    const discovery = await discoverLayers(model);
    for (const layer of withCounts(discovery, new Map()).layers) expect(layer).not.toHaveProperty("macs");
    const { shapes } = await inferShapes(model, inference);
    const [, concat, einsum] = withCounts(discovery, shapes).layers;
    expect(concat).toMatchObject({ floatReason: "Concat is not quantized", macs: 0 });
    expect(einsum).toMatchObject({ floatReason: "Einsum is not quantized" });
    expect(einsum).not.toHaveProperty("macs");
  });
});
