import { describe, expect, it } from "vitest";
import { type JointInput, solveJointBits } from "../../../src/core/allocate/jointBits.ts";
import { random } from "../../../src/core/data/random.ts";
import type { ActivationBits, Bits } from "../../../src/core/hardware/profile.ts";

const weightBits: readonly Bits[] = [2, 4, 8];
const activationBits: readonly ActivationBits[] = [4, 8, 16];

/** Layers a to d, of which b and c read the same activation; the limit is on bit operations. */
function problem(seed: number, share: number, more: Partial<JointInput> = {}): JointInput {
  const draw = random(seed);
  const layers = ["a", "b", "c", "d"];
  const macs = new Map(layers.map((layer) => [layer, 10 + draw.below(90)]));
  const harm = new Map([...layers, "x", "y", "z"].map((name) => [name, Math.exp(draw.gaussian())]));
  const ofAll = (bits: number) => [...macs.values()].reduce((sum, each) => sum + each * bits, 0);
  return {
    groups: layers.map((layer) => ({ layers: [layer], bits: weightBits })),
    fixed: new Map(),
    reads: new Map([
      ["a", ["x"]],
      ["b", ["y"]],
      ["c", ["y"]],
      ["d", ["z"]],
    ]),
    activationBits,
    usual: 8,
    loss: (layer, bits) => (harm.get(layer) as number) * 4 ** -bits,
    activationLoss: (value, bits) => (harm.get(value) as number) * 4 ** -bits,
    costs: (layer, weights, activations) => [(macs.get(layer) as number) * (weights ?? 32) * activations],
    limits: [ofAll(8) + share * (ofAll(128) - ofAll(8))],
    ...more,
  };
}

interface Found {
  readonly loss: number;
  readonly cost: number;
}

function figures(
  input: JointInput,
  weights: ReadonlyMap<string, Bits>,
  values: ReadonlyMap<string, ActivationBits>,
): Found {
  let [loss, cost] = [0, 0];
  for (const [value, bits] of values) loss += input.activationLoss(value, bits);
  for (const [layer, bits] of weights) {
    const [read] = input.reads.get(layer) as readonly [string];
    loss += input.loss(layer, bits);
    cost += input.costs(layer, bits, values.get(read) as ActivationBits)[0] as number;
  }
  return { loss, cost };
}

/** All 3^7 choices. */
function leastLoss(input: JointInput): number {
  let best = Number.POSITIVE_INFINITY;
  for (let code = 0; code < 3 ** 7; code++) {
    const digit = (k: number) => Math.floor(code / 3 ** k) % 3;
    const weights = new Map(["a", "b", "c", "d"].map((layer, k) => [layer, weightBits[digit(k)] as Bits]));
    const values = new Map(["x", "y", "z"].map((v, k) => [v, activationBits[digit(4 + k)] as ActivationBits]));
    const { loss, cost } = figures(input, weights, values);
    if (cost <= (input.limits[0] as number) && loss < best) best = loss;
  }
  return best;
}

describe("weight and activation bits together", () => {
  it("have the least sum of harms within the limit, as trying all 2,187 choices shows, on 24 networks", () => {
    for (let seed = 0; seed < 24; seed++) {
      const input = problem(seed, [0.02, 0.1, 0.3, 0.8][seed % 4] as number);
      const found = solveJointBits(input);
      const { loss, cost } = figures(input, found.weights, found.activations);
      expect(found.feasible).toBe(true);
      expect(cost).toBeLessThanOrEqual((input.limits[0] as number) * (1 + 1e-9));
      expect(loss / leastLoss(input), `seed ${seed}`).toBeLessThan(1.002);
    }
  });

  it("differ between activations where their harms do", () => {
    const activationLoss = (value: string, bits: ActivationBits) => (value === "x" ? 10 : 1e-9) * 4 ** -bits;
    const { activations } = solveJointBits(problem(3, 0.25, { activationLoss }));
    expect(activations.get("x")).toBeGreaterThan(activations.get("y") as number);
  });

  it("are as wide as can be where nothing is limited, and as narrow where nothing fits, which is told", () => {
    const free = solveJointBits(problem(1, 1));
    expect(new Set(free.activations.values())).toEqual(new Set([16]));
    expect(new Set(free.weights.values())).toEqual(new Set([8]));
    const none = solveJointBits(problem(1, -0.01));
    expect(none.feasible).toBe(false);
    expect(new Set(none.activations.values())).toEqual(new Set([4]));
  });

  it("keep pins, and layers in float", () => {
    const { groups } = problem(2, 0.5);
    const fixed = new Map<string, Bits | null>([
      ["c", 2],
      ["d", null],
    ]);
    const found = solveJointBits(problem(2, 0.9, { groups: groups.slice(0, 2), fixed }));
    expect(found.weights.get("c")).toBe(2);
    expect(found.weights.has("d")).toBe(false);
    // What only a float layer reads is not quantized.
    expect([...found.activations.keys()].sort()).toEqual(["x", "y"]);
  });

  it("leave activations at the usual bits where so many layers hang together that all combinations are too many", () => {
    const layers = Array.from({ length: 9 }, (_, i) => `l${i}`);
    const found = solveJointBits(
      problem(1, 1, {
        groups: layers.map((layer) => ({ layers: [layer], bits: weightBits })),
        reads: new Map(layers.map((layer) => [layer, ["x"]])),
        loss: (_, bits) => 4 ** -bits,
        costs: (_, weights, activations) => [(weights ?? 32) * activations],
        limits: [9 * 4 * 8],
      }),
    );
    expect(found.activations.size).toBe(0);
    expect(found.feasible).toBe(true);
    expect(found.weights.size).toBe(9);
  });
});
