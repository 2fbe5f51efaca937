import { describe, expect, it } from "vitest";
import type { ActivationBits } from "../../../src/core/hardware/profile.ts";
import { ActivationObserver, type ActivationRange } from "../../../src/core/quant/activation.ts";
import { expectedError } from "../../../src/core/quant/activationRange.ts";
import { zeroChannelScale } from "../../../src/core/quant/integerGrid.ts";
import { gaussians } from "./support.ts";

const ranges: readonly ActivationRange[] = ["minmax", "percentile", "mse"];
const allBits: readonly ActivationBits[] = [4, 8, 16];

function observed(...pieces: readonly Float32Array[]): ActivationObserver {
  const observer = new ActivationObserver();
  for (const piece of pieces) observer.add(piece);
  return observer;
}

const relu = (length: number, seed = 1) => gaussians(length, seed).map((v) => Math.max(0, v));

/** The mean squared error on the values themselves. */
function measuredError(x: Float32Array, scale: number, zeroPoint: number, bits: ActivationBits): number {
  let sum = 0;
  for (const v of x) {
    const q = Math.min(2 ** bits - 1, Math.max(0, Math.round(v / scale) + zeroPoint));
    sum += (v - (q - zeroPoint) * scale) ** 2;
  }
  return sum / x.length;
}

describe("the grid of an activation", () => {
  const inputs: Readonly<Record<string, Float32Array>> = {
    "both signs": gaussians(3000),
    ReLU: relu(3000),
    "never positive": relu(3000).map((v) => -v),
    "far from zero": gaussians(3000).map((v) => v + 50),
    "one constant": new Float32Array(100).fill(3.7),
    "a negative constant": new Float32Array(100).fill(-3.7),
    "one value": Float32Array.of(0.1),
    "all zero": new Float32Array(100),
    "too small for a scale": new Float32Array(100).fill(1e-42),
    "as large as float32": Float32Array.of(-3.4e38, 3.4e38),
    "one NaN among them": Float32Array.of(Number.NaN, 1, -1),
    "nothing but NaN": Float32Array.of(Number.NaN),
    nothing: new Float32Array(),
  };

  for (const range of ranges) {
    it.each(Object.keys(inputs))(`is one that ONNX takes (${range}): %s`, (name) => {
      for (const bits of allBits) {
        const { scale, zeroPoint } = observed(inputs[name] as Float32Array).quantization(range, bits);
        expect(Math.fround(scale)).toBe(scale);
        expect(scale).toBeGreaterThan(0);
        expect(scale).toBeLessThan(Number.POSITIVE_INFINITY);
        expect(Number.isInteger(zeroPoint)).toBe(true);
        expect(zeroPoint).toBeGreaterThanOrEqual(0);
        expect(zeroPoint).toBeLessThanOrEqual(2 ** bits - 1);
      }
    });

    it(`is the same however the values were cut and merged (${range})`, () => {
      const x = gaussians(3000).map((v) => v ** 3);
      const parts = [x.subarray(0, 10), x.subarray(10, 2000), x.subarray(2000)] as const;
      const merged = observed(parts[0]);
      merged.merge(observed(parts[2], parts[1]));
      expect(merged.count).toBe(3000);
      expect(merged.quantization(range, 8)).toEqual(observed(x).quantization(range, 8));
    });
  }

  it("of what was never anything but zero has a small scale and zero point 0", () => {
    for (const range of ranges) {
      for (const x of [new Float32Array(100), new Float32Array()]) {
        expect(observed(x).quantization(range, 8)).toEqual({ scale: zeroChannelScale, zeroPoint: 0 });
      }
    }
  });

  it("represents a constant exactly, to float32", () => {
    for (const range of ranges) {
      for (const constant of [3.7, -3.7]) {
        const { scale, zeroPoint } = observed(new Float32Array(100).fill(constant)).quantization(range, 8);
        expect((Math.sign(constant) > 0 ? 255 : -255) * scale).toBeCloseTo(constant, 5);
        expect(zeroPoint).toBe(constant > 0 ? 0 : 255);
      }
    }
  });

  it("counts what is not finite and observes the rest", () => {
    const observer = observed(Float32Array.of(Number.NaN, 1, Number.NEGATIVE_INFINITY));
    expect([observer.count, observer.nonFinite]).toEqual([1, 2]);
    expect(observer.quantization("minmax", 8)).toEqual({ scale: Math.fround(1 / 255), zeroPoint: 0 });
  });
});

describe("min-max", () => {
  it("gives ReLU outputs the zero point 0 and the last integer to the largest value", () => {
    const x = relu(1000);
    for (const bits of allBits) {
      const { scale, zeroPoint } = observed(x).quantization("minmax", bits);
      expect(zeroPoint).toBe(0);
      expect(scale).toBe(Math.fround(Math.max(...x) / (2 ** bits - 1)));
    }
  });

  it("always holds 0", () => {
    expect(observed(Float32Array.of(5, 10)).quantization("minmax", 4)).toEqual({
      scale: Math.fround(10 / 15),
      zeroPoint: 0,
    });
    expect(observed(Float32Array.of(-5, -15)).quantization("minmax", 4)).toEqual({ scale: 1, zeroPoint: 15 });
  });

  it("puts 0 where the range says", () => {
    expect(observed(Float32Array.of(-1, 2)).quantization("minmax", 8)).toEqual({
      scale: Math.fround(3 / 255),
      zeroPoint: 85,
    });
  });
});

describe("the 99.9 percentile", () => {
  it("is that of the sorted values, at either end, to a bin", () => {
    const x = gaussians(100_000).map((v) => v ** 3);
    const sorted = x.toSorted();
    const [low, high] = [sorted[100] as number, sorted[99_899] as number];
    const { scale, zeroPoint } = observed(x).quantization("percentile", 16);
    expect(scale * 65535).toBeCloseTo(high - low, 0);
    expect(Math.abs(scale * 65535 - (high - low))).toBeLessThan(0.01 * (high - low));
    expect(Math.abs(-zeroPoint * scale - low)).toBeLessThan(0.01 * (high - low));
  });

  it("leaves the zero point of ReLU outputs at 0", () => {
    const { scale, zeroPoint } = observed(relu(10_000)).quantization("percentile", 8);
    expect(zeroPoint).toBe(0);
    // The 99.9 percentile of all values, zeros among them, is that of the gaussian.
    expect(scale * 255).toBeGreaterThan(2.8);
    expect(scale * 255).toBeLessThan(3.4);
  });

  it("is the maximum of fewer than a thousand values", () => {
    const x = gaussians(900);
    expect(observed(x).quantization("percentile", 8)).toEqual(observed(x).quantization("minmax", 8));
  });

  it("ignores an outlier that would cost min-max all its resolution", () => {
    const x = gaussians(100_000);
    x[7] = 1e6;
    expect(observed(x).quantization("percentile", 8).scale).toBeLessThan(0.2);
  });

  it("keeps the signal where nearly all values are zero", () => {
    const oneHot = new Float32Array(10_000);
    oneHot[3] = 1;
    expect(observed(oneHot).quantization("percentile", 8)).toEqual({ scale: Math.fround(1 / 255), zeroPoint: 0 });
  });
});

describe("least error", () => {
  const inputs: Readonly<Record<string, Float32Array>> = {
    gaussian: gaussians(50_000),
    ReLU: relu(50_000),
    "heavy tails": gaussians(50_000).map((v) => v ** 3),
    "one long tail": gaussians(50_000).map((v) => (v > 0 ? v : -(v ** 4))),
    uniform: Float32Array.from({ length: 50_000 }, (_, i) => i / 50_000),
    outlier: gaussians(50_000).map((v, i) => (i === 9 ? 300 : v)),
  };

  it.each(Object.keys(inputs))("is not above min-max on the values themselves: %s", (name) => {
    const x = inputs[name] as Float32Array;
    for (const bits of allBits) {
      const observer = observed(x);
      const least = observer.quantization("mse", bits);
      const minmax = observer.quantization("minmax", bits);
      // The search sees a histogram: on the values it may be off by as much as bins are wide.
      expect(measuredError(x, least.scale, least.zeroPoint, bits)).toBeLessThanOrEqual(
        1.02 * measuredError(x, minmax.scale, minmax.zeroPoint, bits),
      );
    }
  });

  it("is within 2 % of the best clipping found by trying them all, at 4 bits on ReLU outputs", () => {
    const x = inputs.ReLU as Float32Array;
    const { scale, zeroPoint } = observed(x).quantization("mse", 4);
    let best = Number.POSITIVE_INFINITY;
    for (let clip = 1; clip < 5; clip += 0.02) best = Math.min(best, measuredError(x, Math.fround(clip / 15), 0, 4));
    expect(measuredError(x, scale, zeroPoint, 4)).toBeLessThan(1.02 * best);
  });

  it("clips both ends of a gaussian at 4 bits where the optimum is, near 2.55 sigma", () => {
    const { scale, zeroPoint } = observed(inputs.gaussian as Float32Array).quantization("mse", 4);
    expect(-zeroPoint * scale).toBeLessThan(-2.2);
    expect(-zeroPoint * scale).toBeGreaterThan(-2.9);
    expect((15 - zeroPoint) * scale).toBeLessThan(2.9);
    expect((15 - zeroPoint) * scale).toBeGreaterThan(2.2);
  });
});

describe("the expected error of a histogram", () => {
  const bins = {
    from: Float64Array.of(-1, 0, 2),
    to: Float64Array.of(-0.3, 0, 4.5),
    count: Float64Array.of(10, 7, 30),
  };

  it.each([
    { scale: 0.01, zeroPoint: 80 },
    { scale: 0.3, zeroPoint: 2 },
    { scale: 1, zeroPoint: 0 },
    { scale: 7, zeroPoint: 15 },
  ])("is the integral over the bins, clipping included: scale $scale, zero point $zeroPoint", (grid) => {
    const bits = grid.scale < 0.1 ? 8 : 4;
    const points = 200_000;
    let expected = 0;
    for (const b of [0, 2]) {
      const [a, width] = [bins.from[b] as number, (bins.to[b] as number) - (bins.from[b] as number)];
      const x = Float32Array.from({ length: points }, (_, i) => a + ((i + 0.5) / points) * width);
      expected += (bins.count[b] as number) * measuredError(x, grid.scale, grid.zeroPoint, bits);
    }
    const actual = expectedError(bins, grid, bits);
    expect(Math.abs(actual - expected)).toBeLessThan(1e-5 * expected);
    expect(expectedError(bins, grid, bits, actual * 0.99)).toBe(Number.POSITIVE_INFINITY);
  });
});
