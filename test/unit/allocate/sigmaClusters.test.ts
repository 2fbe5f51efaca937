import { describe, expect, it } from "vitest";
import { CostTable } from "../../../src/core/allocate/costTable.ts";
import { sigmaBits, sigmaClusters, spreadBits } from "../../../src/core/allocate/sigmaClusters.ts";
import { random } from "../../../src/core/data/random.ts";
import { conv, device } from "../hardware/support.ts";

function sizes(clusters: readonly number[]): readonly number[] {
  return Array.from({ length: Math.max(...clusters) + 1 }, (_, c) => clusters.filter((each) => each === c).length);
}

describe("adaptive k-means over sigmas", () => {
  it("finds four groups that are there", () => {
    expect(sigmaClusters([0.31, 0.01, 0.11, 0.21, 0.012, 0.112, 0.212, 0.312], 4, 0.1)).toEqual([
      3, 0, 1, 2, 0, 1, 2, 3,
    ]);
  });

  it("is plain k-means at lambda 0: one outlier has a cluster of its own, most layers share another", () => {
    const sigmas = [0.01, 0.011, 0.012, 0.013, 0.014, 0.015, 0.016, 0.5, 0.8, 1];
    expect(sizes(sigmaClusters(sigmas, 4, 0))).toEqual([7, 1, 1, 1]);
  });

  it("splits a cluster that swallows most layers as lambda grows, up to equal sizes", () => {
    const sigmas = [...Array.from({ length: 17 }, (_, i) => 0.01 + i * 1e-4), 0.5, 0.8, 1];
    const largest = [0, 0.1, 0.3, 1, 100].map((lambda) => Math.max(...sizes(sigmaClusters(sigmas, 4, lambda))));
    expect(largest).toEqual(largest.toSorted((a, b) => b - a));
    expect(largest[0]).toBe(17);
    expect(largest.at(-1)).toBe(5);
  });

  it("never lowers a layer below one with a smaller sigma, and leaves no gap between clusters", () => {
    const draw = random(7);
    for (let round = 0; round < 200; round++) {
      const sigmas = Array.from({ length: 1 + draw.below(30) }, () => Math.exp(2 * draw.gaussian()));
      const clusters = sigmaClusters(sigmas, 4, draw.next());
      const order = sigmas.map((_, i) => i).sort((a, b) => (sigmas[a] as number) - (sigmas[b] as number));
      const sorted = order.map((i) => clusters[i] as number);
      expect(sorted).toEqual(sorted.toSorted((a, b) => a - b));
      expect(new Set(clusters).size).toBe(Math.min(4, sigmas.length));
      expect(Math.max(...clusters)).toBe(Math.min(4, sigmas.length) - 1);
    }
  });

  it("keeps equal sigmas together, whatever lambda says", () => {
    expect(sigmaClusters([0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 4, 10)).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
    expect(sigmaClusters([0.1, 0.1, 0.1], 4, 1)).toEqual([0, 0, 0]);
    expect(sigmaClusters([], 4, 1)).toEqual([]);
  });

  it("gives the same clusters for weights of any unit", () => {
    const sigmas = [0.31, 0.01, 0.15, 0.21, 0.012, 0.112, 0.06, 0.4, 0.05];
    const clusters = sigmaClusters(sigmas, 4, 0.1);
    expect(
      sigmaClusters(
        sigmas.map((sigma) => sigma * 1e-160),
        4,
        0.1,
      ),
    ).toEqual(clusters);
    expect(
      sigmaClusters(
        sigmas.map((sigma) => sigma * 1e160),
        4,
        0.1,
      ),
    ).toEqual(clusters);
  });

  it("takes a sigma that is no number for the largest", () => {
    expect(sigmaClusters([Number.NaN, 1, 2, 3, Number.POSITIVE_INFINITY], 3, 0)).toEqual([2, 0, 1, 2, 2]);
    expect(sigmaClusters([Number.NaN, Number.NaN], 3, 0)).toEqual([0, 0]);
  });

  it("clusters 2,000 layers", () => {
    const draw = random(3);
    const sigmas = Array.from({ length: 2000 }, () => Math.abs(draw.gaussian()));
    expect(new Set(sigmaClusters(sigmas, 4, 0.3)).size).toBe(4);
  });
});

describe("bits of the clusters", () => {
  it("are the paper's 2, 4, 6 and 8 where the device has all", () => {
    expect(spreadBits([2, 3, 4, 5, 6, 7, 8])).toEqual([2, 4, 6, 8]);
  });

  it("are all of few bitwidths, and spread over others", () => {
    expect(spreadBits([8, 2, 4])).toEqual([2, 4, 8]);
    expect(spreadBits([3, 4, 5, 6, 8])).toEqual([3, 4, 6, 8]);
    expect(spreadBits([8])).toEqual([8]);
    expect(spreadBits([])).toEqual([]);
  });

  const layers = ["a", "b", "c", "d"].map((name) => conv({ name }));
  const sigmaOf = (sigmas: readonly number[]) => (name: string) => sigmas["abcd".indexOf(name)] as number;

  it("rise with sigma: the widest weights get the widest bits", () => {
    const table = new CostTable({ layers, profile: device(), limits: {}, activationBits: 8 });
    expect([...sigmaBits(table, sigmaOf([0.1, 0.4, 0.2, 0.3]), 0.1).values()]).toEqual([2, 8, 4, 6]);
  });

  it("of two clusters are the narrowest and the widest; equal sigmas get the widest", () => {
    const table = new CostTable({ layers, profile: device(), limits: {}, activationBits: 8 });
    expect([...sigmaBits(table, sigmaOf([0.1, 0.4, 0.1, 0.4]), 0.1).values()]).toEqual([2, 8, 2, 8]);
    expect([...sigmaBits(table, sigmaOf([0.1, 0.1, 0.1, 0.1]), 0.1).values()]).toEqual([8, 8, 8, 8]);
  });

  it("go to the next wider the layer may have; pins and shared bits hold", () => {
    const table = new CostTable({
      layers: [conv({ name: "a", opType: "Gemm" }), ...layers.slice(1)],
      profile: device({ operators: { Gemm: { weightBits: [4, 8] } } }),
      limits: {},
      activationBits: 8,
      pins: new Map([["d", 3]]),
      sharing: [["b", "c"]],
    });
    // b and c count as one with the larger sigma; d is no part of the clustering.
    expect(Object.fromEntries(sigmaBits(table, sigmaOf([0.1, 0.01, 0.9, 5]), 0.1))).toEqual({ a: 4, b: 8, c: 8, d: 3 });
  });
});
