import { describe, expect, it } from "vitest";
import { CostTable, fitsPressure } from "../../../src/core/allocate/costTable.ts";
import { solveExact } from "../../../src/core/allocate/exact.ts";
import { searchTwoPhase, type TwoPhaseResult } from "../../../src/core/allocate/twoPhase.ts";
import { uniformBits } from "../../../src/core/allocate/uniform.ts";
import { random } from "../../../src/core/data/random.ts";
import type { Bits, Budgets, HardwareProfile } from "../../../src/core/hardware/profile.ts";
import { conv, device } from "../hardware/support.ts";
import { budgets, evaluator, figures, type Network, network } from "./twoPhaseSupport.ts";

function search(
  net: Network,
  profile: HardwareProfile,
  limits: Budgets,
  maxDrop?: number,
): Promise<TwoPhaseResult> & { readonly table: CostTable } {
  const table = new CostTable({ layers: net.layers, profile, limits, activationBits: 8 });
  const { sigma, sensitivity } = net;
  const input = { table, sigma, sensitivity, measured: true, evaluate: evaluator(net) };
  return Object.assign(
    searchTwoPhase({ ...input, ...(maxDrop !== undefined && { maxDrop }) }, () => {}),
    { table },
  );
}

describe("targets that are there or not", () => {
  const profile = figures([2, 4, 8]);

  it("neither: stays at uniform 8 bits, with one run", async () => {
    const running = search(network(12, 1), profile, {});
    const result = await running;
    expect(result.evaluations).toBe(1);
    expect(result.met).toEqual({ budgets: true, accuracy: true });
    expect(Object.fromEntries(result.bits)).toEqual(Object.fromEntries(uniformBits(running.table, 8)));
  });

  it("both met at uniform 8 bits: stays there", async () => {
    const net = network(12, 1);
    const result = await search(net, profile, budgets(net.layers, profile, { weightMemory: 1 }), 0.5);
    expect(new Set(result.bits.values())).toEqual(new Set([8]));
    expect(result.trace[0]?.zone).toBe("target");
  });

  it("budgets alone: the least loss within them, using what room there is", async () => {
    const net = network(20, 6);
    const result = await search(net, profile, budgets(net.layers, profile, { weightMemory: 0.5, bops: 0.6 }));
    expect(result.met).toEqual({ budgets: true, accuracy: true });
    expect(result.trace.findLast((step) => step.kept)?.pressure).toBeGreaterThan(0.97);
  });

  it("accuracy alone: the least memory that meets it, within 5 % of the exact optimum at the same loss", async () => {
    for (let seed = 0; seed < 12; seed++) {
      const net = network([6, 12, 30][seed % 3] as number, seed);
      const maxDrop = [0.002, 0.01, 0.05, 0.2][seed % 4] as number;
      const running = search(net, figures([2, 3, 4, 5, 6, 7, 8]), {}, maxDrop);
      const result = await running;
      const { table } = running;
      if (!result.met.accuracy) {
        expect(new Set(result.bits.values())).toEqual(new Set([8]));
        continue;
      }
      expect(result.drop).toBeLessThanOrEqual(maxDrop);
      const { problem } = table.toProblem(net.sensitivity, { weightMemory: Number.POSITIVE_INFINITY });
      const turned = problem.groups.map((group) =>
        group.map(({ loss, costs }) => ({ loss: costs[0] as number, costs: [loss] })),
      );
      const exact = solveExact({ groups: turned, limits: [result.loss] });
      const memory = table.costOf(result.bits).weightMemory as number;
      expect(exact.feasible && memory / exact.loss, `seed ${seed}`).toBeLessThan(1.05);
      expect(memory).toBeLessThan(table.costOf(uniformBits(table, 8)).weightMemory as number);
    }
  });

  it("accuracy alone, and any will do: the narrowest bits", async () => {
    const result = await search(network(12, 1), profile, {}, 1);
    expect(new Set(result.bits.values())).toEqual(new Set([2]));
  });

  it("accuracy that not even the widest bits reach: says so, after one run", async () => {
    const result = await search(network(12, 1), profile, {}, -1);
    expect(result.met).toEqual({ budgets: true, accuracy: false });
    expect(new Set(result.bits.values())).toEqual(new Set([8]));
    expect(result.evaluations).toBe(1);
  });

  it("budgets that leave too little for the accuracy: budgets first, and the verdict says which is missed", async () => {
    const net = network(20, 6);
    const result = await search(net, profile, budgets(net.layers, profile, { weightMemory: 0.1 }), 1e-5);
    expect(result.met).toEqual({ budgets: true, accuracy: false });
    expect(result.drop).toBeGreaterThan(1e-5);
  });
});

describe("budgets that are hard to meet", () => {
  it("are met far beyond 40 steps: 300 layers, almost all at 2 bits", async () => {
    const net = network(300, 2);
    const profile = figures([2, 4, 8]);
    const result = await search(net, profile, budgets(net.layers, profile, { weightMemory: 0.01 }), 0.01);
    expect(result.met.budgets).toBe(true);
    expect(result.evaluations).toBeLessThan(60);
  });

  it("are met by the one choice that fits: all at the narrowest bits", async () => {
    const net = network(10, 2);
    const profile = figures([2, 4, 8]);
    const result = await search(net, profile, budgets(net.layers, profile, { weightMemory: 0, latency: 0, bops: 0 }));
    expect(result.met.budgets).toBe(true);
    expect(new Set(result.bits.values())).toEqual(new Set([2]));
  });

  it("and can't be met: the nearest point, and no claim", async () => {
    const net = network(10, 2);
    const profile = figures([2, 4, 8]);
    const { weightMemory } = budgets(net.layers, profile, { weightMemory: 0 });
    const limits = { weightMemory: (weightMemory as number) * 0.8 };
    const result = await search(net, profile, limits, 0.5);
    expect(result.met.budgets).toBe(false);
    expect(result.trace.at(-1)?.pressure).toBeCloseTo(1.25, 6);
    expect(new Set(result.bits.values())).toEqual(new Set([2]));
  });

  it("that pull apart are met exactly when some choice meets them: narrow bits small but slow on 80 odd devices", async () => {
    let feasible = 0;
    for (let seed = 0; seed < 80; seed++) {
      const draw = random(seed, 5);
      const layers = Array.from({ length: 6 }, (_, i) => conv({ name: `l${i}`, params: 500 + draw.below(2000) }));
      const latency = Object.fromEntries(
        layers.map(({ name }) => [name, { 2: 1 + draw.below(30), 4: 1 + draw.below(30), 8: 1 + draw.below(10) }]),
      );
      const odd = device({ weightBits: [2, 4, 8], compute: { measuredLatencyMs: latency } });
      const net: Network = { layers, sigma: () => draw.next(), sensitivity: (_, bits) => 2 ** -bits };
      const limits = { weightMemory: 4000 + draw.below(4000), latency: (15 + draw.below(50)) / 1e3 };
      const table = new CostTable({ layers, profile: odd, limits, activationBits: 8 });
      let least = Number.POSITIVE_INFINITY;
      for (let code = 0; code < 3 ** 6; code++) {
        const bits = layers.map(({ name }, i) => [name, [2, 4, 8][Math.floor(code / 3 ** i) % 3]] as [string, Bits]);
        least = Math.min(least, table.pressure(new Map(bits)));
      }
      const some = fitsPressure(least);
      if (some) feasible++;
      const result = await search(net, odd, limits);
      expect(result.met.budgets, `seed ${seed}`).toBe(some);
      if (!some) expect(table.pressure(result.bits), `seed ${seed}`).toBeCloseTo(least, 6);
    }
    expect(feasible).toBeGreaterThan(20);
    expect(feasible).toBeLessThan(70);
  });

  it("on what the profile has no figures for are named, and don't stop the search", async () => {
    const net = network(6, 2);
    const bare = device({ weightBits: [2, 4, 8] });
    const { weightMemory } = budgets(net.layers, figures([2, 4, 8]), { weightMemory: 0.5 });
    const result = await search(net, bare, { weightMemory: weightMemory as number, latency: 1e-9, energy: 1e-9 });
    expect(result.unknown).toEqual(["latency", "energy"]);
    expect(result.met.budgets).toBe(true);
  });

  it("of a model without quantizable layers are only measured", async () => {
    const net: Network = {
      layers: [conv({ floatReason: "excluded in the plan" })],
      sigma: () => 0,
      sensitivity: () => 0,
    };
    const result = await search(net, device(), { weightMemory: 10 }, 0.1);
    expect(result.bits.size).toBe(0);
    expect(result.met).toEqual({ budgets: false, accuracy: true });
    expect(result.evaluations).toBe(1);
  });
});
