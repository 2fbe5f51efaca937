import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { opsetOf } from "../../../src/core/onnx/graph.ts";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { insertActivations, tiedActivations } from "../../../src/core/qdq/activations.ts";
import type { ActivationQuantization } from "../../../src/core/qdq/types.ts";
import { distance, float32, noisy, numbers, run } from "../../support/ortRun.ts";
import { quantizeTiny } from "../../support/quantizeTiny.ts";
import { type TinyModel, tinyGraph, tinyModel, tinyStore, weight } from "../../support/tinyModel.ts";

const eight = (scale: number, zeroPoint = 0): ActivationQuantization => ({ scale, zeroPoint, bits: 8 });

const relu = (spec: Partial<TinyModel> = {}) =>
  tinyModel({ inputs: { x: [1, 6] }, outputs: ["y"], nodes: [node("Relu", ["x"], ["y"])], ...spec });

const readsOf = ({ graph }: OnnxModel) => graph.node.map((n) => `${n.opType}(${n.input[0]})`);

describe("a quantized activation", () => {
  const x = float32([1, 6], Float32Array.of(-3, -0.26, 0.24, 0.26, 7.4, 100));

  it.each<[number, ActivationQuantization, readonly number[]]>([
    [13, { scale: 0.5, zeroPoint: 2, bits: 8 }, [-1, -0.5, 0, 0.5, 7.5, 100]],
    [10, { scale: 0.5, zeroPoint: 2, bits: 8 }, [-1, -0.5, 0, 0.5, 7.5, 100]],
    [13, { scale: 0.5, zeroPoint: 2, bits: 4 }, [-1, -0.5, 0, 0.5, 6.5, 6.5]],
    [10, { scale: 0.5, zeroPoint: 2, bits: 4 }, [-1, -0.5, 0, 0.5, 6.5, 6.5]],
    [13, { scale: 0.001, zeroPoint: 3000, bits: 16 }, [-3, -0.26, 0.24, 0.26, 7.4, 62.535]],
    [21, { scale: 0.001, zeroPoint: 3000, bits: 16 }, [-3, -0.26, 0.24, 0.26, 7.4, 62.535]],
  ])("is rounded and saturated in opset %i by %o", async (opset, quantization, expected) => {
    const model = relu({ opset, nodes: [node("Identity", ["x"], ["y"])] });
    insertActivations(model, new Map([["x", quantization]]));
    for (const optimization of ["disabled", "all"] as const) {
      const { y } = await run(model, { x }, { optimization });
      for (const [i, value] of numbers(y).entries()) expect(value).toBeCloseTo(expected[i] as number, 5);
    }
  });

  it("goes to every node that reads it, and to no output of the network", async () => {
    const model = relu({
      outputs: ["a", "y", "z"],
      nodes: [node("Relu", ["x"], ["a"]), node("Neg", ["a"], ["y"]), node("Abs", ["a"], ["z"])],
    });
    insertActivations(model, new Map([["a", eight(0.5)]]));
    expect(readsOf(model)).toEqual([
      "Relu(x)",
      "QuantizeLinear(a)",
      "DequantizeLinear(a.quantized)",
      "Neg(a.dequantized)",
      "Abs(a.dequantized)",
    ]);
    const { a, z } = await run(model, { x: float32([1, 6], new Float32Array(6).fill(0.3)) });
    expect(numbers(a)[0]).toBeCloseTo(0.3);
    expect(numbers(z)[0]).toBeCloseTo(0.5);
  });

  it("stays in float for the bodies of control flow that read it", async () => {
    const store = tinyStore();
    const branch = (name: string, op: string) =>
      tinyGraph(name, { outputs: [`${name}.out`], nodes: [node(op, ["a"], [`${name}.out`])] }, store);
    const model = tinyModel(
      {
        inputs: { x: [1, 6], c: { type: T.BOOL, dims: [] } },
        outputs: ["y"],
        constants: { w: weight([6, 6]) },
        nodes: [
          node("Relu", ["x"], ["a"]),
          node("If", ["c"], ["b"], {
            attributes: [
              attribute.graph("then_branch", branch("t", "Neg")),
              attribute.graph("else_branch", branch("e", "Abs")),
            ],
          }),
          node("MatMul", ["a", "w"], ["m"]),
          node("Add", ["m", "b"], ["y"]),
        ],
      },
      store,
    );
    const feeds = { x: noisy([1, 6]), c: { type: "bool", dims: [], data: Uint8Array.of(1) } } as const;
    const { written, simulate } = await quantizeTiny(model, feeds, 8, 8);
    expect(readsOf(written.model)).toContain("MatMul(a.dequantized)");
    const [expected, actual] = [await simulate(), await run(written.model, feeds)];
    expect(distance(actual.y, expected.y)).toBeLessThan(0.01);
  });

  it("is quantized right behind the input it is", () => {
    const model = relu();
    insertActivations(model, new Map([["x", eight(0.5)]]));
    expect(readsOf(model)).toEqual(["QuantizeLinear(x)", "DequantizeLinear(x.quantized)", "Relu(x.dequantized)"]);
  });

  it("of half precision is cast there and back, so that its scale may be smaller than half precision has any", async () => {
    const model = tinyModel({
      inputs: { x: { type: T.FLOAT16, dims: [1, 2] } },
      outputs: { y: { type: T.FLOAT16, dims: [1, 2] } },
      nodes: [node("Identity", ["x"], ["y"])],
    });
    insertActivations(model, new Map([["x", eight(1e-9)]]), new Set(["x"]));
    expect(readsOf(model)[0]).toBe("Cast(x)");
    // 2^-24 and 2^-23, the smallest numbers of half precision, are 60 and 119 steps; as a half, the scale would be 0.
    const x = { type: "float16", dims: [1, 2], data: Uint16Array.of(1, 2) } as const;
    expect(numbers((await run(model, { x })).y)).toEqual([2 ** -24, 2 ** -23]);
  });

  it("that the graph does not have is passed over", () => {
    const model = relu();
    insertActivations(model, new Map([["nowhere", eight(0.5)]]));
    expect(readsOf(model)).toEqual(["Relu(x)"]);
  });
});

describe("grids", () => {
  it("of a pooled maximum are those of what it is picked from, so that nothing is rounded twice", async () => {
    const model = tinyModel({
      inputs: { x: [1, 4, 8, 8] },
      outputs: ["y"],
      constants: { w: weight([4, 4, 1, 1]), v: weight([4, 4, 1, 1], 2) },
      nodes: [
        node("Conv", ["x", "w"], ["a"]),
        node("MaxPool", ["a"], ["m"], {
          attributes: [attribute.ints("kernel_shape", [2, 2]), attribute.ints("strides", [2, 2])],
        }),
        node("Conv", ["m", "v"], ["y"]),
      ],
    });
    const tied = tiedActivations(
      model,
      new Map([
        ["a", eight(0.1, 9)],
        ["m", eight(0.07, 3)],
      ]),
    );
    expect(tied.get("m")).toEqual(eight(0.1, 9));
  });

  it("of other bits are not shared", () => {
    const model = relu({ nodes: [node("Identity", ["x"], ["a"]), node("Relu", ["a"], ["y"])] });
    const sixteen = { scale: 0.01, zeroPoint: 1, bits: 16 } as const;
    expect(
      tiedActivations(
        model,
        new Map([
          ["x", eight(0.1)],
          ["a", sixteen],
        ]),
      ).get("a"),
    ).toEqual(sixteen);
  });
});

describe("the opset of a model with quantized activations", () => {
  const conv = (opset: number, extra: TinyModel["nodes"] = []): TinyModel => ({
    opset,
    ir: 4,
    inputs: { x: [1, 4, 6, 6] },
    outputs: ["y"],
    constants: { w: weight([5, 4, 3, 3], 1, 0.4), b: weight([5], 2) },
    nodes: [node("Conv", ["x", "w", "b"], [extra.length > 0 ? "c" : "y"]), ...extra],
  });
  const feeds = { x: noisy([1, 4, 6, 6]) };

  it("is raised to 13, with a note", async () => {
    const { written } = await quantizeTiny(tinyModel(conv(9)), feeds, 8, 8);
    expect(opsetOf(written.model.proto, "")).toBe(13);
    expect(written.notes).toEqual(["Opset raised from 9 to 13, for quantized activations"]);
  });

  it("stays where an operator has no newer form; layers are then kept in float kernels, with a note", async () => {
    const spec = conv(9, [
      node("ScaledTanh", ["c"], ["y"], { attributes: [attribute.float("alpha", 1), attribute.float("beta", 1)] }),
    ]);
    const { written, simulate } = await quantizeTiny(tinyModel(spec), feeds, 8, 8);
    expect(opsetOf(written.model.proto, "")).toBe(9);
    expect(written.notes).toEqual([expect.stringMatching(/need opset 13, which ScaledTanh cannot be raised to/)]);
    expect(written.model.graph.node.map((n) => n.opType)).toContain("Reshape");
    expect(distance((await run(written.model, feeds)).y, (await simulate()).y)).toBeLessThan(1e-5);
  });
});
