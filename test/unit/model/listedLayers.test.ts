import { create } from "@bufbuild/protobuf";
import { SparseTensorProtoSchema, TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { discoverLayers, quantizableSites } from "../../../src/core/model/discover.ts";
import { floatReasons, maxReasonLength } from "../../../src/core/model/floatReasons.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { constant, floats, ints, type TinyModel, tinyModel, tinyStore, weight } from "../../support/tinyModel.ts";

/** Name and reason of every layer. */
async function reasons(spec: TinyModel, store = tinyStore()): Promise<(readonly [string, string | undefined])[]> {
  const discovery = await discoverLayers(tinyModel(spec, store));
  expect(quantizableSites(discovery).map((site) => site.layer.name)).toEqual(
    discovery.layers.filter((layer) => layer.floatReason === undefined).map((layer) => layer.name),
  );
  return discovery.layers.map((layer) => [layer.name, layer.floatReason]);
}

describe("layers that are listed with the reason why they stay in float", () => {
  it("tables that are no rows of some length, and tables of integers", async () => {
    const found = await reasons({
      inputs: { ids: { type: T.INT64, dims: [3] } },
      outputs: { a: [10, 3], b: [3, 2], c: { type: T.INT8, dims: [3, 64] } },
      constants: {
        across: weight([10, 4]),
        pairs: weight([10, 2]),
        integers: { dims: [10, 64], data: new Int8Array(640), type: T.INT8 },
      },
      nodes: [
        node("Gather", ["across", "ids"], ["a"], { name: "across", attributes: [attribute.int("axis", -1)] }),
        node("Gather", ["pairs", "ids"], ["b"], { name: "pairs" }),
        node("Gather", ["integers", "ids"], ["c"], { name: "integers" }),
      ],
    });
    expect(found).toEqual([
      ["across", "looks up along axis 1"],
      ["pairs", "rows are too short for a scale each"],
      ["integers", "already quantized to 8 bits"],
    ]);
  });

  it("no table of integers, which is part of a computation of shapes", async () => {
    const found = await reasons({
      inputs: { i: { type: T.INT64, dims: [1] } },
      outputs: { y: { type: T.INT64, dims: [1, 2] } },
      constants: { table: ints([1, 2, 3, 4], [2, 2]) },
      nodes: [node("Gather", ["table", "i"], ["y"])],
    });
    expect(found).toEqual([]);
  });

  it("operators that have integer weights already", async () => {
    const int8 = (dims: readonly number[]) => ({
      dims,
      data: new Int8Array(dims.reduce((a, b) => a * b, 1)).fill(1),
      type: T.INT8,
    });
    const found = await reasons({
      inputs: { x: { type: T.UINT8, dims: [1, 2, 4, 4] }, a: [2, 4] },
      outputs: { y: { type: T.UINT8, dims: [1, 3, 4, 4] }, z: [2, 4] },
      domains: { "com.microsoft": 1 },
      constants: {
        s: floats([1], []),
        z8: { dims: [], data: Uint8Array.of(0), type: T.UINT8 },
        zw: { dims: [], data: Int8Array.of(0), type: T.INT8 },
        w: int8([3, 2, 1, 1]),
        wi: int8([3, 2, 1, 1]),
        wd: int8([4, 4]),
        ws: floats([1], []),
      },
      nodes: [
        node("QLinearConv", ["x", "s", "z8", "w", "s", "zw", "s", "z8"], ["y"], { name: "qconv" }),
        node("ConvInteger", ["x", "wi"], ["i"], { name: "iconv" }),
        node("DynamicQuantizeMatMul", ["a", "wd", "ws"], ["z"], { name: "dyn", domain: "com.microsoft" }),
      ],
    });
    expect(found).toEqual([
      ["qconv", "already quantized to 8 bits"],
      ["iconv", "already quantized to 8 bits"],
      ["dyn", "already quantized to 8 bits"],
    ]);
  });

  it("large constants of any other operator, but not small ones or vectors", async () => {
    const found = await reasons({
      inputs: { x: [4, 64] },
      outputs: ["y"],
      constants: { positions: weight([4, 64]), mask: weight([4, 1]), scale: weight([64]), e: weight([64, 64]) },
      nodes: [
        node("Add", ["x", "positions"], ["a"], { name: "position" }),
        node("Mul", ["a", "mask"], ["b"]),
        node("Mul", ["b", "scale"], ["c"]),
        node("Einsum", ["c", "e"], ["y"], { name: "sum", attributes: [attribute.string("equation", "ij,jk->ik")] }),
      ],
    });
    expect(found).toEqual([
      ["position.1", "Add is not quantized"],
      ["sum.1", "Einsum is not quantized"],
    ]);
  });

  it("what a custom operator or a function call is given", async () => {
    const found = await reasons({
      inputs: { x: [4, 64] },
      outputs: ["y"],
      domains: { mine: 1 },
      constants: { w: weight([64, 64]) },
      nodes: [node("FusedLinearWithAVeryLongNameThatGoesOnAndOn", ["x", "w"], ["y"], { name: "f", domain: "mine" })],
    });
    expect(found).toEqual([["f.1", "operator is not quantized"]]);
  });

  it("a Conv whose weight is fed, or computed by a network", async () => {
    const found = await reasons({
      inputs: { x: [1, 2, 4, 4], k: [3, 2, 1, 1] },
      outputs: ["y"],
      constants: { w: weight([2, 3, 1, 1]) },
      nodes: [
        node("Conv", ["x", "k"], ["a"], { name: "fed" }),
        node("Tanh", ["k"], ["t"]),
        node("ConvTranspose", ["a", "t"], ["b"], { name: "hyper" }),
        node("Conv", ["b", "w"], ["y"], { name: "plain" }),
      ].map((n) => n),
    });
    expect(found).toEqual([
      ["fed", "weight is computed at run time"],
      ["hyper", "weight is computed at run time"],
      ["plain", undefined],
    ]);
  });

  it("a weight that operators compute from constants, naming the last of them", async () => {
    const { layers } = await discoverLayers(
      tinyModel({
        inputs: { x: [2, 4] },
        outputs: ["y"],
        constants: { v: weight([4, 64]), g: weight([64]) },
        nodes: [node("Mul", ["v", "g"], ["w"]), node("MatMul", ["x", "w"], ["y"], { name: "normalized" })],
      }),
    );
    expect(layers).toHaveLength(1);
    expect(layers[0]).toMatchObject({
      name: "normalized",
      floatReason: "weight is computed at run time",
      weightTensor: "w",
      params: 0,
      floatBytes: 0,
    });
    expect(layers[0]?.floatDetail).toMatch(/^Mul computes the weight/);
  });

  it("a weight that is stored sparse", async () => {
    const store = tinyStore();
    const model = tinyModel(
      { inputs: { x: [2, 4] }, outputs: ["y"], nodes: [node("MatMul", ["x", "w"], ["y"], { name: "sparse" })] },
      store,
    );
    model.graph.sparseInitializer = [
      create(SparseTensorProtoSchema, {
        dims: [4n, 4n],
        values: constant(store, "w", floats([1])),
        indices: constant(store, "", ints([3])),
      }),
    ];
    const { layers } = await discoverLayers(model);
    expect(layers.map((l) => [l.name, l.floatReason])).toEqual([["sparse", "weight is stored sparse"]]);
  });

  it("weights of a function's body, but not those that its callers pass", async () => {
    const store = tinyStore();
    const found = await reasons(
      {
        inputs: { x: [2, 4] },
        outputs: ["y"],
        domains: { mine: 1 },
        constants: { w: weight([4, 4]) },
        functions: [
          {
            domain: "mine",
            name: "Block",
            inputs: ["a", "passed"],
            outputs: ["b"],
            nodes: [
              node("Constant", [], ["own"], {
                attributes: [attribute.tensor("value", constant(store, "own", weight([4, 4])))],
              }),
              node("MatMul", ["a", "passed"], ["m"]),
              node("MatMul", ["m", "own"], ["b"], { name: "inner" }),
            ],
          },
        ],
        nodes: [node("Block", ["x", "w"], ["y"], { domain: "mine" })],
      },
      store,
    );
    expect(found).toEqual([["inner", "inside a model-local function"]]);
  });
});

describe("reasons", () => {
  it("fit a cell of the table, whatever names are in them", () => {
    const long = "n".repeat(200);
    const all = Object.values(floatReasons).map((reason) =>
      typeof reason === "function" ? (reason as (...args: unknown[]) => { short: string })(long, long, long) : reason,
    );
    for (const { short } of all) {
      expect(short.length).toBeGreaterThan(0);
      expect(short.length).toBeLessThanOrEqual(maxReasonLength);
    }
  });
});
