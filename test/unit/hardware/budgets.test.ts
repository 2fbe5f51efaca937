import { describe, expect, it } from "vitest";
import { SigmaQuantError } from "../../../src/core/errors.ts";
import { budgetsOf, budgetUses, capacitiesOf } from "../../../src/core/hardware/budgets.ts";
import { parseBudget } from "../../../src/core/hardware/parseBudget.ts";
import type { Resource } from "../../../src/core/hardware/profile.ts";
import { device } from "./support.ts";

describe("limits", () => {
  it("are in bytes, seconds, joules and bit operations, exact to the last bit", () => {
    const budgets = { weightMemoryKiB: 32, activationMemoryKiB: 40.5, latencyMs: 0.3, energyUj: 250, bopsM: 400 };
    expect(budgetsOf(device({ budgets }))).toEqual({
      weightMemory: 32_768,
      activationMemory: 41_472,
      latency: 0.0003,
      energy: 0.00025,
      bops: 400_000_000,
    });
  });

  it("cut fractions of a byte off", () => {
    expect(budgetsOf(device({ budgets: { weightMemoryKiB: 31.2 } })).weightMemory).toBe(31_948);
  });

  it("are absent where nothing limits", () => expect(budgetsOf(device())).toEqual({}));

  it("are the device's memories where there is no budget", () => {
    const profile = device({ memory: { weightMemoryKiB: 432, activationMemoryKiB: 512 } });
    expect(budgetsOf(profile)).toEqual({ weightMemory: 442_368, activationMemory: 524_288 });
    expect(capacitiesOf(profile)).toEqual({ weightMemory: 442_368, activationMemory: 524_288 });
  });

  it("never exceed the device's memory, neither by the profile nor by an override", () => {
    const profile = device({ memory: { weightMemoryKiB: 16 }, budgets: { weightMemoryKiB: 32 } });
    expect(budgetsOf(profile).weightMemory).toBe(16_384);
    expect(budgetsOf(profile, { weightMemory: 1e6 }).weightMemory).toBe(16_384);
    expect(budgetsOf(profile, { weightMemory: 1000 }).weightMemory).toBe(1000);
  });

  it("are overridden one by one", () => {
    const profile = device({ budgets: { latencyMs: 5, bopsM: 400 } });
    expect(budgetsOf(profile, { latency: 0.001, energy: 1e-6 })).toEqual({ latency: 0.001, energy: 1e-6, bops: 4e8 });
  });
});

describe("use of budgets", () => {
  it("has all five in a fixed order, limited or not, known or not", () => {
    const uses = budgetUses({ weightMemory: 100, bops: 7 }, 50, { weightMemory: 90, latency: 0.1 });
    expect(uses).toEqual([
      { name: "weightMemory", limit: 90, use: 100, unit: "B" },
      { name: "activationMemory", use: 50, unit: "B" },
      { name: "latency", limit: 0.1, unit: "s" },
      { name: "energy", unit: "J" },
      { name: "bops", use: 7, unit: "bitops" },
    ]);
  });
});

describe("a budget on the command line", () => {
  const cases: readonly (readonly [Resource, string, number])[] = [
    ["weightMemory", "32KiB", 32_768],
    ["weightMemory", "31234B", 31_234],
    ["weightMemory", "1.5MiB", 1_572_864],
    ["weightMemory", " 32 kib ", 32_768],
    ["activationMemory", "0.1KiB", 102],
    ["activationMemory", "2GiB", 2_147_483_648],
    ["latency", "5ms", 0.005],
    ["latency", "0.3ms", 0.0003],
    ["latency", "2s", 2],
    ["latency", "800us", 0.0008],
    ["latency", "800\u00b5s", 0.0008],
    ["energy", "250uJ", 0.00025],
    ["energy", "250\u00b5J", 0.00025],
    ["energy", "250\u03bcJ", 0.00025],
    ["energy", "1.2mJ", 0.0012],
    ["bops", "400M", 4e8],
    ["bops", "1.5G", 1.5e9],
    ["bops", "4e8", 4e8],
    ["bops", "400000000", 4e8],
  ];
  it.each(cases)("%s %s is %d", (resource, text, value) => expect(parseBudget(resource, text)).toBe(value));

  it.each([
    ["weightMemory", "", "is not a budget for weight memory"],
    ["weightMemory", "32", "needs a unit: B, KiB, MiB or GiB"],
    ["weightMemory", "32KB", "1,000 or 1,024 bytes: write KiB"],
    ["weightMemory", "32 apples", "no unit of weight memory"],
    ["weightMemory", "-1KiB", "is not a budget"],
    ["weightMemory", "0KiB", "no positive, finite amount"],
    ["weightMemory", "0.5B", "no positive, finite amount"],
    ["weightMemory", "1e999KiB", "no positive, finite amount"],
    ["weightMemory", "1,5MiB", "is not a budget"],
    ["latency", "5KiB", "no unit of latency: it is s, ms, us or ns"],
    ["energy", "5MJ", "no unit of energy"],
    ["bops", "400m", "no unit of BOPs"],
    ["latency", "NaNms", "is not a budget"],
  ] as const)("%s %j is refused, with what to write instead", (resource, text, message) => {
    const error = thrownBy(() => parseBudget(resource, text));
    expect(error).toBeInstanceOf(SigmaQuantError);
    expect(error).toMatchObject({ code: "SQ1020", slug: "budget-malformed" });
    expect((error as SigmaQuantError).message).toContain(message);
    expect((error as SigmaQuantError).remedy).toMatch(/^Write a number with its unit, such as .*\.$/);
  });
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}
