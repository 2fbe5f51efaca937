import { describe, expect, it } from "vitest";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { channelView } from "../../../src/core/quant/channelView.ts";
import { zeroChannelScale } from "../../../src/core/quant/integerGrid.ts";
import {
  dequantize,
  fakeQuantize,
  fakeQuantizeWithScales,
  quantizeWeights,
  quantizeWithScales,
  type WeightRange,
  weightScales,
} from "../../../src/core/quant/quantizer.ts";
import { gaussians } from "./support.ts";

const allBits: readonly Bits[] = [2, 3, 4, 5, 6, 7, 8];
const ranges: readonly WeightRange[] = ["minmax", "narrow", "mse", "percentile"];

describe("quantized weights", () => {
  it("are rounded half to even and saturated", () => {
    const w = Float32Array.of(0.5, 1.5, 2.5, -0.5, -1.5, 6.6, 7.4, 7.5, 9, -8.4, -9);
    const { q } = quantizeWithScales(w, channelView([1, 11], 0), Float32Array.of(1), 4);
    expect([...q]).toEqual([0, 2, 2, 0, -2, 7, 7, 7, 7, -8, -8]);
  });

  it("take a channel's extremes to the ends of the grid", () => {
    const w = Float32Array.of(-1, -0.5, 0, 0.25, 0.5, 1);
    const { q, scales } = quantizeWeights(w, [2, 3], 0, 2);
    expect([...scales]).toEqual([0.5, 1]);
    expect([...q]).toEqual([-2, -1, 0, 0, 0, 1]);
  });

  it.each([0, 1, 2])("have one scale per channel along axis %d, found in that channel alone", (axis) => {
    const shape = [3, 4, 5];
    const channels = shape[axis] as number;
    const { inner } = channelView(shape, axis);
    // Channel c holds 2^c times the same pattern, so that its scale must be 2^c times as large.
    const w = Float32Array.from({ length: 60 }, (_, i) => {
      const c = Math.floor(i / inner) % channels;
      return 2 ** c * (i % 2 === 0 ? -1 : 127 / 128);
    });
    const { q, scales } = quantizeWeights(w, shape, axis, 8);
    expect([...scales]).toEqual(Array.from({ length: channels }, (_, c) => 2 ** (c - 7)));
    expect(new Set(q)).toEqual(new Set([-128, 127]));
    expect(quantizeWeights(w, shape, axis - 3, 8).q).toEqual(q);
  });

  it.each(ranges)("of a dead channel are 0, with a scale that biases can live with: %s", (range) => {
    const w = Float32Array.of(0, 0, 0, 1, -1, 0.5);
    const { q, scales } = quantizeWeights(w, [2, 3], 0, 4, range);
    expect([...q.subarray(0, 3)]).toEqual([0, 0, 0]);
    expect(scales[0]).toBe(zeroChannelScale);
    expect(scales[1]).toBeGreaterThan(0.05);
  });

  it("of a tensor without elements are none, with usable scales", () => {
    const { q, scales } = quantizeWeights(new Float32Array(), [3, 0], 0, 4);
    expect(q.length).toBe(0);
    expect([...scales]).toEqual([zeroChannelScale, zeroChannelScale, zeroChannelScale]);
  });

  it.each(ranges)("are refused when one is not finite: %s", (range) => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (const at of [0, 5, 11]) {
        const w = gaussians(12);
        w[at] = bad;
        for (const axis of [0, 1]) {
          for (const shape of [
            [3, 4],
            [4, 3],
          ]) {
            expect(() => quantizeWeights(w, shape, axis, 4, range)).toThrow(
              expect.objectContaining({ code: "SQ2101" }),
            );
          }
        }
      }
    }
  });

  it.each(ranges)("of a matrix are the same in columns as in rows: %s", (range) => {
    for (const channels of [1, 2, 5, 8]) {
      const rows = gaussians(channels * 6);
      const columns = Float32Array.from(rows, (_, i) => rows[(i % channels) * 6 + Math.floor(i / channels)] as number);
      const expected = quantizeWeights(rows, [channels, 6], 0, 4, range);
      const found = quantizeWeights(columns, [6, channels], 1, 4, range);
      expect([...found.scales]).toEqual([...expected.scales]);
      const turned = Array.from(rows, (_, i) => found.q[(i % 6) * channels + Math.floor(i / 6)] as number);
      expect(turned).toEqual([...expected.q]);
    }
  });

  it("stop between channels when cancelled", () => {
    const cancelled = AbortSignal.abort();
    expect(() => quantizeWeights(gaussians(12), [3, 4], 0, 4, "minmax", {}, cancelled)).toThrow(cancelled.reason);
  });
});

describe("blocks", () => {
  it("have their own scales, the last one being shorter", () => {
    const w = Float32Array.of(1, -1, 2, -2, 4, 8, 8, 8, 8, 16);
    const { scales, blockSize } = quantizeWeights(w, [2, 5], 0, 8, "narrow", { blockSize: 2 });
    expect(blockSize).toBe(2);
    expect([...scales].map((s) => Math.round(s * 127))).toEqual([1, 2, 4, 8, 8, 16]);
  });

  it.each([0, 1])("lie along the row of a channel wherever the channel axis is: axis %d", (axis) => {
    const perChannel = Float32Array.of(1, -1, 10, -10, 100);
    const w = Float32Array.from({ length: 10 }, (_, i) => perChannel[axis === 0 ? i % 5 : i >> 1] as number);
    const quantized = quantizeWeights(w, axis === 0 ? [2, 5] : [5, 2], axis, 4, "narrow", { blockSize: 2 });
    expect([...quantized.scales].map((s) => Math.round(s * 7))).toEqual([1, 10, 100, 1, 10, 100]);
    expect(Math.max(...dequantize(quantized).map((v, i) => Math.abs(v - (w[i] as number))))).toBeLessThan(1e-5);
  });

  it.each(allBits)("never make the error of min-max larger: %d bits", (bits) => {
    const w = gaussians(4 * 64);
    const whole = squaredError(w, dequantize(quantizeWeights(w, [4, 64], 0, bits)));
    const blocks = squaredError(w, dequantize(quantizeWeights(w, [4, 64], 0, bits, "minmax", { blockSize: 16 })));
    expect(blocks).toBeLessThan(whole);
  });
});

describe("ranges", () => {
  it.each(allBits)("of least error are never worse than any other, in any channel: %d bits", (bits) => {
    for (const seed of [1, 2, 3]) {
      // Cubes of gaussians have heavy tails, as trained weights do.
      const w = gaussians(8 * 50, seed).map((v) => v ** 3);
      const errors = new Map(ranges.map((range) => [range, channelErrors(w, 50, bits, range)]));
      const least = errors.get("mse") ?? [];
      for (const range of ranges) {
        for (const [c, error] of (errors.get(range) ?? []).entries()) {
          // The search is discrete: the percentile may hit a scale between two of its candidates.
          const margin = range === "percentile" ? 1.02 : 1;
          expect(least[c], `${range}, channel ${c}`).toBeLessThanOrEqual(error * margin);
        }
      }
    }
  });

  it("of least error clip the tail of a bell at 2 bits, and gain a lot by it", () => {
    const w = gaussians(1000);
    const [minmax] = channelErrors(w, 1000, 2, "minmax");
    const [least] = channelErrors(w, 1000, 2, "mse");
    expect(least).toBeLessThan(0.4 * (minmax as number));
  });

  it("of least error reach the optimum of a uniform quantizer for gaussians (Max 1960: 0.01154 at 4 bits)", () => {
    const w = gaussians(200_000);
    const [least] = channelErrors(w, w.length, 4, "mse");
    // Sixteen levels with zero among them and one more negative than positive, not Max's eight on each side: a little
    // more error.
    expect((least as number) / w.length).toBeGreaterThan(0.0112);
    expect((least as number) / w.length).toBeLessThan(0.0126);
  });

  it("by percentile clip what is beyond the 99.9 %, from a thousand weights on", () => {
    const w = Float32Array.from({ length: 2000 }, (_, i) => (i % 2 === 0 ? 1 : -1));
    w[0] = 100;
    expect(quantizeWeights(w, [1, 2000], 0, 8, "percentile").scales[0]).toBeCloseTo(1 / 127, 6);
    const short = w.slice(0, 900);
    expect(quantizeWeights(short, [1, 900], 0, 8, "percentile").scales[0]).toBeCloseTo(100 / 127, 4);
  });
});

describe("fake quantization", () => {
  it.each(ranges)("gives the numbers of quantizing and dequantizing, also in place: %s", (range) => {
    for (const axis of [0, 1, 2]) {
      const w = gaussians(60);
      const expected = dequantize(quantizeWeights(w, [3, 4, 5], axis, 3, range));
      expect(fakeQuantize(w, [3, 4, 5], axis, 3, range, new Float32Array(60))).toEqual(expected);
      expect(fakeQuantize(w, [3, 4, 5], axis, 3, range, w)).toBe(w);
      expect(w).toEqual(expected);
    }
  });

  it("takes given scales, also block-wise", () => {
    const w = gaussians(40);
    const view = channelView([4, 10], 0);
    const scales = weightScales(w, view, 4, "mse", 3);
    const expected = dequantize(quantizeWithScales(w, view, scales, 4, 3));
    expect(fakeQuantizeWithScales(w, view, scales, 4, new Float32Array(40), 3)).toEqual(expected);
  });
});

function squaredError(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, v, i) => sum + (v - (b[i] as number)) ** 2, 0);
}

function channelErrors(w: Float32Array, length: number, bits: Bits, range: WeightRange): number[] {
  const back = dequantize(quantizeWeights(w, [w.length / length, length], 0, bits, range));
  return Array.from({ length: w.length / length }, (_, c) =>
    squaredError(w.subarray(c * length, (c + 1) * length), back.subarray(c * length, (c + 1) * length)),
  );
}
