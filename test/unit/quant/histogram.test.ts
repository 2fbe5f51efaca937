import { describe, expect, it } from "vitest";
import { Histogram } from "../../../src/core/quant/histogram.ts";
import { gaussians } from "./support.ts";

function histogramOf(...pieces: readonly Float32Array[]): Histogram {
  const histogram = new Histogram();
  for (const piece of pieces) histogram.add(piece);
  return histogram;
}

describe("a histogram", () => {
  it("knows count, zeros, minimum and maximum exactly", () => {
    const histogram = histogramOf(Float32Array.of(0.1, -3, 0, -0), Float32Array.of(2, 0));
    expect(histogram.count).toBe(6);
    const { from, to, count } = histogram.nonEmptyBins();
    const at = from.indexOf(0);
    expect([to[at], count[at]]).toEqual([0, 3]);
    expect(histogram.min).toBe(-3);
    expect(histogram.max).toBe(2);
  });

  it("has every value in a bin that holds it", () => {
    const values = gaussians(5000).map((v) => (Math.abs(v) < 0.3 ? 0 : v));
    const { from, to, count } = histogramOf(values).nonEmptyBins();
    expect(count.reduce((a, b) => a + b, 0)).toBe(5000);
    for (let i = 0; i < count.length; i++) {
      const [a, b] = [from[i] as number, to[i] as number];
      const inside = values.filter((v) =>
        a === b ? v === a : v >= a && (v < b || (v === b && i === count.length - 1)),
      );
      expect(inside.length, `[${a}, ${b}]`).toBe(count[i]);
    }
  });

  it("does not depend on the order or the pieces in which values come", () => {
    const values = gaussians(4000).map((v, i) => v * 1.01 ** (i / 4));
    const inPieces = histogramOf(...Array.from({ length: 40 }, (_, i) => values.subarray(i * 100, i * 100 + 100)));
    const reversed = histogramOf(values.toReversed());
    expect(inPieces.nonEmptyBins()).toEqual(reversed.nonEmptyBins());
  });

  it("is the same whether it saw all values or is merged from parts, in either direction", () => {
    const small = gaussians(1000, 1).map((v) => v / 1000);
    const large = gaussians(1000, 2).map((v) => Math.max(0, v * 1000));
    const whole = histogramOf(small, large).nonEmptyBins();
    for (const [first, second] of [
      [small, large],
      [large, small],
    ] as const) {
      const merged = histogramOf(first);
      merged.merge(histogramOf(second));
      expect(merged.nonEmptyBins()).toEqual(whole);
      expect(merged.count).toBe(2000);
    }
    const same = histogramOf(small);
    same.merge(new Histogram());
    expect(same.nonEmptyBins()).toEqual(histogramOf(small).nonEmptyBins());
  });

  it("leaves NaN and infinities out and counts them", () => {
    const bad = Float32Array.of(Number.NaN, 1, Number.POSITIVE_INFINITY, -2, Number.NEGATIVE_INFINITY, 0);
    const histogram = histogramOf(bad);
    expect(histogram.nonFinite).toBe(3);
    expect(histogram.nonEmptyBins()).toEqual(histogramOf(Float32Array.of(1, -2, 0)).nonEmptyBins());
    histogram.add(Float32Array.of(Number.NaN));
    expect([histogram.count, histogram.nonFinite]).toEqual([3, 4]);
  });

  it("holds the whole range of float32", () => {
    const tiniest = 2 ** -149;
    const largest = (2 - 2 ** -23) * 2 ** 127;
    const histogram = histogramOf(Float32Array.of(tiniest, -tiniest), Float32Array.of(largest, -largest));
    const { count } = histogram.nonEmptyBins();
    expect(count.reduce((a, b) => a + b, 0)).toBe(4);
    expect([histogram.min, histogram.max]).toEqual([-largest, largest]);
  });

  it("keeps its resolution for the bulk when there is an outlier", () => {
    const x = gaussians(1000);
    const { from, to } = histogramOf(x, Float32Array.of(-3.4e38)).nonEmptyBins();
    expect(from[0]).toBe(Math.fround(-3.4e38));
    for (let i = 1; i < from.length; i++) {
      expect((to[i] as number) - (from[i] as number)).toBeLessThan(Math.abs(from[i] as number) / 31);
    }
  });
});
