import { describe, expect, it } from "vitest";
import { CostTable } from "../../../src/core/allocate/costTable.ts";
import { planCost } from "../../../src/core/hardware/cost.ts";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { conv, device } from "../hardware/support.ts";
import { budgets, figures, network } from "./twoPhaseSupport.ts";

/** 1,152 weights: 144 bytes a bit; 16 scales and 16 biases of 4 bytes. */
const bytes = (bits: number) => 144 * bits + 128;
const layers = ["a", "b", "c"].map((name) => conv({ name }));
const plan = (bits: Readonly<Record<string, Bits>>) => new Map(Object.entries(bits));

describe("cost table", () => {
  it("adds up what planCost adds up, for any bits", () => {
    const net = network(12, 1);
    const profile = figures([2, 4, 8]);
    const table = new CostTable({ layers: net.layers, profile, limits: {}, activationBits: 8 });
    const bits = new Map(net.layers.map(({ name }, i) => [name, ([2, 3, 4, 8] as const)[i % 4] as Bits]));
    expect(table.costOf(bits)).toEqual(
      planCost(
        net.layers.map((layer) => ({ layer, weightBits: bits.get(layer.name) ?? null, activationBits: 8 })),
        profile,
      ),
    );
  });

  it("counts layers that a plan lacks as float", () => {
    const table = new CostTable({ layers, profile: device(), limits: {}, activationBits: 8 });
    expect(table.costOf(plan({ a: 2, b: 2 })).weightMemory).toBe(2 * bytes(2) + 4608 + 64);
  });

  it("gives the largest use of any limit as pressure, 0 without limits", () => {
    const limits = { weightMemory: 2 * 3 * bytes(4), bops: 3 * 115_200 * 8 * 4 };
    const table = new CostTable({ layers, profile: device(), limits, activationBits: 8 });
    expect(table.limited).toEqual(["weightMemory", "bops"]);
    expect(table.pressure(plan({ a: 8, b: 8, c: 8 }))).toBe(2);
    expect(table.pressure(plan({ a: 4, b: 4, c: 4 }))).toBe(1);
    expect(table.fits(plan({ a: 4, b: 4, c: 4 }))).toBe(true);
    expect(table.fits(plan({ a: 4, b: 4, c: 5 }))).toBe(false);
    const free = new CostTable({ layers, profile: device(), limits: {}, activationBits: 8 });
    expect(free.pressure(plan({ a: 8, b: 8, c: 8 }))).toBe(0);
  });

  it("lets a limit of 0 be met by nothing alone", () => {
    const table = new CostTable({ layers, profile: device(), limits: { weightMemory: 0 }, activationBits: 8 });
    expect(table.pressure(plan({ a: 2, b: 2, c: 2 }))).toBe(Number.POSITIVE_INFINITY);
    const none = new CostTable({ layers: [], profile: device(), limits: { weightMemory: 0 }, activationBits: 8 });
    expect(none.pressure(new Map())).toBe(0);
  });

  it("tells which limits it can't check, and does not count them", () => {
    const limits = { weightMemory: 1e6, latency: 1, energy: 1, activationMemory: 1 };
    const table = new CostTable({ layers, profile: device(), limits, activationBits: 8 });
    expect(table.unknown).toEqual(["latency", "energy"]);
    expect(table.limits).toEqual({ weightMemory: 1e6 });
    // A figure for some of the bits is not enough.
    const compute = { clockMHz: 1, macsPerCycle: { "4x8": 1 } };
    const some = (candidates: readonly Bits[]) =>
      new CostTable({ layers, profile: device({ compute }), limits, candidates, activationBits: 8 }).unknown;
    expect(some([4, 8])).toEqual(["latency", "energy"]);
    expect(some([2, 4])).toEqual(["energy"]);
  });
});

describe("a table's knapsack", () => {
  const harm = (layer: string, bits: Bits) => ({ a: 1, b: 10, c: 100 })[layer as "a" | "b" | "c"] / bits;

  it("has a group's sum of losses and costs for a choice, and what is fixed as a last group", () => {
    const table = new CostTable({
      layers: [...layers, conv({ name: "d", floatReason: "excluded in the plan" })],
      profile: device(),
      limits: { weightMemory: 5000 },
      candidates: [2, 8],
      pins: new Map([["c", 4]]),
      activationBits: 8,
      sharing: [["a", "b"]],
    });
    expect(table.toProblem(harm).problem).toEqual({
      groups: [
        [
          { loss: 5.5, costs: [2 * bytes(2)] },
          { loss: 11 / 8, costs: [2 * bytes(8)] },
        ],
        [{ loss: 25, costs: [bytes(4) + 4608 + 64] }],
      ],
      limits: [5000],
    });
  });

  it("translates choices to bits and back; pins are in the bits, float layers are not", () => {
    const table = new CostTable({
      layers: [...layers, conv({ name: "d", floatReason: "excluded in the plan" })],
      profile: device({ weightBits: [2, 4, 8] }),
      limits: {},
      pins: new Map([["b", 4]]),
      activationBits: 8,
    });
    const space = table.toProblem(harm);
    expect(Object.fromEntries(space.bitsOf([0, 2, 0]))).toEqual({ a: 2, b: 4, c: 8 });
    expect(space.choiceOf(space.bitsOf([0, 2, 0]))).toEqual([0, 2, 0]);
    // 3 bits are not there: the next wider; nothing is wider than 8.
    expect(space.choiceOf(plan({ a: 3, b: 4, c: 8 }))).toEqual([1, 2, 0]);
  });

  it("takes noise below 0 for 0, and does not offer bits at which the network gives no number", () => {
    const table = new CostTable({ layers, profile: device({ weightBits: [2, 4, 8] }), limits: {}, activationBits: 8 });
    const space = table.toProblem((layer, bits) =>
      layer === "a" ? (bits === 2 ? Number.NaN : -1e-9) : layer === "b" ? Number.POSITIVE_INFINITY : 1,
    );
    expect(space.problem.groups.map((group) => group.map((choice) => choice.loss))).toEqual([
      [0, 0],
      [0, 0, 0],
      [1, 1, 1],
      [0],
    ]);
    expect(space.bitsAt(0, 0)).toBe(4);
    expect(space.bitsOf([0, 0, 0, 0]).get("a")).toBe(4);
  });

  it("keeps limits on the order of the table's own", () => {
    const profile = figures([2, 4, 8]);
    const limits = budgets(layers, profile, { bops: 0.5, weightMemory: 0.5, energy: 0.5, latency: 0.5 });
    const table = new CostTable({ layers, profile, limits, activationBits: 8 });
    const { problem } = table.toProblem(() => 0);
    const cost = table.costOf(plan({ a: 2, b: 2, c: 2 }));
    const sums = problem.limits.map((_, k) =>
      problem.groups.reduce((sum, group) => sum + (group[0]?.costs[k] ?? 0), 0),
    );
    expect(table.limited).toEqual(["weightMemory", "latency", "energy", "bops"]);
    for (const [k, name] of table.limited.entries()) expect(sums[k]).toBeCloseTo(cost[name] as number, 12);
  });
});
