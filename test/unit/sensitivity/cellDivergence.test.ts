import { describe, expect, it } from "vitest";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { cellDivergence, divergenceBins } from "../../../src/core/sensitivity/cellDivergence.ts";

const allBits: readonly Bits[] = [2, 3, 4, 5, 6, 7, 8];

/** A gaussian in the middle of the grid. */
const bell = (x: number) => Math.exp(-0.5 * ((x - 0.5) / 0.13) ** 2);

/** Counts of n weights with a density over [0, 1] of the grid. */
function counts(bits: Bits, n: number, density: (x: number) => number): Uint32Array {
  const bins = divergenceBins(bits);
  const raw = Array.from({ length: bins }, (_, i) => density((i + 0.5) / bins));
  const total = raw.reduce((a, b) => a + b, 0);
  return Uint32Array.from(raw, (v) => Math.round((n * v) / total));
}

describe("the divergence of a histogram from its cells", () => {
  it.each(allBits)("has whole bins in every cell, at %d bits", (bits) => {
    expect(divergenceBins(bits) % 2 ** bits).toBe(0);
    expect(divergenceBins(bits) / 2 ** bits).toBeGreaterThanOrEqual(4);
  });

  it("is 0 without weights", () => {
    expect(cellDivergence(new Uint32Array(divergenceBins(4)), 4)).toBe(0);
  });

  it("is next to nothing for a flat density, compared with a bell's", () => {
    const flat = cellDivergence(
      counts(2, 1e9, () => 1),
      2,
    );
    // What is left is the smoothed edges of the range.
    expect(flat).toBeLessThan(0.05 * cellDivergence(counts(2, 1e9, bell), 2));
  });

  it.each([2, 3, 4, 5, 6] as const)("is the integral of p log(p / cell average), %d bits", (bits) => {
    const cells = 2 ** bits;
    const points = 4000;
    let expected = 0;
    let mass = 0;
    for (let c = 0; c < cells; c++) {
      const p = Array.from({ length: points }, (_, k) => bell((c + (k + 0.5) / points) / cells));
      const average = p.reduce((a, b) => a + b, 0) / points;
      for (const v of p) expected += v * Math.log(v / average);
      mass += average * points;
    }
    expected /= mass;
    // A billion weights are smoothed by little; four bins a cell resolve 15/16.
    const actual = cellDivergence(counts(bits, 1e9, bell), bits);
    expect(actual / expected).toBeGreaterThan(0.9);
    expect(actual / expected).toBeLessThan(1.02);
  });

  it("is finite and not negative for the most extreme histograms", () => {
    for (const bits of allBits) {
      const bins = divergenceBins(bits);
      for (const at of [0, bins / 2, bins - 1]) {
        const one = new Uint32Array(bins);
        one[at] = 1;
        expect(cellDivergence(one, bits)).toBeGreaterThanOrEqual(0);
        one[bins - 1 - at] = 4e9;
        expect(cellDivergence(one, bits)).toBeLessThan(20);
      }
    }
  });
});
