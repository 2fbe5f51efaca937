import { describe, expect, it } from "vitest";
import { readBias, takesBias } from "../../../src/core/model/bias.ts";
import { discoverLayers } from "../../../src/core/model/discover.ts";
import type { Layer } from "../../../src/core/model/layer.ts";
import { readWeight } from "../../../src/core/model/readWeight.ts";
import type { WeightChain } from "../../../src/core/model/weightChain.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { noisy } from "../../support/ortRun.ts";
import { noise, type TinyModel, tinyModel, tinyStore, weight } from "../../support/tinyModel.ts";
import { sameWithWeightInputs } from "../../support/weightInputs.ts";

async function layersOf(spec: TinyModel, store = tinyStore()): Promise<readonly Layer[]> {
  return (await discoverLayers(tinyModel(spec, store))).layers;
}

async function onlyLayer(spec: TinyModel, store = tinyStore()): Promise<Layer> {
  const layers = await layersOf(spec, store);
  expect(layers).toHaveLength(1);
  return layers[0] as Layer;
}

describe("operators with weights", () => {
  it("takes a Conv's first axis for its channels, and counts its bias", async () => {
    const layer = await onlyLayer({
      inputs: { x: [1, 3, 8, 8] },
      outputs: ["y"],
      constants: { w: weight([4, 3, 3, 3]), b: weight([4]) },
      nodes: [node("Conv", ["x", "w", "b"], ["y"], { name: "stem" })],
    });
    expect(layer).toEqual({
      name: "stem",
      opType: "Conv",
      nodes: ["0"],
      weightShape: [4, 3, 3, 3],
      channelAxis: 0,
      groups: 1,
      params: 108,
      weightTensor: "w",
      biasParams: 4,
      floatBytes: 432,
    });
  });

  it.each([
    ["depthwise Conv", "Conv", [4, 1, 3, 3], 4, 0],
    ["grouped Conv", "Conv", [6, 2, 3, 3], 2, 0],
    ["ConvTranspose", "ConvTranspose", [4, 6, 3, 3], 1, 1],
    ["grouped ConvTranspose", "ConvTranspose", [4, 3, 3, 3], 2, 1],
  ])("finds a %s with its groups and channel axis", async (_, op, dims, group, axis) => {
    const spec = {
      inputs: { x: [1, 4, 8, 8] },
      outputs: ["y"],
      constants: { w: weight(dims) },
      nodes: [node(op, ["x", "w"], ["y"], { attributes: [attribute.int("group", group)] })],
    };
    const layer = await onlyLayer(spec);
    expect(layer).toMatchObject({ opType: op, weightShape: dims, channelAxis: axis, groups: group });
    expect(layer.floatReason).toBeUndefined();
    await sameWithWeightInputs(tinyModel(spec), { x: noisy([1, 4, 8, 8]) });
  });

  it.each([
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 1],
    [1, 1, 0],
  ])("Gemm with transA %i and transB %i has its channels on axis %i of B", async (transA, transB, axis) => {
    const spec = {
      inputs: { x: transA ? [5, 2] : [2, 5] },
      outputs: ["y"],
      constants: { w: weight(transB ? [3, 5] : [5, 3]), b: weight([3]) },
      nodes: [
        node("Gemm", ["x", "w", "b"], ["y"], {
          attributes: [attribute.int("transA", transA), attribute.int("transB", transB)],
        }),
      ],
    };
    expect(await onlyLayer(spec)).toMatchObject({ channelAxis: axis, params: 15, biasParams: 3 });
    await sameWithWeightInputs(tinyModel(spec), { x: noisy(spec.inputs.x) });
  });

  it.each([0, 1])("finds a Gemm's constant A (transA %i)", async (transA) => {
    const spec = {
      inputs: { x: [5, 2] },
      outputs: ["y"],
      constants: { w: weight(transA ? [5, 3] : [3, 5]) },
      nodes: [node("Gemm", ["w", "x"], ["y"], { attributes: [attribute.int("transA", transA)] })],
    };
    expect(await onlyLayer(spec)).toMatchObject({ channelAxis: transA, params: 15 });
    await sameWithWeightInputs(tinyModel(spec), { x: noisy([5, 2]) });
  });

  it("keeps a Gemm's alpha and beta out of its weight, and its bias where it is", async () => {
    const spec = {
      inputs: { x: [2, 5] },
      outputs: ["y"],
      constants: { w: weight([5, 3]), b: weight([3]) },
      nodes: [
        node("Gemm", ["x", "w", "b"], ["y"], {
          attributes: [attribute.float("alpha", 0.5), attribute.float("beta", 2)],
        }),
      ],
    };
    const model = tinyModel(spec);
    const [site] = [...(await discoverLayers(model)).sites.values()];
    expect(site && takesBias(site)).toBe(false);
    expect(await readWeight(model.tensors, site?.chain as WeightChain)).toEqual(noise(15));
    await sameWithWeightInputs(model, { x: noisy([2, 5]) });
  });

  it("takes no bias that Gemm adds to rows instead of columns", async () => {
    const model = tinyModel({
      inputs: { x: [3, 5] },
      outputs: ["y"],
      constants: { w: weight([5, 3]), b: weight([3, 1]) },
      nodes: [node("Gemm", ["x", "w", "b"], ["y"])],
    });
    const [site] = [...(await discoverLayers(model)).sites.values()];
    expect(site && takesBias(site)).toBe(false);
  });

  it.each([
    ["on the right", [5, 3], 1, 1],
    ["on the left", [3, 5], 0, 0],
    ["batched on the right", [2, 5, 3], 1, 2],
    ["batched on the left", [2, 3, 5], 0, 1],
  ])("finds a MatMul's weight %s", async (_, dims, slot, axis) => {
    const x = slot === 1 ? [2, 4, 5] : [2, 5, 4];
    const spec = {
      inputs: { x },
      outputs: ["y"],
      constants: { w: weight(dims) },
      nodes: [node("MatMul", slot === 1 ? ["x", "w"] : ["w", "x"], ["y"])],
    };
    expect(await onlyLayer(spec)).toMatchObject({ weightShape: dims, channelAxis: axis });
    await sameWithWeightInputs(tinyModel(spec), { x: noisy(x) });
  });

  it("reads the bias of a MatMul from the one Add behind it", async () => {
    const spec = {
      inputs: { x: [2, 5] },
      outputs: ["y"],
      constants: { w: weight([5, 3]), b: weight([3], 5) },
      nodes: [node("MatMul", ["x", "w"], ["m"]), node("Add", ["b", "m"], ["y"])],
    };
    const model = tinyModel(spec);
    const discovery = await discoverLayers(model);
    expect(discovery.layers).toHaveLength(1);
    expect(discovery.layers[0]).toMatchObject({ biasParams: 3 });
    const [site] = [...discovery.sites.values()];
    expect(site && (await readBias(model.tensors, site))).toEqual(noise(3, 5));
    await sameWithWeightInputs(model, { x: noisy([2, 5]) });
  });

  it.each([
    ["is read by others too", [node("Relu", ["m"], ["z"])], { b: weight([3]) }, ["y", "z"]],
    ["adds a matrix", [], { b: weight([1, 3]) }, ["y"]],
    ["is an output of the model", [], { b: weight([3]) }, ["y", "m"]],
  ])("does not take an Add for a bias when the product %s", async (_, nodes, constants, outputs) => {
    const model = tinyModel({
      inputs: { x: [2, 5] },
      outputs,
      constants: { w: weight([5, 3]), ...constants },
      nodes: [node("MatMul", ["x", "w"], ["m"]), node("Add", ["m", "b"], ["y"]), ...nodes],
    });
    expect((await discoverLayers(model)).layers[0]).toMatchObject({ biasParams: 0 });
    await sameWithWeightInputs(model, { x: noisy([2, 5]) });
  });

  it("does not call a product of two activations, or of two constants, a layer", async () => {
    const layers = await layersOf({
      inputs: { x: [2, 3], z: [3, 2] },
      outputs: ["y", "f"],
      constants: { a: weight([2, 3]), b: weight([3, 2]) },
      nodes: [node("MatMul", ["x", "z"], ["m"]), node("Gemm", ["m", "m"], ["y"]), node("MatMul", ["a", "b"], ["f"])],
    });
    expect(layers).toEqual([]);
  });

  it("keeps vectors and outer products in float, with the reason", async () => {
    const layers = await layersOf({
      inputs: { x: [2, 3], p: [1, 1, 6] },
      outputs: ["y", "r"],
      constants: { v: weight([3]), frequencies: weight([1, 4, 1]) },
      nodes: [
        node("MatMul", ["x", "v"], ["y"], { name: "vector" }),
        node("MatMul", ["frequencies", "p"], ["r"], { name: "rotary" }),
      ],
    });
    expect(layers.map((l) => [l.name, l.floatReason])).toEqual([
      ["vector", "weight is a vector"],
      ["rotary", "inner dimension is 1"],
    ]);
  });
});
