import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { discoverLayers, quantizableSites } from "../../../src/core/model/discover.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { prepareModel } from "../../../src/core/pipeline/prepare.ts";
import { inference, noisy } from "../../support/ortRun.ts";
import { floats, ints, type TinyModel, tinyModel, weight } from "../../support/tinyModel.ts";
import { sameWithWeightInputs } from "../../support/weightInputs.ts";

const layersOf = async (spec: TinyModel) => (await discoverLayers(tinyModel(spec))).layers;

describe("a tensor with several users", () => {
  it("is one layer with one decision, whose nodes are all listed", async () => {
    const spec = {
      inputs: { x: [2, 4] },
      outputs: ["y"],
      constants: { w: weight([4, 4]) },
      nodes: [
        node("MatMul", ["x", "w"], ["a"], { name: "first" }),
        node("Relu", ["a"], ["b"]),
        node("MatMul", ["b", "w"], ["y"], { name: "second" }),
      ],
    };
    const layers = await layersOf(spec);
    expect(layers).toHaveLength(1);
    expect(layers[0]).toMatchObject({ name: "first", nodes: ["0", "2"], params: 16, floatBytes: 64 });
    expect(layers[0]?.floatReason).toBeUndefined();
    await sameWithWeightInputs(tinyModel(spec), { x: noisy([2, 4]) });
  });

  it("is one layer behind an Identity for each user, as PyTorch writes it", async () => {
    const spec = {
      inputs: { x: [2, 4] },
      outputs: ["y"],
      constants: { w: weight([4, 4]), b: weight([4]) },
      nodes: [
        node("Identity", ["w"], ["w2"]),
        node("Identity", ["b"], ["b2"]),
        node("Gemm", ["x", "w", "b"], ["a"]),
        node("Gemm", ["a", "w2", "b2"], ["y"]),
      ],
    };
    const layers = await layersOf(spec);
    expect(layers).toHaveLength(1);
    expect(layers[0]?.floatReason).toBeUndefined();
    await sameWithWeightInputs(tinyModel(spec), { x: noisy([2, 4]) });
  });

  it("stays in float when it is seen in two layouts", async () => {
    const [layer, ...rest] = await layersOf({
      inputs: { x: [2, 4] },
      outputs: ["y"],
      constants: { w: weight([4, 4]) },
      nodes: [
        node("MatMul", ["x", "w"], ["a"], { name: "encode" }),
        node("Gemm", ["a", "w"], ["y"], { name: "decode", attributes: [attribute.int("transB", 1)] }),
      ],
    });
    expect(rest).toEqual([]);
    expect(layer).toMatchObject({ name: "encode", floatReason: "shared with decode" });
  });

  it("stays as it is when DequantizeLinear nodes give it different scales", async () => {
    const model = tinyModel({
      inputs: { x: [2, 4] },
      outputs: ["y"],
      constants: {
        q: { dims: [4, 4], data: new Int8Array(16).fill(1), type: T.INT8 },
        s1: floats([1], []),
        s2: floats([2], []),
      },
      nodes: [
        node("DequantizeLinear", ["q", "s1"], ["w1"]),
        node("DequantizeLinear", ["q", "s2"], ["w2"]),
        node("MatMul", ["x", "w1"], ["a"], { name: "one" }),
        node("MatMul", ["a", "w2"], ["y"], { name: "two" }),
      ],
    });
    const [layer] = (await discoverLayers(model, { requantize: true })).layers;
    expect(layer).toMatchObject({ name: "one", floatReason: "shared with two" });
  });

  it("is one layer when it is an embedding table too, called after the product", async () => {
    const tied = tinyModel({
      inputs: { ids: { type: T.INT64, dims: [3] } },
      outputs: ["y"],
      constants: { "embed.weight": weight([10, 4]) },
      nodes: [
        node("Gather", ["embed.weight", "ids"], ["x"]),
        node("Transpose", ["embed.weight"], ["t"], { attributes: [attribute.ints("perm", [1, 0])] }),
        node("MatMul", ["x", "t"], ["y"], { name: "head" }),
      ],
    });
    const { discovery } = await prepareModel(tied, { inference });
    expect(discovery.layers).toMatchObject([
      { name: "head", opType: "MatMul", nodes: ["0", "2"], weightShape: [10, 4], channelAxis: 0, macs: 3 * 4 * 10 },
    ]);
    expect(discovery.layers[0]).not.toHaveProperty("floatReason");
    await sameWithWeightInputs(tied, { ids: { type: "int64", dims: [3], data: BigInt64Array.of(7n, 0n, 3n) } });
  });

  it("stays in float when it is a table that is looked up along the other axis", async () => {
    const layers = await layersOf({
      inputs: { x: [2, 4], ids: { type: T.INT64, dims: [3] } },
      outputs: ["y", "z"],
      constants: { w: weight([4, 10]) },
      nodes: [
        node("MatMul", ["x", "w"], ["y"], { name: "product" }),
        node("Gather", ["w", "ids"], ["z"], { name: "lookup" }),
      ],
    });
    expect(layers).toMatchObject([{ name: "product", floatReason: "shared with lookup" }]);
  });

  it.each([
    ["an Add of the stored tensor", [node("Add", ["v", "w"], ["z"], { name: "add" })], ["y", "z"]],
    ["an Add of the transposed tensor", [node("Add", ["v", "t"], ["z"], { name: "add" })], ["y", "z"]],
    ["the model's outputs", [], ["y", "w"]],
  ])("stays in float beside %s", async (who, nodes, outputs) => {
    const [layer] = await layersOf({
      inputs: { x: [2, 4], v: [4, 4] },
      outputs,
      constants: { w: weight([4, 4]) },
      nodes: [node("Transpose", ["w"], ["t"]), node("MatMul", ["x", "t"], ["y"]), ...nodes],
    });
    expect(layer?.floatReason).toBe(who.startsWith("an Add") ? "shared with add" : "shared with the model's outputs");
  });

  it("cuts a long name in its middle, so that the reason fits its cell", async () => {
    const [layer] = await layersOf({
      inputs: { x: [2, 4], v: [4, 4] },
      outputs: ["y", "z"],
      constants: { w: weight([4, 4]) },
      nodes: [
        node("MatMul", ["x", "w"], ["y"]),
        node("Sub", ["v", "w"], ["z"], { name: "/model/encoder/layers.11/attention/relative_position_bias/Sub" }),
      ],
    });
    expect(layer?.floatReason).toBe("shared with /model/encode…ition_bias/Sub");
    expect(layer?.floatReason).toHaveLength(40);
  });

  it("counts a bias that two nodes share once", async () => {
    const [layer] = await layersOf({
      inputs: { x: [2, 4] },
      outputs: ["y"],
      constants: { w: weight([4, 4]), b: weight([4]) },
      nodes: [node("Gemm", ["x", "w", "b"], ["a"]), node("Gemm", ["a", "w", "b"], ["y"])],
    });
    expect(layer?.biasParams).toBe(4);
  });
});

describe("names and sums", () => {
  it("gives every layer a name of its own: the node's, else the weight's", async () => {
    const layers = await layersOf({
      inputs: { x: [2, 4] },
      outputs: ["y"],
      constants: { w1: weight([4, 4]), w2: weight([4, 4]), w3: weight([4, 4]), same: weight([4, 4]) },
      nodes: [
        node("MatMul", ["x", "w1"], ["a"], { name: "same" }),
        node("MatMul", ["a", "w2"], ["b"], { name: "same" }),
        node("MatMul", ["b", "w3"], ["c"]),
        node("MatMul", ["c", "same"], ["y"]),
      ],
    });
    expect(layers.map((layer) => layer.name)).toEqual(["same", "same_2", "w3", "same_3"]);
  });

  it("counts the bytes of float constants outside layers, in Constant nodes too", async () => {
    const model = tinyModel({
      inputs: { x: [2, 4] },
      outputs: ["y"],
      constants: { w: weight([4, 4]), b: weight([4]), scale: weight([4]), axes: ints([0]) },
      nodes: [
        node("Constant", [], ["k"], { attributes: [attribute.float("value_float", 2)] }),
        node("Gemm", ["x", "w", "b"], ["a"]),
        node("Mul", ["a", "scale"], ["m"]),
        node("Mul", ["m", "k"], ["y"]),
      ],
    });
    // scale: 4 floats, k: 1.
    expect((await discoverLayers(model)).otherConstantBytes).toBe(20);
  });

  it("lists layers and sites in execution order", async () => {
    const discovery = await discoverLayers(
      tinyModel({
        inputs: { x: [2, 4] },
        outputs: ["y"],
        constants: { z: weight([4, 4]), a: weight([4, 4]) },
        nodes: [node("MatMul", ["x", "z"], ["m"]), node("MatMul", ["m", "a"], ["y"])],
      }),
    );
    expect(discovery.layers.map((layer) => layer.name)).toEqual(["z", "a"]);
    expect(quantizableSites(discovery).map((site) => site.layer.name)).toEqual(["z", "a"]);
  });
});
