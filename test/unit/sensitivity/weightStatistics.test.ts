import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { random } from "../../../src/core/data/random.ts";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { discoverLayers, quantizableSites } from "../../../src/core/model/discover.ts";
import { readWeight } from "../../../src/core/model/readWeight.ts";
import { readModel } from "../../../src/core/onnx/read.ts";
import { dequantize, quantizeWeights } from "../../../src/core/quant/quantizer.ts";
import type { WeightError } from "../../../src/core/sensitivity/types.ts";
import { normalizedKl, weightStatistics } from "../../../src/core/sensitivity/weightStatistics.ts";

const allBits: readonly Bits[] = [2, 3, 4, 5, 6, 7, 8];

function gaussians(length: number, seed = 1): Float32Array {
  const source = random(seed);
  return Float32Array.from({ length }, () => source.gaussian());
}

/** sigma by the definition, in double. */
function populationDeviation(w: Float32Array): number {
  const values = Array.from(w);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
}

describe("sigma and range", () => {
  it("are the population's: of 1, 2, 3, 4 sigma is sqrt(5/4)", () => {
    const { sigma, min, max } = weightStatistics(Float32Array.of(1, 2, 3, 4), [2, 2], 0, []);
    expect(sigma).toBeCloseTo(Math.sqrt(1.25), 14);
    expect([min, max]).toEqual([1, 4]);
  });

  it.each([0, 1, 2])("do not depend on the channel axis: %d", (axis) => {
    const w = gaussians(3 * 21 * 7).map((v, i) => v + (i % 13));
    const { sigma } = weightStatistics(w, [3, 21, 7], axis, [4]);
    expect(sigma).toBeCloseTo(populationDeviation(w), 12);
  });

  it("keep their digits far from zero, and are 0 for a constant", () => {
    const w = gaussians(10_000).map((v) => 1000 + v / 1000);
    expect(weightStatistics(w, [10, 1000], 0, []).sigma / populationDeviation(w)).toBeCloseTo(1, 9);
    expect(weightStatistics(new Float32Array(1000).fill(0.1), [10, 100], 0, []).sigma).toBe(0);
  });

  it("of no weights are 0", () => {
    const none = weightStatistics(new Float32Array(), [0, 3], 0, [4]);
    expect(none).toEqual({
      sigma: 0,
      min: 0,
      max: 0,
      errors: [{ bits: 4, kl: 0, sqnrDb: Number.POSITIVE_INFINITY, mse: 0 }],
    });
  });
});

describe("errors", () => {
  it.each([0, 1, 2])("are those of the min-max quantizer, along axis %d and for any number of bitwidths", (axis) => {
    const shape = [5, 18, 3];
    const w = gaussians(270);
    for (const bits of [allBits, allBits.slice(1), [4] as const]) {
      const { errors } = weightStatistics(w, shape, axis, bits);
      expect(errors.map((e) => e.bits)).toEqual(bits);
      for (const { bits: b, mse, sqnrDb } of errors) {
        const back = dequantize(quantizeWeights(w, shape, axis, b, "minmax"));
        let noise = 0;
        let energy = 0;
        for (let i = 0; i < w.length; i++) {
          noise += ((w[i] as number) - (back[i] as number)) ** 2;
          energy += (w[i] as number) ** 2;
        }
        expect(mse / (noise / w.length)).toBeCloseTo(1, 5);
        expect(sqnrDb).toBeCloseTo(10 * Math.log10(energy / noise), 4);
      }
    }
  });

  it("are none at all for weights that were quantized before, or are all zero", () => {
    const grid = dequantize(quantizeWeights(gaussians(2000), [4, 500], 0, 4));
    const exact = { bits: 4, kl: 0, mse: 0, sqnrDb: Number.POSITIVE_INFINITY };
    expect(weightStatistics(grid, [4, 500], 0, [4]).errors).toEqual([exact]);
    expect(weightStatistics(grid, [4, 500], 0, [3]).errors[0]?.mse).toBeGreaterThan(0);
    expect(weightStatistics(new Float32Array(50), [5, 10], 0, [4]).errors).toEqual([exact]);
  });

  it("count dead channels as weights without an error", () => {
    const w = gaussians(200);
    const withDead = new Float32Array(400);
    withDead.set(w);
    const [alone] = weightStatistics(w, [2, 100], 0, [4]).errors;
    const [beside] = weightStatistics(withDead, [4, 100], 0, [4]).errors;
    expect(beside?.mse).toBeCloseTo((alone?.mse ?? 0) / 2, 14);
    expect(beside?.sqnrDb).toBeCloseTo(alone?.sqnrDb ?? 0, 10);
    expect(beside?.kl).toBe(alone?.kl);
  });

  it("refuse weights that are not finite", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const at of [0, 1, 14]) {
        const w = gaussians(15);
        w[at] = bad;
        for (const axis of [0, 1]) {
          expect(() => weightStatistics(w, [3, 5], axis, [4])).toThrow(expect.objectContaining({ code: "SQ2101" }));
        }
      }
    }
    expect(() => weightStatistics(gaussians(15), [4, 4], 0, [4])).toThrow(expect.objectContaining({ code: "SQ9102" }));
  });

  it("take the largest float32 weights without overflow", () => {
    const { sigma, errors } = weightStatistics(Float32Array.of(3.4e38, -3.4e38, 1e38), [1, 3], 0, [4]);
    expect(sigma).toBeGreaterThan(1e38);
    expect(errors[0]?.sqnrDb).toBeGreaterThan(10);
    expect(errors[0]?.sqnrDb).toBeLessThan(60);
  });

  it("stop between channels when cancelled", () => {
    const cancelled = AbortSignal.abort();
    expect(() => weightStatistics(gaussians(12), [3, 4], 0, [4], {}, cancelled)).toThrow(cancelled.reason);
  });
});

describe("the KL divergence", () => {
  const klOf = (w: Float32Array, shape: readonly number[]) =>
    weightStatistics(w, shape, 0, allBits).errors.map((e) => e.kl);

  it.each([
    [1, 300],
    [16, 27],
    [64, 9],
    [8, 500],
    [64, 576],
    [100, 2000],
  ])("is positive and falls with every bit on gaussians: %d channels of %d", (channels, length) => {
    for (const seed of [1, 2]) expectFalling(klOf(gaussians(channels * length, seed), [channels, length]));
  });

  it.each([4, 5, 6, 7, 8])(
    "of a gaussian at %d bits is that of theory, step^2 / (24 sigma^2), at any number of weights",
    (bits) => {
      for (const [channels, length] of [
        [4, 500],
        [16, 1000],
        [64, 2000],
      ] as const) {
        const w = gaussians(channels * length);
        const { sigma, errors } = weightStatistics(w, [channels, length], 0, [bits as Bits]);
        const { scales } = quantizeWeights(w, [channels, length], 0, bits as Bits);
        const meanSquare = scales.reduce((sum, s) => sum + s * s, 0) / channels;
        expect((errors[0]?.kl ?? 0) / (meanSquare / 24 / sigma ** 2)).toBeGreaterThan(0.75);
        expect((errors[0]?.kl ?? 0) / (meanSquare / 24 / sigma ** 2)).toBeLessThan(1.25);
      }
    },
  );

  it("does not depend on the unit of the weights or of a channel", () => {
    const w = gaussians(4000);
    const scaled = w.map((v, i) => v * 2 ** (3 - Math.floor(i / 1000)));
    expect(klOf(scaled, [4, 1000])).toEqual(klOf(w, [4, 1000]));
  });

  it("is larger where the range is spent on a tail", () => {
    const w = gaussians(20_000);
    const heavy = w.map((v) => v ** 3);
    const [light, tail] = [klOf(w, [10, 2000]), klOf(heavy, [10, 2000])];
    for (const [i, kl] of light.entries()) expect(tail[i]).toBeGreaterThan(2 * kl);
  });

  it("of a large layer is known from a sample of it", () => {
    const w = gaussians(200 * 2000);
    const sampled = klOf(w, [200, 2000]);
    const { errors } = weightStatistics(w, [200, 2000], 0, allBits, { divergenceSample: w.length });
    for (const [i, { kl }] of errors.entries()) {
      expect((sampled[i] as number) / kl).toBeGreaterThan(0.9);
      expect((sampled[i] as number) / kl).toBeLessThan(1.1);
    }
  });

  it("takes that sample from all positions of a kernel", () => {
    // One of nine kernel positions is ten times as large: a stride that met only it, or never met it, would see a
    // plain gaussian.
    const w = gaussians(64 * 9 * 900).map((v, i) => (i % 9 === 4 ? v : v / 10));
    const [sampled] = weightStatistics(w, [64, 8100], 0, [4]).errors;
    const [all] = weightStatistics(w, [64, 8100], 0, [4], { divergenceSample: w.length }).errors;
    const [plain] = weightStatistics(gaussians(64 * 900), [64, 900], 0, [4]).errors;
    expect(all?.kl).toBeGreaterThan(2 * (plain?.kl ?? 0));
    // Fewer weights are smoothed more, which takes a little from so sharp a peak.
    expect((sampled?.kl ?? 0) / (all?.kl ?? 1)).toBeGreaterThan(0.8);
    expect((sampled?.kl ?? 0) / (all?.kl ?? 1)).toBeLessThan(1.1);
  });

  it("falls with every bit in every layer of a trained ResNet-8", async () => {
    const bytes = await readFile(new URL("../../fixtures/models/resnet8.onnx", import.meta.url));
    const model = await readModel({ size: bytes.length, read: async (at, length) => bytes.subarray(at, at + length) });
    const sites = quantizableSites(await discoverLayers(model));
    expect(sites.length).toBeGreaterThan(8);
    for (const { layer, chain } of sites) {
      const w = await readWeight(model.tensors, chain);
      const { sigma, errors } = weightStatistics(w, layer.weightShape, layer.channelAxis, allBits);
      expect(sigma).toBeCloseTo(populationDeviation(w), 10);
      expectFalling(errors.map((e) => e.kl));
      expectFalling(errors.map((e) => e.mse));
    }
  });
});

function expectFalling(values: readonly number[]): void {
  for (const [i, value] of values.entries()) {
    expect(value).toBeGreaterThan(0);
    expect(value).toBeLessThan(values[i - 1] ?? Number.POSITIVE_INFINITY);
  }
}

describe("the normalized KL divergence", () => {
  const error = (bits: Bits, kl: number): WeightError => ({ bits, kl, sqnrDb: 0, mse: 0 });

  it("is 0 for INT8, grows with the divergence and stays below 1", () => {
    const normalized = normalizedKl(weightStatistics(gaussians(5000), [5, 1000], 0, allBits).errors);
    const values = allBits.map((bits) => normalized.get(bits) as number);
    expect(values.at(-1)).toBe(0);
    expectFalling(values.slice(0, -1));
    expect(values[0]).toBeLessThan(1);
  });

  it("is about the extra divergence where that is small, and never negative", () => {
    const normalized = normalizedKl([error(2, 50), error(4, 0.011), error(6, 0.0005), error(8, 0.001)]);
    expect(normalized.get(4)).toBeCloseTo(0.01, 4);
    expect(normalized.get(6)).toBe(0);
    expect(normalized.get(2)).toBeCloseTo(1, 10);
  });

  it("takes 0 for the baseline where INT8 was not tried", () => {
    expect(normalizedKl([error(4, 0.01)]).get(4)).toBeCloseTo(1 - Math.exp(-0.01), 12);
  });
});
