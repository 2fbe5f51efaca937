import { describe, expect, it } from "vitest";
import { SweepShare } from "../../../src/core/sensitivity/sweepShare.ts";

const names = ["a", "b", "c", "d"];
const layersOf = (macs?: readonly number[]) => names.map((name, i) => ({ name, ...(macs && { macs: macs[i] ?? 0 }) }));

/** Shares after each layer, all its bitwidths measured. */
function shares(layers: ReturnType<typeof layersOf>, bitwidths = 2): number[] {
  const time = new SweepShare(layers, () => bitwidths);
  return layers.map(({ name }) => {
    for (let b = 0; b < bitwidths; b++) time.add(name);
    return time.share;
  });
}

describe("the share of a sweep's time", () => {
  it("goes by what is behind a layer: layers alike take 4, 3, 2 and 1 parts of 10", () => {
    for (const layers of [layersOf(), layersOf([5, 5, 5, 5])]) {
      expect(shares(layers).map((share) => share.toFixed(3))).toEqual(["0.400", "0.700", "0.900", "1.000"]);
    }
  });

  it("is larger for the front where that has most of the MACs", () => {
    expect(shares(layersOf([100, 1, 1, 1]))[0]).toBeGreaterThan(0.5);
  });

  it("does without MACs as soon as those of one layer are unknown", () => {
    const layers = [{ name: "a", macs: 100 }, { name: "b" }, { name: "c", macs: 1 }, { name: "d", macs: 1 }];
    expect(shares(layers)).toEqual(shares(layersOf()));
  });

  it("counts what was known before, and layers of which fewer bitwidths are measured for less", () => {
    const time = new SweepShare(layersOf(), (layer) => (layer === "a" ? 1 : 2));
    time.add("a", 1);
    expect(time.share).toBeCloseTo(4 / 16, 12);
  });

  it("is all of it where there is nothing to measure", () => {
    expect(new SweepShare([], () => 2).share).toBe(1);
  });
});
