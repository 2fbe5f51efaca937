import { describe, expect, it } from "vitest";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import {
  fullRangeScale,
  highestInt,
  lowestInt,
  narrowRangeScale,
  roundHalfEven,
  storedScale,
  zeroChannelScale,
} from "../../../src/core/quant/integerGrid.ts";

const allBits: readonly Bits[] = [2, 3, 4, 5, 6, 7, 8];

describe("the integers of b bits", () => {
  it("are those of two's complement", () => {
    expect(allBits.map(lowestInt)).toEqual([-2, -4, -8, -16, -32, -64, -128]);
    expect(allBits.map(highestInt)).toEqual([1, 3, 7, 15, 31, 63, 127]);
  });
});

describe("rounding", () => {
  it("takes ties to the even integer, on both sides of zero", () => {
    expect([0.5, 1.5, 2.5, 126.5, 127.5].map(roundHalfEven)).toEqual([0, 2, 2, 126, 128]);
    expect([-0.5, -1.5, -2.5, -127.5].map((x) => roundHalfEven(x) + 0)).toEqual([0, -2, -2, -128]);
  });

  it("takes everything else to the nearest", () => {
    expect([0.49999999999, 0.50000000001, -1.2, 1e9 + 0.75].map((x) => roundHalfEven(x) + 0)).toEqual([
      0,
      1,
      -1,
      1e9 + 1,
    ]);
  });
});

describe("min-max scales", () => {
  it.each(allBits)("hold the range within the integers, and no smaller float32 would: %d bits", (bits) => {
    for (const [min, max] of [
      [-1, 0.3],
      [-0.3, 1],
      [-0.7, 0.7],
      [0, 5],
      [-5, 0],
    ] as const) {
      const scale = fullRangeScale(min, max, bits);
      expect(Math.fround(scale)).toBe(scale);
      expect(roundHalfEven(max / scale)).toBeLessThanOrEqual(highestInt(bits));
      expect(roundHalfEven(min / scale)).toBeGreaterThanOrEqual(lowestInt(bits));
      const used = Math.max(max / scale / highestInt(bits), min / scale / lowestInt(bits));
      expect(used).toBeCloseTo(1, 6);
      expect(scale).toBeLessThanOrEqual(narrowRangeScale(min, max, bits));
    }
  });

  it("use the extra negative integer: twice the resolution at 2 bits", () => {
    expect(fullRangeScale(-1, 0.5, 2)).toBe(0.5);
    expect(narrowRangeScale(-1, 0.5, 2)).toBe(1);
  });

  it("are a small constant where there is no range, or none that float32 can scale", () => {
    expect(fullRangeScale(0, 0, 4)).toBe(zeroChannelScale);
    expect(narrowRangeScale(-1e-40, 1e-40, 4)).toBe(zeroChannelScale);
    expect(storedScale(2 ** -126)).toBe(2 ** -126);
  });
});
