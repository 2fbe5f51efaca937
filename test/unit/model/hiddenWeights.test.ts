import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { numberToHalf } from "../../../src/core/data/half.ts";
import { discoverLayers } from "../../../src/core/model/discover.ts";
import type { Layer } from "../../../src/core/model/layer.ts";
import { readWeight } from "../../../src/core/model/readWeight.ts";
import type { WeightChain } from "../../../src/core/model/weightChain.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { distance, float32, noisy, run } from "../../support/ortRun.ts";
import {
  constant,
  floats,
  halfWeight,
  ints,
  noise,
  type TinyModel,
  tinyModel,
  tinyStore,
  weight,
} from "../../support/tinyModel.ts";
import { sameWithWeightInputs } from "../../support/weightInputs.ts";

async function onlyLayer(spec: TinyModel, store = tinyStore()): Promise<Layer> {
  const { layers } = await discoverLayers(tinyModel(spec, store));
  expect(layers).toHaveLength(1);
  return layers[0] as Layer;
}

/** A Gemm-free way to see a weight: y = x . w. */
const multiply = (w: string) => node("MatMul", ["x", w], ["y"]);

describe("where weights hide", () => {
  const store = tinyStore();
  const x = noisy([2, 6]);

  it.each([
    ["value", attribute.tensor("value", constant(store, "", weight([6, 4])))],
    ["value with a name of its own", attribute.tensor("value", constant(store, "other", weight([6, 4])))],
  ])("in a Constant's %s", async (_, value) => {
    const spec = {
      inputs: { x: [2, 6] },
      outputs: ["y"],
      nodes: [node("Constant", [], ["w"], { attributes: [value] }), multiply("w")],
    };
    expect(await onlyLayer(spec, store)).toMatchObject({ name: "w", weightTensor: "w", params: 24, floatBytes: 96 });
    await sameWithWeightInputs(tinyModel(spec, store), { x });
  });

  it("in a Constant's value_floats, reshaped", async () => {
    const spec = {
      inputs: { x: [2, 6] },
      outputs: ["y"],
      nodes: [
        node("Constant", [], ["v"], { attributes: [attribute.floats("value_floats", [...noise(24)])] }),
        node("Constant", [], ["s"], { attributes: [attribute.ints("value_ints", [6, -1])] }),
        node("Reshape", ["v", "s"], ["w"]),
        multiply("w"),
      ],
    };
    expect(await onlyLayer(spec)).toMatchObject({ weightShape: [6, 4], weightTensor: "v" });
    await sameWithWeightInputs(tinyModel(spec), { x });
  });

  it.each([
    ["Identity", [node("Identity", ["t"], ["w"])], weight([6, 4])],
    ["Transpose", [node("Transpose", ["t"], ["w"])], weight([4, 6])],
    [
      "Transpose with an order",
      [node("Transpose", ["t"], ["w"], { attributes: [attribute.ints("perm", [1, 2, 0])] })],
      weight([4, 2, 6]),
    ],
    ["Reshape that keeps a dimension", [node("Reshape", ["t", "shape"], ["w"])], weight([6, 2, 2])],
    ["Flatten", [node("Flatten", ["t"], ["w"])], weight([6, 2, 2])],
    [
      "Flatten from the end",
      [node("Flatten", ["t"], ["w"], { attributes: [attribute.int("axis", -1)] })],
      weight([3, 2, 4]),
    ],
    ["Squeeze", [node("Squeeze", ["t"], ["w"])], weight([1, 6, 4, 1])],
    ["Squeeze of named axes", [node("Squeeze", ["t", "axes"], ["w"])], weight([6, 1, 4])],
    ["Unsqueeze", [node("Unsqueeze", ["t", "axes"], ["u"]), node("Squeeze", ["u", "axes"], ["w"])], weight([6, 4])],
    [
      "Cast from half precision",
      [node("Cast", ["t"], ["w"], { attributes: [attribute.int("to", T.FLOAT)] })],
      halfWeight([6, 4]),
    ],
    [
      "Cast from double",
      [node("Cast", ["t"], ["w"], { attributes: [attribute.int("to", T.FLOAT)] })],
      { dims: [6, 4], data: Float64Array.from(noise(24)), type: T.DOUBLE },
    ],
    [
      "Cast from integers",
      [node("Cast", ["t"], ["w"], { attributes: [attribute.int("to", T.FLOAT)] })],
      { dims: [6, 4], data: Int8Array.from({ length: 24 }, (_, i) => i - 12), type: T.INT8 },
    ],
    [
      "a chain of them",
      [
        node("Identity", ["t"], ["a"]),
        node("Transpose", ["a"], ["b"]),
        node("Unsqueeze", ["b", "axes"], ["c"]),
        node("Reshape", ["c", "flat"], ["d"]),
        node("Reshape", ["d", "shape46"], ["e"]),
        node("Transpose", ["e"], ["w"]),
      ],
      weight([4, 6]),
    ],
  ])("behind %s", async (_, nodes, t) => {
    const spec = {
      inputs: { x: [2, 6] },
      outputs: ["y"],
      constants: { t, shape: ints([0, -1]), axes: ints([1]), flat: ints([-1]), shape46: ints([4, 6]) },
      nodes: [...nodes, multiply("w")],
    };
    const layer = await onlyLayer(spec);
    expect(layer).toMatchObject({
      weightTensor: "t",
      channelAxis: layer.weightShape.length - 1,
      params: t.data.length,
    });
    expect(layer.floatReason).toBeUndefined();
    await sameWithWeightInputs(tinyModel(spec), { x });
  });

  it("behind Squeeze, Unsqueeze and Reshape as older opsets write them", async () => {
    const axes = { attributes: [attribute.ints("axes", [0])] };
    const spec = {
      opset: 11,
      ir: 4,
      inputs: { x: [2, 6] },
      outputs: ["y"],
      constants: { t: weight([6, 4]) },
      nodes: [node("Unsqueeze", ["t"], ["u"], axes), node("Squeeze", ["u"], ["w"], axes), multiply("w")],
    };
    expect(await onlyLayer(spec)).toMatchObject({ weightShape: [6, 4] });
    await sameWithWeightInputs(tinyModel(spec), { x });
  });

  const int8 = { dims: [6, 4], data: Int8Array.from({ length: 24 }, (_, i) => 5 * i - 60), type: T.INT8 };
  it.each([
    ["per tensor", int8, floats([0.5], []), { dims: [], data: Int8Array.of(3), type: T.INT8 }, []],
    [
      "per axis",
      int8,
      floats([0.1, 0.2, 0.3, 0.4]),
      { dims: [4], data: Int8Array.of(1, 2, 3, 4), type: T.INT8 },
      [attribute.int("axis", 1)],
    ],
    [
      "per negative axis",
      int8,
      weight([6]),
      { dims: [6], data: new Int8Array(6), type: T.INT8 },
      [attribute.int("axis", -2)],
    ],
    [
      "per block",
      { ...int8, type: T.INT4, data: Int8Array.from({ length: 24 }, (_, i) => (i % 16) - 8) },
      weight([3, 4]),
      { dims: [3, 4], data: Int8Array.from({ length: 12 }, (_, i) => i - 6), type: T.INT4 },
      [attribute.int("axis", 0), attribute.int("block_size", 2)],
    ],
  ])("behind DequantizeLinear %s, as ONNX Runtime computes it", async (_, q, scale, zero, attributes) => {
    const spec = {
      opset: 21,
      ir: 10,
      inputs: { x: [2, 6] },
      outputs: ["y", "w"],
      constants: { q, scale, zero },
      nodes: [node("DequantizeLinear", ["q", "scale", "zero"], ["w"], { attributes }), multiply("w")],
    };
    const model = tinyModel({ ...spec, outputs: ["y"] });
    const [left] = (await discoverLayers(model)).layers;
    const storedBits = q.type === T.INT4 ? 4 : 8;
    expect(left).toMatchObject({ params: 24, storedBits, floatReason: `already quantized to ${storedBits} bits` });
    const [site] = [...(await discoverLayers(model, { requantize: true })).sites.values()];
    expect(site?.layer).toMatchObject({ weightTensor: "q", weightShape: [6, 4] });
    expect(site?.layer.floatReason).toBeUndefined();
    const { w } = await run(tinyModel(spec), { x }, { optimization: "disabled" });
    expect(distance(w, float32([6, 4], await readWeight(model.tensors, site?.chain as WeightChain)))).toBeLessThan(
      1e-6,
    );
  });

  it("behind QuantizeLinear and DequantizeLinear, rounded and saturated as ONNX Runtime does", async () => {
    const pair = [
      node("QuantizeLinear", ["t", "scale", "zero"], ["q"], { attributes: [attribute.int("axis", 0)] }),
      node("DequantizeLinear", ["q", "scale", "zero"], ["w"], { attributes: [attribute.int("axis", 0)] }),
    ];
    const spec = {
      inputs: { x: [2, 6] },
      outputs: ["y", "w"],
      constants: {
        t: weight([6, 4]),
        // The last scale makes values saturate.
        scale: floats([0.1, 0.05, 0.01, 0.02, 0.03, 0.001]),
        zero: { dims: [6], data: new Int8Array(6), type: T.INT8 },
      },
      nodes: [...pair, multiply("w")],
    };
    const model = tinyModel({ ...spec, outputs: ["y"] });
    const [site] = [...(await discoverLayers(model)).sites.values()];
    const { w } = await run(tinyModel(spec), { x }, { optimization: "disabled" });
    expect(distance(w, float32([6, 4], await readWeight(model.tensors, site?.chain as WeightChain)))).toBeLessThan(
      1e-6,
    );
  });

  it("behind a Concat of their rows in another order, but not of other slices", async () => {
    const joined = (second: string) =>
      tinyModel({
        inputs: { x: [2, 6] },
        outputs: ["y"],
        constants: {
          t: weight([8, 6]),
          u: weight([8, 6], 2),
          zero: ints([0]),
          three: ints([3]),
          rest: ints([2 ** 40]),
        },
        nodes: [
          node("Slice", ["t", "three", "rest", "zero"], ["a"]),
          node("Slice", [second, "zero", "three", "zero"], ["b"]),
          node("Concat", ["a", "b"], ["c"], { attributes: [attribute.int("axis", 0)] }),
          node("Gemm", ["x", "c"], ["y"], { attributes: [attribute.int("transB", 1)] }),
        ],
      });
    expect((await discoverLayers(joined("t"))).layers).toMatchObject([{ weightShape: [8, 6], params: 48 }]);
    await sameWithWeightInputs(joined("t"), { x });
    expect((await discoverLayers(joined("u"))).layers).toMatchObject([
      { floatReason: "weight is computed at run time" },
    ]);
  });

  it("behind a Reshape to a dimension that float32 could not hold", async () => {
    const length = 2 ** 24 + 1;
    const layer = await onlyLayer({
      inputs: { x: [2, length] },
      outputs: ["y"],
      constants: { t: { dims: [1, length], data: new Int8Array(length), type: T.INT8 }, s: ints([length, 1]) },
      nodes: [
        node("Cast", ["t"], ["f"], { attributes: [attribute.int("to", T.FLOAT)] }),
        node("Reshape", ["f", "s"], ["w"]),
        multiply("w"),
      ],
    });
    expect(layer.weightShape).toEqual([length, 1]);
  });

  it.each([
    ["float16", halfWeight([6, 4]), 48],
    ["bfloat16", { dims: [6, 4], data: new Uint16Array(24).fill(0x3f80), type: T.BFLOAT16 }, 48],
    ["float64", { dims: [6, 4], data: Float64Array.from(noise(24)), type: T.DOUBLE }, 192],
  ])("in %s, with the bytes they have there", async (_, w, bytes) => {
    const type = w.type as number;
    const layer = await onlyLayer({
      inputs: { x: { type, dims: [2, 6] } },
      outputs: { y: { type, dims: [2, 4] } },
      constants: { w },
      nodes: [multiply("w")],
    });
    expect(layer).toMatchObject({ params: 24, floatBytes: bytes });
    expect(layer.floatReason).toBeUndefined();
  });

  it("says why it does not read 8-bit floats", async () => {
    const layer = await onlyLayer({
      opset: 19,
      inputs: { x: [2, 6] },
      outputs: ["y"],
      constants: { t: { dims: [6, 4], data: new Uint8Array(24), type: T.FLOAT8E4M3FN } },
      nodes: [node("Cast", ["t"], ["w"], { attributes: [attribute.int("to", T.FLOAT)] }), multiply("w")],
    });
    expect(layer.floatReason).toBe("weight is stored as float8e4m3fn");
  });

  it("runs half precision layers on float32 weights", async () => {
    const half = { type: T.FLOAT16, dims: [2, 6] };
    const model = tinyModel({
      inputs: { x: half },
      outputs: { y: { type: T.FLOAT16, dims: [2, 4] } },
      constants: { w: halfWeight([6, 4]), b: halfWeight([4]) },
      nodes: [node("Gemm", ["x", "w", "b"], ["y"])],
    });
    const data = Uint16Array.from(noise(12, 3), numberToHalf);
    await sameWithWeightInputs(model, { x: { type: "float16", dims: [2, 6], data } }, 2e-3);
  });
});
