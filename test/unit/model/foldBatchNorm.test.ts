import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { discoverLayers } from "../../../src/core/model/discover.ts";
import { foldBatchNorm } from "../../../src/core/model/foldBatchNorm.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { distance, noisy, run } from "../../support/ortRun.ts";
import { constant, halfWeight, type TinyModel, tinyModel, tinyStore, weight } from "../../support/tinyModel.ts";

/** Constants of a normalization of `channels` channels: factor, offset, mean, variance. */
function norm(prefix: string, channels: number, seed: number) {
  const positive = weight([channels], seed + 3);
  return {
    [`${prefix}.gamma`]: weight([channels], seed),
    [`${prefix}.beta`]: weight([channels], seed + 1),
    [`${prefix}.mean`]: weight([channels], seed + 2),
    [`${prefix}.var`]: { ...positive, data: (positive.data as Float32Array).map((v) => v * v + 0.1) },
  };
}

const normalize = (from: string, prefix: string, to: string, attributes = [attribute.float("epsilon", 1e-3)]) =>
  node("BatchNormalization", [from, ...["gamma", "beta", "mean", "var"].map((p) => `${prefix}.${p}`)], [to], {
    attributes,
  });

const opsOf = (model: { graph: { node: readonly { opType: string }[] } }) => model.graph.node.map((n) => n.opType);

interface Net extends TinyModel {
  readonly inputs: Readonly<Record<string, readonly number[]>>;
}

/** Expects that a network computes the same before and after folding; returns the folded one. */
async function folded(spec: Net, store = tinyStore()) {
  const model = tinyModel(spec, store);
  const before = opsOf(model);
  const result = await foldBatchNorm(model);
  expect(opsOf(model), "the original is left alone").toEqual(before);
  const feeds = Object.fromEntries(Object.entries(spec.inputs).map(([name, dims]) => [name, noisy(dims)]));
  const [expected, actual] = [await run(model, feeds), await run(result.model, feeds)];
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) expect(distance(actual[name], value)).toBeLessThan(1e-4);
  return { ...result, ops: opsOf(result.model), constants: result.model.graph.initializer.map((t) => t.name) };
}

const image = { x: [1, 4, 6, 6] };

describe("folding BatchNormalization", () => {
  it.each<[string, Net]>([
    [
      "Conv with bias",
      {
        inputs: image,
        outputs: ["y"],
        constants: { w: weight([6, 4, 3, 3]), b: weight([6], 2), ...norm("n", 6, 5) },
        nodes: [node("Conv", ["x", "w", "b"], ["c"]), normalize("c", "n", "y")],
      },
    ],
    [
      "Conv without bias",
      {
        inputs: image,
        outputs: ["y"],
        constants: { w: weight([6, 4, 3, 3]), ...norm("n", 6, 5) },
        nodes: [node("Conv", ["x", "w"], ["c"]), normalize("c", "n", "y")],
      },
    ],
    [
      "grouped Conv",
      {
        inputs: image,
        outputs: ["y"],
        constants: { w: weight([6, 2, 3, 3]), ...norm("n", 6, 5) },
        nodes: [node("Conv", ["x", "w"], ["c"], { attributes: [attribute.int("group", 2)] }), normalize("c", "n", "y")],
      },
    ],
    [
      "Conv in one dimension",
      {
        inputs: { x: [2, 4, 9] },
        outputs: ["y"],
        constants: { w: weight([6, 4, 3]), b: weight([6], 2), ...norm("n", 6, 5) },
        nodes: [node("Conv", ["x", "w", "b"], ["c"]), normalize("c", "n", "y", [])],
      },
    ],
    [
      "ConvTranspose",
      {
        inputs: image,
        outputs: ["y"],
        constants: { w: weight([4, 6, 2, 2]), b: weight([6], 2), ...norm("n", 6, 5) },
        nodes: [
          node("ConvTranspose", ["x", "w", "b"], ["c"], { attributes: [attribute.ints("strides", [2, 2])] }),
          normalize("c", "n", "y"),
        ],
      },
    ],
    ...([0, 1] as const).map((transB): [string, Net] => [
      `Gemm with transB ${transB}`,
      {
        inputs: { x: [3, 5] },
        outputs: ["y"],
        constants: { w: weight(transB ? [4, 5] : [5, 4]), b: weight([1, 4], 2), ...norm("n", 4, 5) },
        nodes: [
          node("Gemm", ["x", "w", "b"], ["c"], { attributes: [attribute.int("transB", transB)] }),
          normalize("c", "n", "y"),
        ],
      },
    ]),
    [
      "a weight behind a Transpose, and constants behind Identity",
      {
        inputs: { x: [3, 5] },
        outputs: ["y"],
        constants: { w: weight([4, 5]), ...norm("n", 4, 5) },
        nodes: [
          node("Transpose", ["w"], ["t"]),
          node("Identity", ["n.gamma"], ["g"]),
          node("Gemm", ["x", "t"], ["c"]),
          node("BatchNormalization", ["c", "g", "n.beta", "n.mean", "n.var"], ["y"]),
        ],
      },
    ],
  ])("into %s changes nothing but the graph", async (_, spec) => {
    const { folded: count, ops, constants } = await folded(spec);
    expect(count).toBe(1);
    expect(ops).toHaveLength(1);
    expect(constants).toHaveLength(2);
  });

  it("leaves no part of a weight in a Constant node behind", async () => {
    const store = tinyStore();
    const { ops, constants } = await folded(
      {
        inputs: image,
        outputs: ["y"],
        constants: norm("n", 6, 5),
        nodes: [
          node("Constant", [], ["w"], {
            attributes: [attribute.tensor("value", constant(store, "w", weight([6, 4, 1, 1])))],
          }),
          node("Conv", ["x", "w"], ["c"]),
          normalize("c", "n", "y"),
        ],
      },
      store,
    );
    expect(ops).toEqual(["Conv"]);
    expect(constants).toEqual(["w.folded", "w.folded_bias"]);
  });

  it("gives each of two convolutions of one weight its own", async () => {
    const {
      folded: count,
      ops,
      constants,
    } = await folded({
      inputs: image,
      outputs: ["y"],
      constants: { w: weight([4, 4, 1, 1]), ...norm("n", 4, 5), ...norm("m", 4, 15) },
      nodes: [
        node("Conv", ["x", "w"], ["a"]),
        normalize("a", "n", "b"),
        node("Conv", ["b", "w"], ["c"]),
        normalize("c", "m", "y"),
      ],
    });
    expect(count).toBe(2);
    expect(ops).toEqual(["Conv", "Conv"]);
    expect(constants).toEqual(["w.folded", "w.folded_bias", "w.folded_2", "w.folded_bias_2"]);
  });

  it("leaves a shared weight as it is for the user without a normalization", async () => {
    const { folded: count, constants } = await folded({
      inputs: image,
      outputs: ["y"],
      constants: { w: weight([4, 4, 1, 1]), ...norm("n", 4, 5) },
      nodes: [node("Conv", ["x", "w"], ["a"]), normalize("a", "n", "b"), node("Conv", ["b", "w"], ["y"])],
    });
    expect(count).toBe(1);
    expect(constants).toEqual(["w", "w.folded", "w.folded_bias"]);
  });

  it.each<[string, Net]>([
    [
      "another node reads the layer's output",
      {
        inputs: image,
        outputs: ["y", "z"],
        constants: { w: weight([6, 4, 1, 1]), ...norm("n", 6, 5) },
        nodes: [node("Conv", ["x", "w"], ["c"]), normalize("c", "n", "y"), node("Relu", ["c"], ["z"])],
      },
    ],
    [
      "the layer's output is one of the network's",
      {
        inputs: image,
        outputs: ["y", "c"],
        constants: { w: weight([6, 4, 1, 1]), ...norm("n", 6, 5) },
        nodes: [node("Conv", ["x", "w"], ["c"]), normalize("c", "n", "y")],
      },
    ],
    [
      "groups of a ConvTranspose share weights' channels",
      {
        inputs: image,
        outputs: ["y"],
        constants: { w: weight([4, 3, 2, 2]), ...norm("n", 6, 5) },
        nodes: [
          node("ConvTranspose", ["x", "w"], ["c"], { attributes: [attribute.int("group", 2)] }),
          normalize("c", "n", "y"),
        ],
      },
    ],
    [
      "a Gemm scales its product",
      {
        inputs: { x: [3, 5] },
        outputs: ["y"],
        constants: { w: weight([5, 4]), ...norm("n", 4, 5) },
        nodes: [
          node("Gemm", ["x", "w"], ["c"], { attributes: [attribute.float("alpha", 2)] }),
          normalize("c", "n", "y"),
        ],
      },
    ],
    [
      "a factor is computed at run time",
      {
        inputs: { ...image, g: [6] },
        outputs: ["y"],
        constants: { w: weight([6, 4, 1, 1]), ...norm("n", 6, 5) },
        nodes: [
          node("Conv", ["x", "w"], ["c"]),
          node("BatchNormalization", ["c", "g", "n.beta", "n.mean", "n.var"], ["y"]),
        ],
      },
    ],
  ])("does not happen where %s", async (_, spec) => {
    const { folded: count, ops } = await folded(spec);
    expect(count).toBe(0);
    expect(ops).toContain("BatchNormalization");
  });

  it("leaves half precision as it is", async () => {
    const half = Object.fromEntries(
      Object.keys(norm("n", 6, 5)).map((name, i) => [name, halfWeight([6], i === 3 ? 1 : i, 1)]),
    );
    const model = tinyModel({
      inputs: { x: { type: T.FLOAT16, dims: [1, 4, 6, 6] } },
      outputs: { y: { type: T.FLOAT16, dims: [1, 6, 6, 6] } },
      constants: { w: halfWeight([6, 4, 1, 1]), ...half },
      nodes: [node("Conv", ["x", "w"], ["c"]), normalize("c", "n", "y")],
    });
    expect(await foldBatchNorm(model)).toEqual({ model, folded: 0 });
  });

  it("leaves a normalization in training mode, and one with more outputs, as they are", async () => {
    const net = (attributes: Parameters<typeof normalize>[3], outputs: readonly string[]): Net => ({
      opset: 14,
      inputs: image,
      outputs: ["y"],
      constants: { w: weight([6, 4, 1, 1]), ...norm("n", 6, 5) },
      nodes: [
        node("Conv", ["x", "w"], ["c"]),
        node("BatchNormalization", ["c", "n.gamma", "n.beta", "n.mean", "n.var"], ["y", ...outputs], {
          attributes: attributes ?? [],
        }),
      ],
    });
    const training = tinyModel(net([attribute.int("training_mode", 1)], ["m", "v"]));
    expect(await foldBatchNorm(training)).toEqual({ model: training, folded: 0 });
  });

  it("gives back the very model when there is nothing to fold", async () => {
    const model = tinyModel({ inputs: image, outputs: ["y"], nodes: [node("Relu", ["x"], ["y"])] });
    expect((await foldBatchNorm(model)).model).toBe(model);
  });
});

describe("constants that an Add behind a convolution adds", () => {
  it.each<[string, readonly number[]]>([
    ["[1, C, 1, 1]", [1, 6, 1, 1]],
    ["[C, 1, 1]", [6, 1, 1]],
    ["one for all", [1]],
  ])("become its bias: %s", async (_, dims) => {
    const { model, ops } = await folded({
      inputs: image,
      outputs: ["y"],
      constants: { w: weight([6, 4, 1, 1]), b: weight(dims, 2) },
      nodes: [node("Conv", ["x", "w"], ["c"]), node("Add", ["b", "c"], ["y"])],
    });
    expect(ops).toEqual(["Conv"]);
    expect((await discoverLayers(model)).layers[0]).toMatchObject({ biasParams: 6 });
  });

  it("become its bias before the normalization behind is folded", async () => {
    const { folded: count, ops } = await folded({
      inputs: image,
      outputs: ["y"],
      constants: { w: weight([4, 3, 2, 2]), b: weight([1, 3, 1, 1], 2), ...norm("n", 3, 5) },
      nodes: [node("ConvTranspose", ["x", "w"], ["c"]), node("Add", ["c", "b"], ["s"]), normalize("s", "n", "y")],
    });
    expect(count).toBe(1);
    expect(ops).toEqual(["ConvTranspose"]);
  });

  it.each<[string, readonly number[], readonly string[]]>([
    ["they differ from pixel to pixel", [1, 1, 6, 6], ["y"]],
    ["they are along another axis", [6], ["y"]],
    ["the convolution's result is given out", [1, 6, 1, 1], ["y", "c"]],
  ])("stay where they are when %s", async (_, dims, outputs) => {
    const { ops } = await folded({
      inputs: image,
      outputs,
      constants: { w: weight([6, 4, 1, 1]), b: weight(dims, 2) },
      nodes: [node("Conv", ["x", "w"], ["c"]), node("Add", ["c", "b"], ["y"])],
    });
    expect(ops).toEqual(["Conv", "Add"]);
  });
});
