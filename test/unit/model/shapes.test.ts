import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { inferShapes } from "../../../src/core/model/shapes.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { TensorStore } from "../../../src/core/onnx/tensors.ts";
import type { Inference } from "../../../src/core/ports.ts";
import { inference } from "../../support/ortRun.ts";
import { constant, type TinyModel, tinyGraph, tinyModel, tinyStore, weight } from "../../support/tinyModel.ts";

async function shapesOf(model: OnnxModel, dims: Readonly<Record<string, number>> = {}) {
  const { shapes, ...rest } = await inferShapes(model, inference, dims);
  return { shapes: Object.fromEntries(shapes), ...rest };
}

/** x -> Conv -> GlobalAveragePool -> Flatten -> Gemm, with the given dimensions of x. */
const classifier = (dims: readonly (number | string | null)[]): TinyModel => ({
  inputs: { x: dims },
  outputs: ["y"],
  constants: { w: weight([8, 3, 3, 3]), f: weight([8, 10]) },
  nodes: [
    node("Conv", ["x", "w"], ["a"], {
      attributes: [attribute.ints("strides", [2, 2]), attribute.ints("pads", [1, 1, 1, 1])],
    }),
    node("GlobalAveragePool", ["a"], ["b"]),
    node("Flatten", ["b"], ["c"]),
    node("Gemm", ["c", "f"], ["y"]),
  ],
});

describe("shapes of all values", () => {
  it("are ONNX Runtime's, without a run when the model fixes every dimension", async () => {
    const { shapes, types, assumed, problem } = await shapesOf(tinyModel(classifier([1, 3, 32, 32])));
    expect(shapes).toMatchObject({ x: [1, 3, 32, 32], a: [1, 8, 16, 16], b: [1, 8, 1, 1], c: [1, 8], y: [1, 10] });
    expect(types.get("y")).toBe("float32");
    expect(assumed).toEqual([]);
    expect(problem).toBeUndefined();
  });

  it("take the given values for open dimensions, by symbol or by place, and defaults for the rest", async () => {
    const model = tinyModel(classifier(["batch_size", 3, "unk__123", null]));
    const { shapes, assumed } = await shapesOf(model, { batch_size: 2, "x.3": 64 });
    expect(assumed).toEqual([
      { input: "x", axis: 0, name: "batch_size", value: 2 },
      { input: "x", axis: 2, name: "unk__123", value: 224 },
      { input: "x", axis: 3, name: "", value: 64 },
    ]);
    expect(shapes).toMatchObject({ a: [2, 8, 112, 32], y: [2, 10] });
  });

  it("give a symbol one value wherever it stands", async () => {
    const { shapes, assumed } = await shapesOf(
      tinyModel({
        inputs: { a: ["n", 4], b: [4, "n"] },
        outputs: ["y"],
        nodes: [node("MatMul", ["a", "b"], ["y"])],
      }),
      { n: 7 },
    );
    expect(assumed.map((d) => d.value)).toEqual([7, 7]);
    expect(shapes.y).toEqual([7, 7]);
  });

  it.each<[string, readonly (number | string | null)[], readonly number[]]>([
    ["images, channels first", [null, 3, null, null], [1, 3, 224, 224]],
    ["images of any colours", ["N", "C", "H", "W"], [1, 3, 224, 224]],
    ["images, channels last", [null, null, null, 3], [1, 224, 224, 3]],
    ["token ids", ["batch", "sequence_length"], [1, 128]],
    ["token ids, time first", ["seq", "batch"], [128, 1]],
    ["audio", [null, null], [1, 128]],
    ["features", ["batch", null, 80], [1, 128, 80]],
    ["a cache", ["batch", 4, "past_sequence_length", 8], [1, 4, 1, 8]],
    ["0 and -1, where exporters mean any", [0, 3, -1, 8], [1, 3, 224, 8]],
    ["a name that objects have by nature", ["constructor", 3], [1, 3]],
  ])("assume the usual size of %s", async (_, dims, expected) => {
    const { shapes } = await shapesOf(
      tinyModel({ inputs: { x: dims }, outputs: ["y"], nodes: [node("Relu", ["x"], ["y"])] }),
    );
    expect(shapes.y).toEqual(expected);
  });

  it("are found for a model of token ids", async () => {
    const { shapes, types } = await shapesOf(
      tinyModel({
        inputs: { ids: { type: T.INT64, dims: ["batch", "seq"] } },
        outputs: ["y"],
        constants: { table: weight([50, 16]), w: weight([16, 8]) },
        nodes: [node("Gather", ["table", "ids"], ["e"]), node("MatMul", ["e", "w"], ["y"])],
      }),
      { seq: 12 },
    );
    expect(shapes).toMatchObject({ ids: [1, 12], e: [1, 12, 16], y: [1, 12, 8] });
    expect(types.get("ids")).toBe("int64");
  });

  it("are looked up in one run where inference leaves them open", async () => {
    const { shapes, problem } = await shapesOf(
      tinyModel({
        inputs: { x: ["batch", 6, 4] },
        outputs: ["y"],
        constants: { w: weight([24, 5]) },
        nodes: [
          // As many columns as there are elements that are not 0: all of them in a run on ones.
          node("NonZero", ["x"], ["where"]),
          node("Cast", ["where"], ["f"], { attributes: [attribute.int("to", T.FLOAT)] }),
          node("MatMul", ["f", "w"], ["y"]),
        ],
      }),
    );
    expect(problem).toBeUndefined();
    expect(shapes).toMatchObject({ x: [1, 6, 4], where: [3, 24], f: [3, 24], y: [3, 5] });
  });

  it("tell scalars from values of unknown rank", async () => {
    const store = tinyStore();
    const branch = (name: string, dims: readonly number[]) =>
      tinyGraph(name, { outputs: [`${name}.out`], constants: { [`${name}.out`]: weight(dims) }, nodes: [] }, store);
    const { shapes } = await shapesOf(
      tinyModel(
        {
          inputs: { c: { type: T.BOOL, dims: [] } },
          outputs: ["y"],
          constants: { s: weight([]) },
          nodes: [
            node("If", ["c"], ["either"], {
              attributes: [
                attribute.graph("then_branch", branch("t", [2, 3])),
                attribute.graph("else_branch", branch("e", [6])),
              ],
            }),
            node("Relu", ["either"], ["y"]),
            node("Relu", ["s"], ["scalar"]),
          ],
        },
        store,
      ),
    );
    expect(shapes.y).toEqual([2, 3]);
    expect(shapes.scalar).toEqual([]);
  });
});

describe("models that cannot be loaded whole", () => {
  /** An adapter that notes how large the models are that it is given. */
  function weighing(): { readonly inference: Inference; readonly sizes: number[] } {
    const sizes: number[] = [];
    return {
      sizes,
      inference: {
        open(model, options) {
          if (model instanceof Uint8Array) sizes.push(model.length);
          return inference.open(model, options);
        },
      },
    };
  }

  it("have their weights as inputs, so that none is read", async () => {
    // 4 GiB of weights in a file that does not exist: reading any would fail.
    const store = new TensorStore();
    const model = tinyModel(
      {
        inputs: { x: ["batch", 32768] },
        outputs: ["y"],
        nodes: [node("MatMul", ["x", "w"], ["y"])],
        constants: { w: { dims: [0], data: new Float32Array(0) } },
      },
      store,
    );
    const [w] = model.graph.initializer;
    if (w === undefined) throw new Error("no weight");
    w.dims = [32768n, 32768n];
    const { inference: scale, sizes } = weighing();
    const { shapes, problem } = await inferShapes(model, scale, { batch: 3 });
    expect(problem).toBeUndefined();
    expect(shapes.get("y")).toEqual([3, 32768]);
    expect(Math.max(...sizes)).toBeLessThan(4096);
  });

  it("leave large Constant nodes out as well", async () => {
    const store = tinyStore();
    const value = attribute.tensor("value", constant(store, "", weight([64, 64])));
    const model = tinyModel(
      {
        inputs: { x: [2, 64] },
        outputs: ["y"],
        nodes: [node("Constant", [], ["w"], { attributes: [value] }), node("MatMul", ["x", "w"], ["y"])],
      },
      store,
    );
    const { inference: scale, sizes } = weighing();
    const { shapes } = await inferShapes(model, scale);
    expect(shapes.get("y")).toEqual([2, 64]);
    expect(sizes).toHaveLength(1);
    expect(sizes[0]).toBeLessThan(4096);
  });

  it("keep the weights of operators that want them constant", async () => {
    const int8 = { dims: [64, 1, 9, 9], data: new Int8Array(64 * 81).fill(1), type: T.INT8 };
    const scalar = (type: number, data: Int8Array | Uint8Array | Float32Array) => ({ dims: [], data, type });
    const { shapes, problem } = await shapesOf(
      tinyModel({
        inputs: { x: { type: T.UINT8, dims: [1, 1, 16, 16] } },
        outputs: { y: { type: T.UINT8, dims: [1, 64, 8, 8] } },
        constants: {
          w: int8,
          s: scalar(T.FLOAT, Float32Array.of(1)),
          zx: scalar(T.UINT8, Uint8Array.of(0)),
          zw: scalar(T.INT8, Int8Array.of(0)),
        },
        nodes: [node("QLinearConv", ["x", "s", "zx", "w", "s", "zw", "s", "zx"], ["y"])],
      }),
    );
    expect(problem).toBeUndefined();
    expect(shapes.y).toEqual([1, 64, 8, 8]);
  });

  const withCustom: TinyModel = {
    inputs: { x: ["batch", 3, 8, 8] },
    outputs: { y: ["batch", 5] },
    domains: { mine: 1 },
    constants: { w: weight([4, 3, 3, 3]), f: weight([16, 5]) },
    declared: { b: ["batch", 16] },
    nodes: [
      node("Conv", ["x", "w"], ["a"]),
      node("Squash", ["a"], ["b"], { domain: "mine" }),
      node("MatMul", ["b", "f"], ["m"]),
      node("Relu", ["m"], ["y"]),
    ],
  };

  it("are inferred around operators that ONNX Runtime lacks, from what the file declares of these, with a note", async () => {
    const { shapes, problem } = await shapesOf(tinyModel(withCustom), { batch: 2 });
    expect(shapes).toMatchObject({ x: [2, 3, 8, 8], a: [2, 4, 6, 6], b: [2, 16], m: [2, 5], y: [2, 5] });
    expect(problem).toContain("mine.Squash");
  });

  it("have unknown shapes behind such an operator when the file declares none", async () => {
    const { declared: _, ...undeclared } = withCustom;
    const { shapes } = await shapesOf(tinyModel(undeclared), { batch: 2 });
    expect(shapes).toMatchObject({ a: [2, 4, 6, 6], y: [2, 5] });
    expect(shapes).not.toHaveProperty("b");
    expect(shapes).not.toHaveProperty("m");
  });

  it("keep what the file declares, with a note, when the runtime refuses them", async () => {
    const { shapes, assumed, problem } = await shapesOf(
      tinyModel({
        inputs: { x: ["batch", 4] },
        outputs: { y: ["batch", 3] },
        declared: { m: ["batch", 7] },
        nodes: [node("NoSuchOperator", ["x"], ["m"]), node("Relu", ["m"], ["y"])],
      }),
      { batch: 5 },
    );
    expect(shapes).toEqual({ x: [5, 4], m: [5, 7], y: [5, 3] });
    expect(assumed).toEqual([{ input: "x", axis: 0, name: "batch", value: 5 }]);
    expect(problem).toContain("NoSuchOperator");
  });

  it("stop when asked to", async () => {
    const work = inferShapes(tinyModel(classifier([1, 3, 32, 32])), inference, {}, {}, AbortSignal.abort());
    await expect(work).rejects.toThrow(/abort/i);
  });
});
