import { describe, expect, it } from "vitest";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { highestInt, lowestInt } from "../../../src/core/quant/integerGrid.ts";
import { descend, residual, roundCompensated, roundNearest } from "../../../src/core/recovery/roundRow.ts";
import { noise } from "../../support/tinyModel.ts";
import { blockOf, correlated, quadraticError } from "./support.ts";

const n = 24;
const count = 200;
const scaleOf = (bits: Bits) => 0.9 / highestInt(bits);

function problem(seed: number, independent = false) {
  const x = noise(n * count, seed);
  return {
    block: blockOf(independent ? identity(count) : correlated(x, n, count), n, count),
    w: Float64Array.from(noise(n, seed + 100)),
  };
}

/** Inputs of which each sample shows one column. */
function identity(samples: number): Float32Array {
  return Float32Array.from({ length: n * samples }, (_, i) => (Math.floor(i / samples) === i % samples ? 1 : 0));
}

describe("rounding with compensation", () => {
  it.each([2, 3, 4, 8] as const)("tells the output error of what it returns: %d bits", (bits) => {
    const { block, w } = problem(bits);
    const q = new Float64Array(n);
    const error = roundCompensated(block, Float64Array.from(w), scaleOf(bits), bits, q);
    expect(error).toBeCloseTo(quadraticError(block, w, scaleOf(bits), q), 10);
    for (const v of q) {
      expect(v).toBe(Math.round(v));
      expect(v).toBeGreaterThanOrEqual(lowestInt(bits));
      expect(v).toBeLessThanOrEqual(highestInt(bits));
    }
  });

  it("is plain rounding where inputs have nothing to do with each other", () => {
    const { block, w } = problem(1, true);
    const [a, b] = [new Float64Array(n), new Float64Array(n)];
    roundCompensated(block, Float64Array.from(w), 0.3, 3, a);
    roundNearest(n, w, 0.3, 3, b);
    expect([...a]).toEqual([...b]);
  });

  it("leaves less than a third of plain rounding's error on correlated inputs, on average", () => {
    let plain = 0;
    let compensated = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const { block, w } = problem(seed);
      const q = new Float64Array(n);
      roundNearest(n, w, scaleOf(3), 3, q);
      plain += quadraticError(block, w, scaleOf(3), q);
      compensated += roundCompensated(block, Float64Array.from(w), scaleOf(3), 3, q);
    }
    expect(compensated).toBeLessThan(plain / 3);
  });

  it("gives up at the limit", () => {
    const { block, w } = problem(3);
    const q = new Float64Array(n);
    const error = roundCompensated(block, Float64Array.from(w), scaleOf(2), 2, q);
    expect(roundCompensated(block, Float64Array.from(w), scaleOf(2), 2, q, error / 2)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("coordinate descent", () => {
  it.each([2, 3, 4] as const)("ends where no single integer can be changed for the better: %d bits", (bits) => {
    let gained = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const { block, w } = problem(seed);
      const scale = scaleOf(bits);
      const q = new Float64Array(n);
      const rest = new Float64Array(n);
      roundNearest(n, w, scale, bits, q);
      const before = residual(block, w, scale, q, rest);
      const gain = descend(block, scale, bits, q, rest);
      const after = quadraticError(block, w, scale, q);
      expect(after).toBeCloseTo(before - gain, 10);
      if (gain > 0) gained++;
      for (let k = 0; k < n; k++) {
        for (const step of [-1, 1]) {
          const other = Float64Array.from(q);
          other[k] = (other[k] as number) + step;
          const isAllowed = (other[k] as number) >= lowestInt(bits) && (other[k] as number) <= highestInt(bits);
          if (isAllowed) expect(quadraticError(block, w, scale, other)).toBeGreaterThanOrEqual(after - 1e-12);
        }
      }
    }
    expect(gained).toBeGreaterThan(5);
  });

  it("keeps H (w - s q) up to date", () => {
    const { block, w } = problem(9);
    const [q, rest, fresh] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
    roundNearest(n, w, 0.3, 3, q);
    residual(block, w, 0.3, q, rest);
    descend(block, 0.3, 3, q, rest);
    residual(block, w, 0.3, q, fresh);
    for (let k = 0; k < n; k++) expect(rest[k]).toBeCloseTo(fresh[k] as number, 10);
  });
});
