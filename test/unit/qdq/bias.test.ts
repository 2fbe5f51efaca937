import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { discoverLayers, quantizableSites } from "../../../src/core/model/discover.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { quantizeGraph } from "../../../src/core/qdq/quantizeGraph.ts";
import type { QuantizedLayer } from "../../../src/core/qdq/types.ts";
import { distance, float32, noisy, numbers, run } from "../../support/ortRun.ts";
import { quantizeTiny } from "../../support/quantizeTiny.ts";
import { floats, noise, type TinyModel, tinyModel, weight } from "../../support/tinyModel.ts";

const opsOf = ({ graph }: OnnxModel) => graph.node.map((n) => n.opType);

async function values(model: OnnxModel, name: string): Promise<number[]> {
  const found = model.graph.initializer.find((t) => t.name === name);
  if (found === undefined) throw new Error(`no initializer ${name}`);
  return Array.from(await model.tensors.readFloat32(found));
}

const image = { x: noisy([1, 4, 6, 6]) };
const conv = (changes: Partial<TinyModel> = {}): TinyModel => ({
  inputs: { x: [1, 4, 6, 6] },
  outputs: ["y"],
  constants: { w: weight([6, 4, 3, 3], 1, 0.4), b: weight([6], 2) },
  nodes: [node("Conv", ["x", "w", "b"], ["y"], { name: "conv" })],
  ...changes,
});

describe("the bias of a layer with quantized activations", () => {
  it("is int32 in units of the activation's scale times the weight's", async () => {
    const { written, layers, activations } = await quantizeTiny(tinyModel(conv()), image, 8, 8);
    const { model } = written;
    const q = model.graph.initializer.find((t) => t.name === "b.quantized");
    expect(q?.dataType).toBe(T.INT32);
    const units = await values(model, "b.scale");
    const integers = await values(model, "b.quantized");
    const scales = layers.get("conv")?.scales ?? [];
    const activation = activations.get("x")?.scale ?? 0;
    for (const [c, b] of noise(6, 2).entries()) {
      expect(units[c]).toBeCloseTo((scales[c] as number) * activation, 10);
      expect(Math.abs((integers[c] as number) * (units[c] as number) - b)).toBeLessThanOrEqual(
        (units[c] as number) * 0.501,
      );
    }
    expect(model.graph.node.at(-1)?.input).toEqual(["x.dequantized", "w.dequantized", "b.dequantized"]);
  });

  it("has a unit for each channel of each group of a ConvTranspose", async () => {
    const spec = conv({
      constants: { w: weight([4, 3, 2, 2], 1, 0.4), b: weight([6], 2) },
      nodes: [node("ConvTranspose", ["x", "w", "b"], ["y"], { name: "up", attributes: [attribute.int("group", 2)] })],
    });
    const { written } = await quantizeTiny(tinyModel(spec), image, 8, 8);
    const units = await values(written.model, "b.scale");
    expect(units).toHaveLength(6);
    expect(units.slice(3)).toEqual(units.slice(0, 3));
  });

  it.each([8, 16] as const)(
    "stays in float where int32 does not reach it, and the layer with it (%i-bit activations)",
    async (bits) => {
      // Channel 2 has weights of 1e-9: its bias would be 1e12 units. ONNX Runtime would make an int32 of it all the same.
      const data = noise(6 * 36).map((v, i) => (Math.floor(i / 36) === 2 ? v * 1e-9 : v * 0.4));
      const spec = conv({ constants: { w: { dims: [6, 4, 3, 3], data }, b: weight([6], 2, 3) } });
      const { written, simulate } = await quantizeTiny(tinyModel(spec), image, 8, bits);
      expect(opsOf(written.model)).toEqual([
        "QuantizeLinear",
        "DequantizeLinear",
        "DequantizeLinear",
        "Reshape",
        "Conv",
      ]);
      const { y } = await run(written.model, image);
      expect(distance(y, (await simulate()).y)).toBeLessThan(1e-5);
    },
  );

  it.each([
    ["a Gemm that scales it", [attribute.float("beta", 2)], { w: weight([4, 5]), b: weight([5], 2, 1e6) }],
    ["a Gemm that adds it to rows", [], { w: weight([4, 2]), b: weight([2, 1], 2, 1e6) }],
  ])("stays in float where it is not ours to change, and the layer with it: %s", async (_, attributes, constants) => {
    const model = tinyModel({
      inputs: { x: [2, 4] },
      outputs: ["y"],
      constants,
      nodes: [node("Gemm", ["x", "w", "b"], ["y"], { attributes })],
    });
    const feeds = { x: noisy([2, 4]) };
    const { written, simulate } = await quantizeTiny(model, feeds, 8, 8);
    expect(opsOf(written.model)).toContain("Reshape");
    const [expected, { y }] = [(await simulate()).y, await run(written.model, feeds)];
    expect(distance(y, expected)).toBeLessThan(0.1);
    expect(Math.max(...numbers(y).map(Math.abs))).toBeGreaterThan(1e5);
  });
});

describe("the bias of a layer without quantized activations", () => {
  it("is float, in the place of the model's", async () => {
    const { written } = await quantizeTiny(tinyModel(conv()), image, 4, null);
    expect(await values(written.model, "b.corrected")).toEqual([...noise(6, 2)]);
    expect(written.model.graph.initializer.map((t) => t.name)).not.toContain("b");
  });

  it("is not written where there was none and none is needed", async () => {
    const spec = conv({ nodes: [node("Conv", ["x", "w"], ["y"])], constants: { w: weight([6, 4, 3, 3]) } });
    const { written } = await quantizeTiny(tinyModel(spec), image, 4, null);
    expect(written.model.graph.node.at(-1)?.input).toEqual(["x", "w.dequantized"]);
  });
});

/** A MatMul quantized with a given bias. */
async function withBias(spec: TinyModel, bias: readonly number[] | undefined) {
  const model = tinyModel(spec);
  const discovery = await discoverLayers(model);
  const [site] = quantizableSites(discovery);
  if (site === undefined) throw new Error("no layer");
  const layer: QuantizedLayer = {
    bits: 8,
    q: new Int8Array(site.layer.params).fill(1),
    scales: new Float32Array(site.layer.weightShape[site.layer.channelAxis] ?? 0).fill(1),
    ...(bias && { bias: Float32Array.from(bias) }),
  };
  return quantizeGraph(model, discovery, new Map([[site.layer.name, layer]]), new Map()).model;
}

describe("a MatMul's bias", () => {
  const x = float32([1, 2], Float32Array.of(1, 2));
  const product: TinyModel = {
    inputs: { x: [1, 2] },
    outputs: ["y"],
    constants: { w: weight([2, 3]) },
    nodes: [node("MatMul", ["x", "w"], ["y"])],
  };
  const sum: TinyModel = {
    ...product,
    constants: { w: weight([2, 3]), b: floats([9, 9, 9]) },
    nodes: [node("MatMul", ["x", "w"], ["m"]), node("Add", ["m", "b"], ["y"])],
  };

  it("goes into the Add behind it", async () => {
    const model = await withBias(sum, [1, 2, 3]);
    expect(opsOf(model)).toEqual(["DequantizeLinear", "MatMul", "Add"]);
    expect(numbers((await run(model, { x }, { exactInt8: true })).y)).toEqual([4, 5, 6]);
  });

  it("gets an Add where there is none, and the output keeps its name", async () => {
    const model = await withBias(product, [1, 2, 3]);
    expect(opsOf(model)).toEqual(["DequantizeLinear", "MatMul", "Add"]);
    expect(numbers((await run(model, { x }, { exactInt8: true })).y)).toEqual([4, 5, 6]);
  });

  it("gets no Add for zeros", async () => {
    expect(opsOf(await withBias(product, [0, 0, 0]))).toEqual(["DequantizeLinear", "MatMul"]);
  });

  it("stays when none is given", async () => {
    const model = await withBias(sum, undefined);
    expect(numbers((await run(model, { x }, { exactInt8: true })).y)).toEqual([12, 12, 12]);
  });
});

describe("a model that was quantized before", () => {
  it("gets new weights and biases between the activations it has", async () => {
    const int8 = (dims: readonly number[], seed: number) => ({
      dims,
      data: Int8Array.from(
        noise(
          dims.reduce((a, b) => a * b, 1),
          seed,
        ),
        (v) => Math.round(v * 127),
      ),
      type: T.INT8,
    });
    const zero = { dims: [], data: Uint8Array.of(128), type: T.UINT8 };
    const pair = (from: string, scale: string, to: string) => [
      node("QuantizeLinear", [from, scale, "zero"], [`${to}.q`]),
      node("DequantizeLinear", [`${to}.q`, scale, "zero"], [to]),
    ];
    const model = tinyModel({
      inputs: { x: [1, 4, 6, 6] },
      outputs: ["y"],
      constants: {
        "w.q": int8([6, 4, 3, 3], 1),
        "w.s": floats([0.01, 0.02, 0.03, 0.01, 0.02, 0.03]),
        "b.q": { dims: [6], data: Int32Array.of(900, -800, 700, -600, 500, -400), type: T.INT32 },
        "b.s": floats([1e-4, 2e-4, 3e-4, 1e-4, 2e-4, 3e-4]),
        "x.s": floats([0.01], []),
        "y.s": floats([0.1], []),
        zero,
      },
      nodes: [
        ...pair("x", "x.s", "xd"),
        node("DequantizeLinear", ["w.q", "w.s"], ["w"], { attributes: [attribute.int("axis", 0)] }),
        node("DequantizeLinear", ["b.q", "b.s"], ["b"], { attributes: [attribute.int("axis", 0)] }),
        node("Conv", ["xd", "w", "b"], ["c"]),
        ...pair("c", "y.s", "y"),
      ],
    });
    const { written, simulate, activations } = await quantizeTiny(model, image, 4, 8, { requantize: true });
    expect([...activations]).toEqual([]);
    const names = written.model.graph.initializer.map((t) => t.name);
    expect(names).not.toContain("w.q");
    expect(names).not.toContain("b.q");
    expect(distance((await run(written.model, image)).y, (await simulate()).y)).toBeLessThan(0.101);
    expect(distance((await run(written.model, image)).y, (await run(model, image)).y)).toBeLessThan(2);
  });
});
