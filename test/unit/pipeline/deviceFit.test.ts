import { describe, expect, it } from "vitest";
import type { Bits, HardwareProfile } from "../../../src/core/hardware/profile.ts";
import { node } from "../../../src/core/onnx/build.ts";
import { paretoFront } from "../../../src/core/pipeline/front.ts";
import type { LossOf } from "../../../src/core/pipeline/loss.ts";
import type { PreparedModel } from "../../../src/core/pipeline/prepare.ts";
import { solveBits } from "../../../src/core/pipeline/solveBits.ts";
import { floats, tinyModel, weight } from "../../support/tinyModel.ts";
import { fitOf, generic, prepared } from "./support.ts";

/** Three layers of 32, 64 and 16 weights with 8, 8 and 2 channels, a table that is looked up, and a scale that belongs to none. */
function network(): Promise<PreparedModel> {
  return prepared(
    tinyModel({
      nodes: [
        node("MatMul", ["x", "a"], ["h"], { name: "first" }),
        node("Mul", ["h", "s"], ["m"]),
        node("MatMul", ["m", "b"], ["k"], { name: "second" }),
        node("Relu", ["k"], ["r"]),
        node("MatMul", ["r", "c"], ["y"], { name: "third" }),
      ],
      inputs: { x: [1, 4] },
      outputs: ["y"],
      constants: { a: weight([4, 8]), b: weight([8, 8], 2), c: weight([8, 2], 3), s: floats([1, 2, 3, 4, 5, 6, 7, 8]) },
    }),
  );
}

/** Harm that halves with each bit; "second" is ten times as sensitive. */
const loss: LossOf = (layer, bits) => (layer === "second" ? 10 : 1) * 2 ** -bits;
const bitsOf = (bits: ReadonlyMap<string, Bits | null>) => Object.fromEntries(bits);
const all = (bits: Bits) => new Map((["first", "second", "third"] as const).map((name) => [name, bits] as const));
/** The generic device: 4 bytes a channel for scales, and here no biases. */
const scaleBytes = 4 * (8 + 8 + 2);
const otherBytes = 8 * 4;

describe("what bits cost on a device", () => {
  it("weight memory has weights, scales, and the constants that belong to no layer", async () => {
    const fit = await fitOf(await network());
    expect(fit.otherBytes).toBe(otherBytes);
    expect(fit.weightMemory(all(8))).toBe(112 + scaleBytes + otherBytes);
    expect(fit.weightMemory(all(4))).toBe(56 + scaleBytes + otherBytes);
    expect(fit.weightMemory(new Map())).toBe(112 * 4 + otherBytes);
  });

  it("all five budgets are there, with their limits, whether known or not", async () => {
    const fit = await fitOf(await network(), { limits: { weightMemory: 200, latency: 0.01 } });
    expect(fit.budgets(all(4))).toEqual([
      { name: "weightMemory", limit: 200, use: 56 + scaleBytes + otherBytes, unit: "B" },
      { name: "activationMemory", use: expect.any(Number), unit: "B" },
      { name: "latency", limit: 0.01, unit: "s" },
      { name: "energy", unit: "J" },
      { name: "bops", use: 112 * 4 * 8, unit: "bitops" },
    ]);
    expect(fit.table.unknown).toEqual(["latency"]);
  });

  it("activations in float take more memory than quantized ones", async () => {
    const use = async (weightsOnly: boolean) =>
      (await fitOf(await network(), { weightsOnly })).budgets(all(4)).find((b) => b.name === "activationMemory")?.use;
    expect(await use(true)).toBeGreaterThan((await use(false)) ?? 0);
  });

  it("rows say what every layer got and costs, and they add up", async () => {
    const fit = await fitOf(await network(), { pins: new Map([["third", 8]]) });
    const bits = new Map<string, Bits | null>([...all(4), ["third", 8]]);
    const rows = fit.rows(bits, new Map(), { second: { 4: 0.1 } });
    expect(
      rows.map(({ name, weightBits, activationBits, pinned }) => [name, weightBits, activationBits, pinned]),
    ).toEqual([
      ["first", 4, 8, undefined],
      ["second", 4, 8, undefined],
      ["third", 8, 8, true],
    ]);
    expect(rows[1]?.sensitivity).toEqual({ 4: 0.1 });
    expect(rows.reduce((sum, row) => sum + row.bytes, otherBytes)).toBe(fit.weightMemory(bits));
  });

  it("rows of layers in float say why", async () => {
    const profile: HardwareProfile = { ...(await generic()), operators: { MatMul: { float: true } } };
    const reasons = async (more: Parameters<typeof fitOf>[1]) =>
      (await fitOf(await network(), more)).rows(new Map(), new Map(), {}).map((row) => row.floatReason);
    expect(await reasons({ profile })).toEqual(Array(3).fill("MatMul runs in float on this device"));
    expect((await reasons({ pins: new Map([["first", null]]) }))[0]).toBe("excluded in the plan");
  });

  it("bits to choose from are the device's, fewer by the candidates, one by a pin, none in float", async () => {
    const fit = await fitOf(await network(), {
      candidates: [2, 4, 8],
      pins: new Map<string, Bits | null>([
        ["first", 6],
        ["third", null],
      ]),
    });
    expect(["first", "second", "third", "none"].map((name) => fit.bitsOf(name))).toEqual([[6], [2, 4, 8], [], []]);
  });
});

describe("the exact solver on a model", () => {
  it("gives the most bits where fewer harm most", async () => {
    const limit = 44 + scaleBytes + otherBytes;
    const fit = await fitOf(await network(), { limits: { weightMemory: limit }, candidates: [2, 4, 8] });
    const { bits, optimum, smallest } = solveBits(fit, loss, {});
    expect(bitsOf(bits)).toEqual({ first: 2, second: 4, third: 2 });
    expect(optimum?.loss).toBeCloseTo(1.125, 9);
    expect(optimum?.gap).toBe(0);
    expect(smallest).toBeUndefined();
    expect(fit.weightMemory(bits)).toBeLessThanOrEqual(limit);
  });

  it("is no worse than any other choice within the limits", async () => {
    const limit = 60 + scaleBytes + otherBytes;
    const fit = await fitOf(await network(), { limits: { weightMemory: limit } });
    const { optimum } = solveBits(fit, loss, {});
    let best = Number.POSITIVE_INFINITY;
    const options = [2, 3, 4, 5, 6, 7, 8] as const;
    for (const a of options) {
      for (const b of options) {
        for (const c of options) {
          const bits = new Map<string, Bits>([
            ["first", a],
            ["second", b],
            ["third", c],
          ]);
          if (fit.weightMemory(bits) > limit) continue;
          best = Math.min(
            best,
            [...bits].reduce((sum, [name, each]) => sum + loss(name, each), 0),
          );
        }
      }
    }
    expect(optimum?.loss).toBeCloseTo(best, 12);
  });

  it("proves what can't be met, with the constants that belong to no layer counted, and gives the nearest point", async () => {
    const limit = scaleBytes + otherBytes;
    const fit = await fitOf(await network(), { limits: { weightMemory: limit } });
    const { bits, optimum, smallest } = solveBits(fit, loss, {});
    expect(optimum).toBeUndefined();
    expect(bitsOf(bits)).toEqual({ first: 2, second: 2, third: 2 });
    expect(smallest).toEqual({ weightMemory: fit.weightMemory(all(2)) });
    expect(smallest?.weightMemory).toBe(28 + scaleBytes + otherBytes);
  });

  it("fits to the byte: a limit of exactly the smallest plan is met", async () => {
    const fit = await fitOf(await network());
    const limits = { weightMemory: fit.weightMemory(all(2)) };
    expect(solveBits(fit.withLimits(limits), loss, {}).optimum).toBeDefined();
    expect(solveBits(fit.withLimits({ weightMemory: limits.weightMemory - 1 }), loss, {}).optimum).toBeUndefined();
  });
});

describe("the front of size against harm", () => {
  it("runs from all layers at the fewest bits to all at the most, and every step pays", async () => {
    const fit = await fitOf(await network(), { limits: { weightMemory: 1 } });
    const front = paretoFront(fit, loss);
    expect(bitsOf(front[0]?.bits ?? new Map())).toEqual({ first: 2, second: 2, third: 2 });
    expect(bitsOf(front.at(-1)?.bits ?? new Map())).toEqual({ first: 8, second: 8, third: 8 });
    expect(front.length).toBeGreaterThan(5);
    for (const [i, point] of front.slice(1).entries()) {
      expect(point.weightMemory).toBeGreaterThan(front[i]?.weightMemory ?? Number.POSITIVE_INFINITY);
      expect(point.loss).toBeLessThan(front[i]?.loss ?? 0);
    }
  });

  it("is one point where nothing can be chosen", async () => {
    const fit = await fitOf(await network(), { candidates: [4] });
    expect(paretoFront(fit, loss)).toHaveLength(1);
  });

  it("can be stopped", async () => {
    const fit = await fitOf(await network());
    expect(() => paretoFront(fit, loss, 5, AbortSignal.abort(new Error("stopped")))).toThrow("stopped");
  });
});
