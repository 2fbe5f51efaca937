import { describe, expect, it } from "vitest";
import { random } from "../../../src/core/data/random.ts";

const draws = (count: number, draw: () => number) => Array.from({ length: count }, draw);

describe("random numbers", () => {
  it("are the same for the same seeds, and these for ever: subsets and caches depend on them", () => {
    const fixed = random(42, 7);
    expect(draws(6, () => fixed.below(1_000_000))).toEqual([5890, 393_054, 456_238, 723_201, 282_889, 190_715]);
  });

  it("differ between neighbouring seeds and between lists of seeds", () => {
    const streams = [random(1), random(2), random(1, 0), random(0, 1), random()];
    const texts = streams.map((stream) => draws(8, () => stream.below(2 ** 16)).join());
    expect(new Set(texts).size).toBe(streams.length);
  });

  it("fill [0, 1) evenly", () => {
    const { next } = random(3);
    const counts = new Array<number>(10).fill(0);
    for (const value of draws(20_000, next)) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThan(1);
      counts[Math.floor(value * 10)] = (counts[Math.floor(value * 10)] ?? 0) + 1;
    }
    // Chi-squared with 9 degrees of freedom: beyond 27.9 once in a thousand seeds.
    const chi = counts.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0);
    expect(chi).toBeLessThan(27.9);
  });

  it("are standard normal where asked", () => {
    const { gaussian } = random(4);
    const values = draws(20_000, gaussian);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    const beyondTwo = values.filter((value) => Math.abs(value) > 2).length / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.04);
    expect(beyondTwo).toBeGreaterThan(0.04);
    expect(beyondTwo).toBeLessThan(0.051);
  });
});
