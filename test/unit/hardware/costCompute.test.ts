import { describe, expect, it } from "vitest";
import { pairFigure, pairKey, parsePair } from "../../../src/core/hardware/bitPairs.ts";
import { layerCost, planCost, sumCosts } from "../../../src/core/hardware/cost.ts";
import { bops, bytesMoved, energyJoules, latencySeconds } from "../../../src/core/hardware/costCompute.ts";
import { conv, device } from "./support.ts";

describe("pairs of bits", () => {
  it("parse, and nothing else does", () => {
    expect(parsePair("4x16")).toEqual({ weight: 4, activation: 16 });
    for (const key of ["float", "1x8", "9x8", "4x9", "4X8", "4x8 ", "", "04x8"]) expect(parsePair(key)).toBeUndefined();
  });

  it("fall back to the next wider weights of the same activations, never to narrower ones", () => {
    const figures = { "2x8": 4, "4x8": 2, "8x8": 1, "3x16": 9, float: 0.5 };
    expect(pairKey(figures, 4, 8)).toBe("4x8");
    expect(pairKey(figures, 3, 8)).toBe("4x8");
    expect(pairKey(figures, 5, 8)).toBe("8x8");
    expect(pairKey(figures, 4, 16)).toBeUndefined();
    expect(pairKey(figures, 2, 16)).toBe("3x16");
  });

  it("are float when either side is", () => {
    expect(pairFigure({ float: 0.5 }, null, null)).toBe(0.5);
    expect(pairFigure({ float: 0.5 }, 4, null)).toBe(0.5);
    expect(pairFigure({ "4x8": 1 }, 4, null)).toBeUndefined();
  });

  it("do not take inherited properties for figures", () => {
    expect(pairFigure(Object.create({ float: 1 }), null, null)).toBeUndefined();
  });
});

describe("bit operations", () => {
  it("are MACs times both widths", () => expect(bops(conv(), 4, 8)).toBe(115_200 * 32));
  it("take 32 bits for what is float", () => {
    expect(bops(conv(), null, null)).toBe(115_200 * 1024);
    expect(bops(conv(), 4, null)).toBe(115_200 * 128);
    expect(bops(conv(), null, 8)).toBe(115_200 * 1024);
  });
  it("take the bits that weights have in the file where none are decided", () => {
    expect(bops({ ...conv(), storedBits: 8 }, null, 8)).toBe(115_200 * 64);
    expect(bops({ ...conv(), storedBits: 8 }, 4, 8)).toBe(115_200 * 32);
  });
  it("are unknown when the shapes are", () => {
    const { macs: _, ...unknown } = conv();
    expect(bops(unknown, 4, 8)).toBeUndefined();
  });
});

describe("latency", () => {
  const compute = { clockMHz: 100, macsPerCycle: { "4x8": 8, "8x8": 4 } };

  it("is MACs over MACs per cycle and clock when arithmetic is slower", () => {
    // 115,200 / (4 * 100 MHz) = 288 us
    expect(latencySeconds(conv(), 8, 8, device({ compute }))).toBeCloseTo(288e-6, 12);
    expect(latencySeconds(conv(), 8, 8, device({ compute: { ...compute, bandwidthMBps: 1000 } }))).toBeCloseTo(
      288e-6,
      12,
    );
  });

  it("is bytes over bandwidth when traffic is slower", () => {
    // 4 bits: 576 + 64 + 64 of weights, 800 + 1,600 of activations = 3,104 bytes at 10 MB/s = 310.4 us, arithmetic 144 us
    const profile = device({ compute: { ...compute, bandwidthMBps: 10 } });
    expect(bytesMoved(conv(), 4, 8, profile)).toBe(3104);
    expect(latencySeconds(conv(), 4, 8, profile)).toBeCloseTo(310.4e-6, 12);
  });

  it("adds the overhead, once for each node that uses the weight", () => {
    const profile = device({ compute: { ...compute, layerOverheadUs: 28 } });
    expect(latencySeconds(conv(), 8, 8, profile)).toBeCloseTo(316e-6, 12);
    expect(latencySeconds(conv({ nodes: ["0", "4"] }), 8, 8, profile)).toBeCloseTo(344e-6, 12);
  });

  it("is shared out over parallel units", () => {
    expect(latencySeconds(conv(), 8, 8, device({ compute: { ...compute, macUnits: 16 } }))).toBeCloseTo(18e-6, 12);
  });

  it("runs bits without a figure as the next wider ones", () => {
    const profile = device({ compute });
    expect(latencySeconds(conv(), 3, 8, profile)).toBe(latencySeconds(conv(), 4, 8, profile));
    expect(latencySeconds(conv(), 5, 8, profile)).toBe(latencySeconds(conv(), 8, 8, profile));
  });

  it("is what was measured, where it was, and the next wider bits' where those were not", () => {
    const profile = device({ compute: { ...compute, measuredLatencyMs: { conv: { "4": 0.8, "8": 1.2, float: 5 } } } });
    expect(latencySeconds(conv(), 4, 8, profile)).toBeCloseTo(0.8e-3, 12);
    expect(latencySeconds(conv(), 2, 8, profile)).toBeCloseTo(0.8e-3, 12);
    expect(latencySeconds(conv(), 6, 8, profile)).toBeCloseTo(1.2e-3, 12);
    expect(latencySeconds(conv(), null, null, profile)).toBeCloseTo(5e-3, 12);
    expect(latencySeconds(conv({ name: "other" }), 8, 8, profile)).toBeCloseTo(288e-6, 12);
    expect(latencySeconds(conv({ name: "toString" }), 8, 8, profile)).toBeCloseTo(288e-6, 12);
  });

  it("is unknown without a clock, without a figure for the pair, and with unknown shapes", () => {
    expect(latencySeconds(conv(), 8, 8, device())).toBeUndefined();
    expect(latencySeconds(conv(), 8, 8, device({ compute: { macsPerCycle: { "8x8": 1 } } }))).toBeUndefined();
    expect(
      latencySeconds(conv(), 8, 8, device({ compute: { clockMHz: 1, macsPerCycle: { "4x8": 1 } } })),
    ).toBeUndefined();
    expect(latencySeconds(conv(), null, null, device({ compute }))).toBeUndefined();
    const { outputElements: _, ...unknown } = conv();
    expect(latencySeconds(unknown, 8, 8, device({ compute }))).toBeDefined();
    expect(latencySeconds(unknown, 8, 8, device({ compute: { ...compute, bandwidthMBps: 10 } }))).toBeUndefined();
  });

  it("of a lookup moves the rows that are looked up, not the table", () => {
    const profile = device({ compute });
    const product = conv({ opType: "Conv", weightsOnly: true });
    const whole = bytesMoved(product, 8, 8, profile) as number;
    const rows = bytesMoved({ ...product, opType: "Gather", outputElements: product.params / 4 }, 8, 8, profile);
    const activations = 4 * ((product.inputElements as number) + (product.outputElements as number));
    expect(rows).toBe((whole - activations) / 4 + 4 * ((product.inputElements as number) + product.params / 4));
  });

  it("of a layer without MACs is its traffic and overhead alone", () => {
    const lookup = conv({ opType: "Gather", macs: 0 });
    expect(latencySeconds(lookup, null, null, device({ compute: { ...compute, layerOverheadUs: 3 } }))).toBeCloseTo(
      3e-6,
      12,
    );
  });
});

describe("energy", () => {
  it("is MACs times pJ plus bytes times pJ", () => {
    const profile = device({ energy: { energyPerMacPj: { "4x8": 0.2 }, energyPerBytePj: 1.5 } });
    // 115,200 * 0.2 pJ + 3,104 * 1.5 pJ = 27,696 pJ
    expect(energyJoules(conv(), 4, 8, profile)).toBeCloseTo(27_696e-12, 18);
  });

  it("reads the weight once for each node that uses it", () => {
    const profile = device({ energy: { energyPerMacPj: { "4x8": 0.2 }, energyPerBytePj: 1 } });
    const once = energyJoules(conv(), 4, 8, profile) ?? 0;
    const twice = energyJoules(conv({ nodes: ["0", "4"] }), 4, 8, profile) ?? 0;
    expect(twice - once).toBeCloseTo(704e-12, 18);
  });

  it("counts arithmetic alone without a figure for bytes, and is unknown without one for the pair", () => {
    expect(energyJoules(conv(), 4, 8, device({ energy: { energyPerMacPj: { "8x8": 0.5 } } }))).toBeCloseTo(
      57_600e-12,
      18,
    );
    expect(energyJoules(conv(), 4, 8, device({ energy: { energyPerMacPj: { "2x8": 0.5 } } }))).toBeUndefined();
    expect(energyJoules(conv(), 4, 8, device({ energy: { energyPerBytePj: 1 } }))).toBeUndefined();
    expect(energyJoules(conv(), 4, 8, device())).toBeUndefined();
  });
});

describe("costs of a plan", () => {
  const profile = device({
    compute: { clockMHz: 100, macsPerCycle: { "8x8": 4, float: 1 } },
    energy: { energyPerMacPj: { "8x8": 1 } },
  });

  it("are the sums over its layers", () => {
    const layers = [
      { layer: conv(), weightBits: 8, activationBits: 8 },
      { layer: conv({ name: "b" }), weightBits: 4, activationBits: 8 },
    ] as const;
    const cost = planCost(layers, profile);
    expect(cost.weightMemory).toBe(1152 + 576 + 2 * 128);
    expect(cost.latency).toBeCloseTo(2 * 288e-6, 12);
    expect(cost.bops).toBe(115_200 * 8 * 12);
    expect(cost).toEqual(sumCosts(layers.map((l) => layerCost(l.layer, l.weightBits, l.activationBits, profile))));
  });

  it("are unknown where a layer's is, and the others stay", () => {
    const layers = [
      { layer: conv(), weightBits: 8, activationBits: 8 },
      { layer: conv({ name: "float" }), weightBits: null, activationBits: null },
    ] as const;
    const cost = planCost(layers, profile);
    expect(cost.latency).toBeCloseTo(288e-6 + 1152e-6, 12);
    expect(cost).not.toHaveProperty("energy");
    expect(cost.weightMemory).toBe(1152 + 128 + 4672);
  });

  it("of no layers are nothing", () => {
    expect(planCost([], profile)).toEqual({ weightMemory: 0, latency: 0, energy: 0, bops: 0 });
  });
});
