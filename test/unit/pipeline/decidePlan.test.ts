import { describe, expect, it } from "vitest";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { decidePlan } from "../../../src/core/pipeline/decidePlan.ts";
import type { Plan } from "../../../src/core/plan/types.ts";
import { loadProfile } from "../../../src/node/profiles.ts";
import { inference } from "../../support/ortRun.ts";
import { failure } from "../data/support.ts";
import { decide, generic, openResnet8, settings } from "./support.ts";

const bitsOf = ({ layers }: Plan) => layers.map((layer) => layer.weightBits);
const useOf = ({ budgets }: Plan, name: string) => budgets.find((b) => b.name === name)?.use ?? Number.NaN;
/** Between what uniform 3 and uniform 4 bits take. */
const weightMemory = 36_000;

describe("a plan within budgets", () => {
  it.each(["sigmaquant", "exact"] as const)(
    "by %s meets them and loses less than uniform bits that fit",
    async (strategy) => {
      const { plan, baselines, table, activations } = await decide(await openResnet8(), {
        settings: { strategy },
        limits: { weightMemory, bops: 400e6 },
      });
      expect(plan.verdict.verdict).toBe("feasible");
      expect(useOf(plan, "weightMemory")).toBeLessThanOrEqual(weightMemory);
      expect(useOf(plan, "bops")).toBeLessThanOrEqual(400e6);
      expect(plan.budgets.map(({ name }) => name)).toEqual([
        "weightMemory",
        "activationMemory",
        "latency",
        "energy",
        "bops",
      ]);
      expect(new Set(bitsOf(plan)).size).toBeGreaterThan(1);
      const fitting = baselines.filter((baseline) => baseline.fits);
      expect(fitting.length).toBeGreaterThan(0);
      expect(fitting.length).toBeLessThan(baselines.length);
      const best = Math.min(...fitting.map((baseline) => baseline.loss ?? 0));
      expect(plan.certificate?.loss).toBeLessThan(best);
      expect(plan.certificate?.loss).toBeGreaterThanOrEqual((plan.certificate?.bound ?? 1) - 1e-12);
      expect(plan).toMatchObject({ strategy, sensitivityMetric: "kl", synthetic: false });
      expect(table?.samples).toBe(32);
      expect(activations.size).toBeGreaterThan(5);
      expect(plan.trace.length > 0).toBe(strategy === "sigmaquant");
    },
  );

  it("has every layer's figures, which add up to the weight memory", async () => {
    const { plan, fit } = await decide(await openResnet8(), { limits: { weightMemory } });
    expect(plan.layers).toHaveLength(10);
    for (const layer of plan.layers) {
      expect(layer.sigma).toBeGreaterThan(0);
      expect(layer.macs).toBeGreaterThan(0);
      expect(Object.keys(layer.sensitivity ?? {})).toEqual(["2", "3", "4", "5", "6", "7", "8"]);
    }
    const sum = plan.layers.reduce((total, layer) => total + layer.bytes, 0);
    expect(sum + fit.otherBytes).toBe(useOf(plan, "weightMemory"));
  });

  it("uniform bits are taken as they are, and said not to fit where they don't", async () => {
    const { plan } = await decide(await openResnet8(), {
      settings: { strategy: "uniform:4" },
      limits: { weightMemory },
    });
    expect(bitsOf(plan)).toEqual(Array(10).fill(4));
    expect(plan.verdict).toMatchObject({ verdict: "infeasible", binding: "weightMemory" });
  });

  it("bits to choose from are kept to", async () => {
    const { plan } = await decide(await openResnet8(), {
      settings: { bits: [2, 8] },
      limits: { weightMemory: 50_000 },
    });
    expect(new Set(bitsOf(plan))).toEqual(new Set([2, 8]));
  });

  it("uniform bits that may not be chosen are replaced, which is said", async () => {
    const { plan, notes } = await decide(await openResnet8(), { settings: { strategy: "uniform:4", bits: [2, 8] } });
    expect(bitsOf(plan)).toEqual(Array(10).fill(8));
    expect(notes.join()).toContain("10 layers may not have 4 bits");
  });

  it("the device's bits and storage count: on max78000 there are 2, 4 and 8", async () => {
    const { profile } = await loadProfile("max78000");
    const { plan, baselines } = await decide(await openResnet8(), {
      input: { profile },
      limits: { weightMemory: 50_000 },
    });
    expect(bitsOf(plan).every((bits) => bits === 2 || bits === 4 || bits === 8)).toBe(true);
    expect(baselines.map(({ bits }) => bits)).toEqual([2, 4, 8]);
    expect(useOf(plan, "weightMemory")).toBeLessThanOrEqual(50_000);
  });
});

describe("budgets that can't be met", () => {
  it.each(["sigmaquant", "exact"] as const)("%s proves it, and gives the nearest point", async (strategy) => {
    const { plan } = await decide(await openResnet8(), { settings: { strategy }, limits: { weightMemory: 10_000 } });
    expect(bitsOf(plan)).toEqual(Array(10).fill(2));
    expect(plan.verdict).toMatchObject({ verdict: "infeasible", binding: "weightMemory" });
    expect(plan.verdict.detail).toContain("The smallest plan with the allowed bits (2, 3, 4, 5, 6, 7, 8) needs");
    expect(plan.verdict.nearest?.remedy).toContain("Raise the budget of weight memory to");
    expect(plan.certificate).toBeUndefined();
  });

  it("what the remedy says is enough", async () => {
    const { plan } = await decide(await openResnet8(), { limits: { weightMemory: 10_000 } });
    const [, kib] = /to ([\d.]+) KiB/.exec(plan.verdict.nearest?.remedy ?? "") ?? [];
    const raised = await decide(await openResnet8(), { limits: { weightMemory: Math.floor(Number(kib) * 1024) } });
    expect(raised.plan.verdict.verdict).toBe("feasible");
  });

  it("activation memory is checked, though no bits of weights change it", async () => {
    const { plan } = await decide(await openResnet8(), { limits: { activationMemory: 1000 } });
    expect(plan.verdict).toMatchObject({ verdict: "infeasible", binding: "activationMemory" });
  });
});

describe("an accepted loss", () => {
  it.each(["sigmaquant", "exact"] as const)(
    "without budgets %s looks for the smallest plan that keeps it",
    async (strategy) => {
      const model = await openResnet8();
      const limit = { strategy, dropLimit: { points: 4 } } as const;
      const { plan, baselines } = await decide(model, { settings: limit });
      expect(plan.verdict.verdict).toBe("feasible");
      const { float = 0, quantized = 0 } = plan.accuracy ?? {};
      expect(float - quantized).toBeLessThanOrEqual(0.04);
      const widest = baselines.at(-1)?.weightMemory ?? 0;
      expect(useOf(plan, "weightMemory")).toBeLessThan(0.8 * widest);
    },
  );

  it("that the budgets don't allow is missed, said, and bound by accuracy", async () => {
    const limits = { weightMemory: 24_000 };
    const { plan } = await decide(await openResnet8(), { settings: { dropLimit: { points: 0 } }, limits });
    expect(useOf(plan, "weightMemory")).toBeLessThanOrEqual(24_000);
    expect(plan.verdict).toMatchObject({ verdict: "infeasible", binding: "accuracy" });
    expect(plan.verdict.headline).toMatch(/^Fits, but loses \d/);
  });

  it("is judged on samples that nothing was tuned on, where there are some", async () => {
    const model = await openResnet8();
    const evaluation = await model.images(100, 40);
    const { plan, baselines } = await decide(model, { limits: { weightMemory }, input: { evaluation } });
    expect(plan.accuracy).toMatchObject({ metric: "top1", samples: 40, how: "simulated" });
    expect(baselines.every((baseline) => baseline.accuracy?.samples === 40)).toBe(true);
  });

  it("without them on all calibration samples, as the written file will be", async () => {
    const model = await openResnet8();
    const calibration = await model.images(0, 48);
    const { plan, baselines, table } = await decide(model, { input: { calibration }, limits: { weightMemory } });
    expect(table?.samples).toBe(32);
    expect([plan.accuracy, ...baselines.map((b) => b.accuracy)].map((a) => a?.samples)).toEqual(Array(8).fill(48));
  });
});

describe("what a person fixes", () => {
  it("pins hold against the search, and are marked", async () => {
    const pins = new Map<string, Bits | null>([
      ["/l/l.2/c2/Conv", 8],
      ["/f/Gemm", null],
    ]);
    const { plan } = await decide(await openResnet8(), { settings: { pins }, limits: { weightMemory: 65_000 } });
    const byName = new Map(plan.layers.map((layer) => [layer.name, layer]));
    expect(byName.get("/l/l.2/c2/Conv")).toMatchObject({ weightBits: 8, pinned: true });
    expect(byName.get("/f/Gemm")).toMatchObject({
      weightBits: null,
      activationBits: null,
      pinned: true,
      floatReason: "excluded in the plan",
    });
    expect(useOf(plan, "weightMemory")).toBeLessThanOrEqual(65_000);
  });

  it("a pin on no layer, or to bits that the device lacks, is an error", async () => {
    const model = await openResnet8();
    const none = await failure(() => decide(model, { settings: { pins: new Map([["conv99", 4 as const]]) } }));
    expect(none.code).toBe("SQ5001");
    const { profile } = await loadProfile("max78000");
    const pins = new Map([["/f/Gemm", 3 as const]]);
    expect((await failure(() => decide(model, { settings: { pins }, input: { profile } }))).code).toBe("SQ5202");
  });
});

describe("weights only", () => {
  it("leaves activations in float", async () => {
    const { plan, activations } = await decide(await openResnet8(), {
      settings: { weightsOnly: true },
      limits: { weightMemory },
    });
    expect(plan.activations.quantized).toBe(false);
    expect(plan.layers.every((layer) => layer.activationBits === null)).toBe(true);
    expect(activations.size).toBe(0);
  });
});

describe("without samples", () => {
  it("everything is marked as got from made-up ones, and no accuracy is claimed or missed", async () => {
    const model = await openResnet8();
    const calibration = await model.synthetic();
    const { plan, table } = await decide(model, {
      settings: { strategy: "sigmaquant", dropLimit: { points: 0 } },
      limits: { weightMemory: 24_000 },
      input: { calibration },
    });
    expect(plan).toMatchObject({ synthetic: true, accuracy: { synthetic: true } });
    expect(table?.synthetic).toBe(true);
    expect(plan.verdict).toMatchObject({ verdict: "feasible", headline: "Fits, accuracy unknown" });
  });
});

describe("a decision", () => {
  it("is the same each time", async () => {
    const more = { settings: { strategy: "sigmaquant" }, limits: { weightMemory } } as const;
    const first = await decide(await openResnet8(), more);
    const second = await decide(await openResnet8(), more);
    expect(second.plan).toEqual(first.plan);
  });

  it("measures nothing again that is known, and reports what it measures", async () => {
    const model = await openResnet8();
    const known = new Map<string, { nmse: number; kl: number }>();
    const key = (layer: string, bits: Bits) => `${bits} ${layer}`;
    const input = {
      known: (layer: string, bits: Bits) => known.get(key(layer, bits)),
      onMeasured: (layer: string, bits: Bits, value: { nmse: number; kl?: number }) =>
        known.set(key(layer, bits), { nmse: value.nmse, kl: value.kl ?? 0 }),
    };
    const first = await decide(model, { input });
    expect(known.size).toBe(70);
    const measured: string[] = [];
    const onMeasured = (layer: string) => void measured.push(layer);
    const second = await decide(model, { input: { ...input, onMeasured } });
    expect(measured).toEqual([]);
    expect(second.plan.layers).toEqual(first.plan.layers);
  });

  it("can be stopped while it measures", async () => {
    const { prepared, weights, images } = await openResnet8();
    const controller = new AbortController();
    const profile = await generic();
    const stages: string[] = [];
    const decided = decidePlan(
      {
        prepared,
        modelName: "m",
        modelHash: "0",
        profile,
        profileRef: "preset:generic",
        limits: {},
        settings: settings(),
        weights,
        calibration: await images(0, 32),
        inference,
      },
      ({ stage, done }) => {
        stages.push(stage);
        if (stage === "Measuring" && done === 3) controller.abort(new Error("stopped"));
      },
      controller.signal,
    );
    await expect(decided).rejects.toThrow("stopped");
    expect(stages.at(-1)).toBe("Measuring");
  });
});
