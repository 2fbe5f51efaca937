import { describe, expect, it } from "vitest";
import { comparePlans } from "../../../src/core/plan/comparePlans.ts";
import { modelExplorerData } from "../../../src/core/plan/modelExplorer.ts";
import { averageBits, metricName } from "../../../src/core/plan/summary.ts";
import { layer, plan, weights } from "./support.ts";

describe("plans side by side", () => {
  const small = plan({
    layers: [layer("a", { weightBits: 2, bytes: 100 }), layer("b"), layer("c", { weightBits: null })],
    budgets: [weights(500)],
  });
  const large = plan({
    layers: [layer("a", { weightBits: 8, bytes: 400 }), layer("b"), layer("d")],
    budgets: [weights(800), { name: "energy", use: 1e-6, unit: "J" }],
  });

  it("show the layers whose bits differ, in the first plan's order", () => {
    const { layers, same } = comparePlans([small, large]);
    expect(layers).toEqual([
      { name: "a", bits: [2, 8], bytes: [100, 400] },
      { name: "c", bits: [null, undefined], bytes: [176, undefined] },
      { name: "d", bits: [undefined, 4], bytes: [undefined, 176] },
    ]);
    expect(same).toBe(1);
  });

  it("show the use of each budget, none where a plan has no figure", () => {
    expect(comparePlans([small, large]).budgets).toEqual([{ name: "weightMemory", use: [500, 800] }]);
    expect(comparePlans([large, small]).budgets).toEqual([
      { name: "weightMemory", use: [800, 500] },
      { name: "energy", use: [1e-6, undefined] },
    ]);
  });

  it("a plan beside itself has no differences", () => {
    expect(comparePlans([small, small, small]).layers).toEqual([]);
    expect(comparePlans([small]).same).toBe(3);
  });
});

describe("a plan in short", () => {
  it("averages bits over the weights, not the layers, and leaves float out", () => {
    const layers = [
      layer("a", { weightBits: 8, params: 100 }),
      layer("b", { weightBits: 2, params: 300 }),
      layer("c", { weightBits: null, params: 9999 }),
    ];
    expect(averageBits(layers)).toBe(3.5);
    expect(averageBits([])).toBe(0);
  });

  it("has words for every metric", () => {
    const names = (["kl", "nmse", "loss", "weights"] as const).map(metricName);
    expect(new Set(names).size).toBe(4);
    expect(names.slice(0, 3).every((name) => name.startsWith("measured"))).toBe(true);
    expect(names[3]).toContain("estimated");
  });
});

describe("node data for Model Explorer", () => {
  it("has each layer's bits, and the sensitivity at these bits", () => {
    const layers = [
      layer("a", { weightBits: 4, sensitivity: { 2: 0.5, 4: 0.01 } }),
      layer("b", { weightBits: null, sensitivity: { 4: 0.3 } }),
    ];
    const data = JSON.parse(modelExplorerData(plan({ layers })));
    expect(data["Weight bits"].results).toEqual({ a: { value: 4 }, b: { value: "float" } });
    expect(data.Sensitivity.results).toEqual({ a: { value: 0.01 } });
  });
});
