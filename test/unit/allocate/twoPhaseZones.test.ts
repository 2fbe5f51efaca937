import { describe, expect, it } from "vitest";
import { accuracyBuffer, costBuffer, distance, zoneOf } from "../../../src/core/allocate/zones.ts";

const shortfalls = { met: -0.001, near: accuracyBuffer, far: accuracyBuffer * 1.01 };
const pressures = { met: 1, near: 1 + costBuffer * 0.99, far: 1 + costBuffer * 1.01 };

describe("zones", () => {
  it("follow from where accuracy and cost are", () => {
    const table = Object.values(shortfalls).map((shortfall) =>
      Object.values(pressures).map((pressure) => zoneOf(shortfall, pressure).zone),
    );
    expect(table).toEqual([
      ["target", "transition", "bit-decrease"],
      ["transition", "iteration", "bit-decrease"],
      ["bit-increase", "iteration", "abandon"],
    ]);
  });

  it("step by two groups where one target is far, by one where it is near, and not at all in the target", () => {
    expect(zoneOf(0, 2)).toMatchObject({ raise: 0, lower: 2 });
    expect(zoneOf(0.1, 0.5)).toMatchObject({ raise: 2, lower: 0 });
    expect(zoneOf(0.005, 0.5)).toMatchObject({ raise: 1, lower: 0 });
    expect(zoneOf(0, 1.01)).toMatchObject({ raise: 0, lower: 1 });
    expect(zoneOf(0.005, 1.01)).toMatchObject({ raise: 1, lower: 1 });
    expect(zoneOf(0, 1)).toMatchObject({ raise: 0, lower: 0 });
  });

  it("count what rounding adds to a met limit as met", () => {
    expect(zoneOf(0, 1 + 1e-15).zone).toBe("target");
    expect(zoneOf(0, 1 + 1e-9).zone).toBe("transition");
  });

  it("lie at a distance that is 0 in the target, and 1 at the edge of either buffer", () => {
    expect(distance(-0.5, 0.2)).toBe(0);
    expect(distance(accuracyBuffer, 1)).toBe(1);
    expect(distance(0, 1 + costBuffer)).toBeCloseTo(1, 12);
    expect(distance(2 * accuracyBuffer, 1 + costBuffer)).toBeCloseTo(3, 12);
  });
});
