import { describe, expect, it } from "vitest";
import { foldBatchNormInto } from "../../../src/core/quant/batchNorm.ts";

const identity = {
  gamma: Float32Array.of(1, 1),
  beta: Float32Array.of(0, 0),
  mean: Float32Array.of(0, 0),
  variance: Float32Array.of(1, 1),
  epsilon: 0,
};

describe("folding a batch normalization", () => {
  it("scales each channel by gamma / sqrt(variance + epsilon) and moves its bias", () => {
    const { weight, bias } = foldBatchNormInto(Float32Array.of(1, 2, 3, 4), [2, 2], 0, Float32Array.of(10, 20), {
      gamma: Float32Array.of(2, 3),
      beta: Float32Array.of(5, -5),
      mean: Float32Array.of(4, 8),
      variance: Float32Array.of(3, 8),
      epsilon: 1,
    });
    expect([...weight]).toEqual([1, 2, 3, 4]);
    expect([...bias]).toEqual([11, 7]);
  });

  it("follows the channel axis", () => {
    const parameters = { ...identity, gamma: Float32Array.of(1, 10) };
    expect([...foldBatchNormInto(Float32Array.of(1, 2, 3, 4), [2, 2], 1, undefined, parameters).weight]).toEqual([
      1, 20, 3, 40,
    ]);
  });

  it("makes a bias where there was none, and leaves its inputs alone", () => {
    const w = Float32Array.of(1, 2);
    const folded = foldBatchNormInto(w, [2, 1], 0, undefined, { ...identity, mean: Float32Array.of(1, 2) });
    expect([...folded.bias]).toEqual([-1, -2]);
    expect(folded.weight).not.toBe(w);
    expect([...w]).toEqual([1, 2]);
  });

  it("computes in double: what cancels in the bias is not lost", () => {
    // (bias - mean) is 1 only before rounding to float32; 2^-12 of it remain.
    const folded = foldBatchNormInto(Float32Array.of(1), [1, 1], 0, Float32Array.of(2 ** 24 + 2), {
      gamma: Float32Array.of(2 ** -12),
      beta: Float32Array.of(0),
      mean: Float32Array.of(2 ** -1),
      variance: Float32Array.of(1),
      epsilon: 0,
    });
    expect(folded.bias[0]).toBe(Math.fround((2 ** 24 + 1.5) * 2 ** -12));
  });

  it("refuses parameters of another number of channels", () => {
    for (const name of ["gamma", "beta", "mean", "variance"] as const) {
      const parameters = { ...identity, [name]: Float32Array.of(1, 1, 1) };
      expect(() => foldBatchNormInto(Float32Array.of(1, 2), [2, 1], 0, undefined, parameters)).toThrow(
        expect.objectContaining({ code: "SQ2102" }),
      );
    }
    expect(() => foldBatchNormInto(Float32Array.of(1, 2), [2, 1], 0, Float32Array.of(1), identity)).toThrow(
      expect.objectContaining({ code: "SQ2102" }),
    );
  });
});
