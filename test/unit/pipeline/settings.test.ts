import { describe, expect, it } from "vitest";
import {
  dropLimitOf,
  maxDropFraction,
  parseBits,
  parseDropLimit,
  parseStrategy,
} from "../../../src/core/pipeline/settings.ts";
import { thrownBy } from "../plan/support.ts";
import { generic } from "./support.ts";

describe("an accepted loss", () => {
  it.each([
    ["1%", { percent: 1 }],
    [" 0.5 % ", { percent: 0.5 }],
    ["1points", { points: 1 }],
    ["1 pt", { points: 1 }],
    ["2pts", { points: 2 }],
    ["1.5", { points: 1.5 }],
    [".5", { points: 0.5 }],
    ["0", { points: 0 }],
  ])("%j is read", (text, limit) => {
    expect(parseDropLimit(text)).toEqual(limit);
  });

  it.each(["", "-1%", "101%", "one", "1 percent", "1%%", "1e3", "NaN", "1,5%"])("%j is refused", (text) => {
    const error = thrownBy(() => parseDropLimit(text));
    expect(error.code).toBe("SQ1021");
    expect(error.remedy).toContain("1%");
  });

  it("in percent is of float's accuracy, in points of all samples", () => {
    expect(maxDropFraction({ percent: 1 }, 0.8)).toBeCloseTo(0.008, 12);
    expect(maxDropFraction({ points: 1 }, 0.8)).toBeCloseTo(0.01, 12);
  });

  it("is the profile's where it has one", async () => {
    const profile = await generic();
    expect(dropLimitOf(profile)).toBeUndefined();
    expect(dropLimitOf({ ...profile, accuracy: { maxDropPoints: 2 } })).toEqual({ points: 2 });
    expect(dropLimitOf({ ...profile, accuracy: { maxDropPercent: 2 } })).toEqual({ percent: 2 });
  });
});

describe("a strategy", () => {
  it("is one of the two, or a bitwidth for all", () => {
    expect(["sigmaquant", "exact", "uniform:2", "uniform:8"].map(parseStrategy)).toEqual([
      "sigmaquant",
      "exact",
      "uniform:2",
      "uniform:8",
    ]);
  });

  it.each(["", "uniform", "uniform:1", "uniform:9", "uniform:4 ", "Exact", "greedy"])("%j is none", (text) => {
    expect(thrownBy(() => parseStrategy(text)).code).toBe("SQ1022");
  });
});

describe("a list of bits", () => {
  it("ascends, and has each once", () => {
    expect(parseBits("8,2, 4,2")).toEqual([2, 4, 8]);
    expect(parseBits("3")).toEqual([3]);
  });

  it.each(["", "1,2", "2;4", "2,9", "2,,4", "2-8", "four"])("%j is none", (text) => {
    expect(thrownBy(() => parseBits(text)).code).toBe("SQ1023");
  });
});
