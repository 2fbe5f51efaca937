import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import type { ActivationBits, Bits } from "../../../src/core/hardware/profile.ts";
import { attribute, node, tensor, valueInfo } from "../../../src/core/onnx/build.ts";
import { ActivationObserver } from "../../../src/core/quant/activation.ts";
import { foldBatchNormInto } from "../../../src/core/quant/batchNorm.ts";
import { dequantize, quantizeWeights, quantizeWithScales } from "../../../src/core/quant/quantizer.ts";
import { gaussians, runInOnnxRuntime, tinyModel } from "./support.ts";

const shape = [3, 4, 5];

describe("weights as ONNX Runtime dequantizes them", () => {
  it.each<{ bits: Bits; type: number; axis: number }>([
    { bits: 8, type: T.INT8, axis: 0 },
    { bits: 8, type: T.INT8, axis: 1 },
    { bits: 5, type: T.INT8, axis: 2 },
    { bits: 4, type: T.INT4, axis: 0 },
    { bits: 3, type: T.INT4, axis: 1 },
  ])("are bit for bit ours: $bits bits along axis $axis", async ({ bits, type, axis }) => {
    const quantized = quantizeWeights(gaussians(60), shape, axis, bits, "mse");
    const model = tinyModel((store) => ({
      node: [node("DequantizeLinear", ["q", "scale"], ["w"], { attributes: [attribute.int("axis", axis)] })],
      initializer: [
        tensor(store, "q", type, shape, quantized.q),
        tensor(store, "scale", T.FLOAT, [quantized.scales.length], quantized.scales),
      ],
      input: [],
      output: [valueInfo("w", T.FLOAT, shape)],
    }));
    expect(await runInOnnxRuntime(model)).toEqual(dequantize(quantized));
  });

  it("are ours block-wise too", async () => {
    const quantized = quantizeWeights(gaussians(3 * 32), [3, 32], 0, 4, "minmax", { blockSize: 16 });
    const model = tinyModel((store) => ({
      node: [
        node("DequantizeLinear", ["q", "scale"], ["w"], {
          attributes: [attribute.int("axis", 1), attribute.int("block_size", 16)],
        }),
      ],
      initializer: [
        tensor(store, "q", T.INT4, [3, 32], quantized.q),
        tensor(store, "scale", T.FLOAT, [3, 2], quantized.scales),
      ],
      input: [],
      output: [valueInfo("w", T.FLOAT, [3, 32])],
    }));
    expect(await runInOnnxRuntime(model)).toEqual(dequantize(quantized));
  });
});

describe("weights as ONNX Runtime quantizes them", () => {
  it("are our integers, ties and saturation included", async () => {
    const w = Float32Array.from({ length: 600 }, (_, i) => (i - 300) / 4);
    // Scales of 1/2 and 1: every fourth and second quotient is a tie, and the ends are outside of the grid.
    const scales = Float32Array.of(0.5, 1);
    const expected = await runInOnnxRuntime(quantizeModel(300, scales), { w: { data: w, dims: [2, 300] } });
    const { q } = quantizeWithScales(w, { outer: 1, channels: 2, inner: 300 }, scales, 8);
    expect(Array.from(q)).toEqual(Array.from(expected));
    expect(Math.min(...q)).toBe(-128);
  });

  it("are our integers with min-max scales of real numbers", async () => {
    const w = gaussians(600);
    const { q, scales } = quantizeWeights(w, [2, 300], 0, 8);
    const expected = await runInOnnxRuntime(quantizeModel(300, scales), { w: { data: w, dims: [2, 300] } });
    expect(Array.from(q)).toEqual(Array.from(expected));
  });
});

function quantizeModel(length: number, scales: Float32Array) {
  return tinyModel((store) => ({
    node: [node("QuantizeLinear", ["w", "scale", "zero"], ["q"], { attributes: [attribute.int("axis", 0)] })],
    initializer: [tensor(store, "scale", T.FLOAT, [2], scales), tensor(store, "zero", T.INT8, [2], new Int8Array(2))],
    input: [valueInfo("w", T.FLOAT, [2, length])],
    output: [valueInfo("q", T.INT8, [2, length])],
  }));
}

describe("activations in ONNX Runtime", () => {
  it.each<{ bits: ActivationBits; type: number }>([
    { bits: 8, type: T.UINT8 },
    { bits: 16, type: T.UINT16 },
  ])("come back within half a step of the observed range, 0 exactly: $bits bits", async ({ bits, type }) => {
    const x = gaussians(500).map((v) => v + 0.7);
    x[0] = 0;
    const observer = new ActivationObserver();
    observer.add(x);
    const { scale, zeroPoint } = observer.quantization("minmax", bits);
    const model = tinyModel((store) => ({
      node: [
        node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
      ],
      initializer: [
        tensor(store, "scale", T.FLOAT, [], Float32Array.of(scale)),
        tensor(store, "zero", type, [], bits === 16 ? Uint16Array.of(zeroPoint) : Uint8Array.of(zeroPoint)),
      ],
      input: [valueInfo("x", T.FLOAT, [500])],
      output: [valueInfo("y", T.FLOAT, [500])],
    }));
    const y = await runInOnnxRuntime(model, { x: { data: x, dims: [500] } });
    expect(y[0]).toBe(0);
    // At the ends the rounded zero point may shift the grid by half a step.
    for (let i = 0; i < 500; i++) expect(Math.abs((y[i] as number) - (x[i] as number))).toBeLessThan(scale * 1.01);
  });
});

describe("batch normalization folded into", () => {
  const parameters = {
    gamma: Float32Array.of(1.5, -0.5, 0, 2),
    beta: Float32Array.of(0.1, -0.2, 0.3, 0),
    mean: Float32Array.of(0.5, 0, -1, 3),
    variance: Float32Array.of(1, 0.25, 4, 0),
    epsilon: 1e-3,
  };
  const x = { data: gaussians(2 * 3 * 3, 7), dims: [1, 2, 3, 3] };

  it.each([
    { op: "Conv", weightShape: [4, 2, 2, 2], axis: 0, bias: undefined },
    { op: "Conv", weightShape: [4, 2, 2, 2], axis: 0, bias: gaussians(4, 3) },
    { op: "ConvTranspose", weightShape: [2, 4, 2, 2], axis: 1, bias: gaussians(4, 3) },
  ])("$op gives what ONNX Runtime computes of both", async ({ op, weightShape, axis, bias }) => {
    const w = gaussians(32, 5);
    const names = ["gamma", "beta", "mean", "variance"] as const;
    const both = tinyModel((store) => ({
      node: [
        node(op, ["x", "w", ...(bias ? ["b"] : [])], ["c"]),
        node("BatchNormalization", ["c", ...names], ["y"], {
          attributes: [attribute.float("epsilon", parameters.epsilon)],
        }),
      ],
      initializer: [
        tensor(store, "w", T.FLOAT, weightShape, w),
        ...(bias ? [tensor(store, "b", T.FLOAT, [4], bias)] : []),
        ...names.map((name) => tensor(store, name, T.FLOAT, [4], parameters[name])),
      ],
      input: [valueInfo("x", T.FLOAT, x.dims)],
      output: [valueInfo("y", T.FLOAT)],
    }));
    const folded = foldBatchNormInto(w, weightShape, axis, bias, parameters);
    const one = tinyModel((store) => ({
      node: [node(op, ["x", "w", "b"], ["y"])],
      initializer: [
        tensor(store, "w", T.FLOAT, weightShape, folded.weight),
        tensor(store, "b", T.FLOAT, [4], folded.bias),
      ],
      input: [valueInfo("x", T.FLOAT, x.dims)],
      output: [valueInfo("y", T.FLOAT)],
    }));
    const expected = await runInOnnxRuntime(both, { x });
    const actual = await runInOnnxRuntime(one, { x });
    expect(actual.length).toBe(expected.length);
    for (let i = 0; i < expected.length; i++) {
      const y = expected[i] as number;
      // Both round to float32 on their way, in another order.
      expect(Math.abs((actual[i] as number) - y)).toBeLessThan(1e-5 + 1e-6 * Math.abs(y));
    }
  });
});
