import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { lowBitValues, quantizedActivations, sharedGrids } from "../../../src/core/model/activations.ts";
import { discoverLayers, quantizableSites } from "../../../src/core/model/discover.ts";
import { inferShapes } from "../../../src/core/model/shapes.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { inference } from "../../support/ortRun.ts";
import { floats, ints, type TinyModel, tinyModel, weight } from "../../support/tinyModel.ts";

async function activationsOf(spec: TinyModel, float: readonly string[] = []) {
  const model = tinyModel(spec);
  const { types } = await inferShapes(model, inference);
  const sites = quantizableSites(await discoverLayers(model)).filter(({ layer }) => !float.includes(layer.name));
  const names = quantizedActivations(model.graph, sites, types);
  return { names, low: [...lowBitValues(model.graph, names)].sort(), shared: sharedGrids(model.graph, new Set(names)) };
}

const image = { x: [1, 4, 8, 8] };
const w = (seed = 1) => weight([4, 4, 1, 1], seed);
const conv = (from: string, by: string, to: string) => node("Conv", [from, by], [to], { name: `conv_${to}` });

describe("values that are quantized", () => {
  it("are what layers read: the result of an activation function, not what it reads; no output of the network", async () => {
    const { names, low } = await activationsOf({
      inputs: image,
      outputs: ["y"],
      constants: { w: w(), v: w(2) },
      nodes: [conv("x", "w", "a"), node("Relu", ["a"], ["r"]), conv("r", "v", "y")],
    });
    expect(names).toEqual(["x", "r"]);
    expect(low).toEqual(["a", "r", "x"]);
  });

  it.each<[string, TinyModel["nodes"], TinyModel["constants"]]>([
    ["Clip", [node("Clip", ["a", "zero", "six"], ["r"])], { zero: floats([0], []), six: floats([6], []) }],
    ["PRelu", [node("PRelu", ["a", "slope"], ["r"])], { slope: floats([0.1], []) }],
    ["x * sigmoid(x)", [node("Sigmoid", ["a"], ["s"]), node("Mul", ["a", "s"], ["r"])], {}],
    [
      "a hard swish in parts",
      [
        node("Add", ["a", "three"], ["p"]),
        node("Clip", ["p", "zero", "six"], ["c"]),
        node("Mul", ["a", "c"], ["m"]),
        node("Div", ["m", "six"], ["r"]),
      ],
      { three: floats([3], []), zero: floats([0], []), six: floats([6], []) },
    ],
    [
      "a GELU in parts",
      [
        node("Div", ["a", "root"], ["d"]),
        node("Erf", ["d"], ["e"]),
        node("Add", ["e", "one"], ["o"]),
        node("Mul", ["a", "o"], ["m"]),
        node("Mul", ["m", "half"], ["r"]),
      ],
      { root: floats([1.4], []), one: floats([1], []), half: floats([0.5], []) },
    ],
  ])("see %s as one function of one value", async (_, nodes, constants) => {
    const { names } = await activationsOf({
      inputs: image,
      outputs: ["y"],
      constants: { w: w(), v: w(2), ...constants },
      nodes: [conv("x", "w", "a"), ...nodes, conv("r", "v", "y")],
    });
    expect(names).toEqual(["x", "r"]);
  });

  it("are both sides of a residual addition, and its result where it is read", async () => {
    const { names } = await activationsOf({
      inputs: image,
      outputs: ["y"],
      constants: { w: w(), v: w(2), p: w(3) },
      nodes: [
        conv("x", "w", "a"),
        node("Relu", ["a"], ["r"]),
        conv("r", "v", "b"),
        node("Add", ["b", "r"], ["s"]),
        node("Relu", ["s"], ["t"]),
        conv("t", "p", "y"),
      ],
    });
    expect(names).toEqual(["x", "r", "b", "t"]);
  });

  it("are both factors of a gate that another branch computes", async () => {
    const { names } = await activationsOf({
      inputs: image,
      outputs: ["y"],
      constants: { w: w(), s: w(2), p: w(3) },
      nodes: [
        conv("x", "w", "a"),
        node("GlobalAveragePool", ["a"], ["g"]),
        conv("g", "s", "e"),
        node("Sigmoid", ["e"], ["h"]),
        node("Mul", ["a", "h"], ["m"]),
        conv("m", "p", "y"),
      ],
    });
    expect(names).toEqual(["x", "a", "g", "h", "m"]);
  });

  it("are not the product before a MatMul's bias", async () => {
    const { names, low } = await activationsOf({
      inputs: { x: [2, 4] },
      outputs: ["y"],
      constants: { w: weight([4, 4]), b: weight([4]), v: weight([4, 4], 2) },
      nodes: [node("MatMul", ["x", "w"], ["m"]), node("Add", ["m", "b"], ["a"]), node("MatMul", ["a", "v"], ["y"])],
    });
    expect(names).toEqual(["x", "a"]);
    expect(low).toEqual(["a", "m", "x"]);
  });

  it("are not what a Softmax reads or makes, nor the scores of attention", async () => {
    const { names } = await activationsOf({
      inputs: { x: [2, 3, 4] },
      outputs: ["p"],
      constants: { q: weight([4, 4]), k: weight([4, 4], 2), o: weight([4, 4], 3) },
      nodes: [
        node("MatMul", ["x", "q"], ["a"]),
        node("MatMul", ["x", "k"], ["b"]),
        node("Transpose", ["b"], ["t"], { attributes: [attribute.ints("perm", [0, 2, 1])] }),
        node("MatMul", ["a", "t"], ["scores"]),
        node("Softmax", ["scores"], ["s"]),
        node("MatMul", ["s", "x"], ["c"]),
        node("MatMul", ["c", "o"], ["logits"]),
        node("Softmax", ["logits"], ["p"]),
      ],
    });
    expect(names).toEqual(["x", "c"]);
  });

  it("are not the inside of a layer normalization, nor an addition that one side of comes out of it", async () => {
    const lastAxis = { attributes: [attribute.ints("axes", [-1])] };
    const { names } = await activationsOf({
      inputs: { x: [2, 4] },
      outputs: ["y"],
      constants: { w: weight([4, 4]), v: weight([4, 4], 2), e: floats([1e-5], []) },
      nodes: [
        node("MatMul", ["x", "w"], ["a"]),
        node("ReduceMean", ["a"], ["mean"], lastAxis),
        node("Sub", ["a", "mean"], ["d"]),
        node("Mul", ["d", "d"], ["q"]),
        node("ReduceMean", ["q"], ["var"], lastAxis),
        node("Add", ["var", "e"], ["f"]),
        node("Sqrt", ["f"], ["sd"]),
        node("Div", ["d", "sd"], ["n"]),
        node("MatMul", ["n", "v"], ["b"]),
        node("Add", ["b", "n"], ["y"]),
      ],
    });
    expect(names).toEqual(["x", "n"]);
  });

  it("are what poolings and concatenations between layers read, each with a grid of its own", async () => {
    const { names, shared } = await activationsOf({
      inputs: image,
      outputs: ["y"],
      constants: { w: w(), v: w(2), p: weight([4, 8, 1, 1], 3) },
      nodes: [
        conv("x", "w", "a"),
        conv("x", "v", "b"),
        node("Concat", ["a", "b"], ["k"], { attributes: [attribute.int("axis", 1)] }),
        node("AveragePool", ["k"], ["g"], { attributes: [attribute.ints("kernel_shape", [2, 2])] }),
        conv("g", "p", "y"),
      ],
    });
    expect(names).toEqual(["x", "a", "b", "k", "g"]);
    expect([...shared]).toEqual([]);
  });

  it("share the grid of the value that they are picked out of", async () => {
    const { names, shared } = await activationsOf({
      inputs: image,
      outputs: ["y"],
      constants: { w: w(), f: weight([64, 5], 2), s: ints([1, 64]) },
      nodes: [
        conv("x", "w", "a"),
        node("MaxPool", ["a"], ["m"], {
          attributes: [attribute.ints("kernel_shape", [2, 2]), attribute.ints("strides", [2, 2])],
        }),
        node("Reshape", ["m", "s"], ["r"]),
        node("MatMul", ["r", "f"], ["y"]),
      ],
    });
    expect(names).toEqual(["x", "a", "r"]);
    expect([...shared]).toEqual([["r", "a"]]);
  });

  it("are a mean over an image, which is a pooling, as attribute and as input", async () => {
    const net = (opset: number): TinyModel => ({
      opset,
      inputs: image,
      outputs: ["y"],
      constants: { w: w(), f: weight([4, 5], 2), ...(opset >= 18 && { axes: ints([2, 3]) }) },
      nodes: [
        conv("x", "w", "a"),
        node("ReduceMean", opset >= 18 ? ["a", "axes"] : ["a"], ["m"], {
          attributes: [attribute.int("keepdims", 0), ...(opset < 18 ? [attribute.ints("axes", [2, 3])] : [])],
        }),
        node("Gemm", ["m", "f"], ["y"]),
      ],
    });
    expect((await activationsOf(net(13))).names).toEqual(["x", "a", "m"]);
    expect((await activationsOf(net(18))).names).toEqual(["x", "a", "m"]);
  });

  it("are only those that layers not kept in float read", async () => {
    const spec = {
      inputs: image,
      outputs: ["y"],
      constants: { w: w(), v: w(2), p: w(3) },
      nodes: [conv("x", "w", "a"), conv("a", "v", "b"), node("Add", ["b", "a"], ["s"]), conv("s", "p", "y")],
    };
    expect((await activationsOf(spec)).names).toEqual(["x", "a", "b", "s"]);
    expect((await activationsOf(spec, ["conv_b"])).names).toEqual(["x", "s"]);
    expect((await activationsOf(spec, ["conv_a", "conv_b", "conv_y"])).names).toEqual([]);
  });

  it("are no constants, no integers, and nothing that is quantized already", async () => {
    const { names } = await activationsOf({
      inputs: { x: { type: T.UINT8, dims: [1, 4, 8, 8] } },
      outputs: ["y"],
      constants: { w: w(), k: weight([1, 4, 8, 8], 2), s: floats([1], []) },
      nodes: [
        node("DequantizeLinear", ["x", "s"], ["d"]),
        conv("d", "w", "a"),
        node("Add", ["a", "k"], ["b"]),
        node("Concat", ["b", "k"], ["y"], { attributes: [attribute.int("axis", 1)] }),
      ],
    });
    expect(names).toEqual(["b"]);
  });
});
