import { describe, expect, it } from "vitest";
import { solveExact } from "../../../src/core/allocate/exact.ts";
import type { AllocationProblem } from "../../../src/core/allocate/problem.ts";
import instances from "../../fixtures/hawq-ilp.json" with { type: "json" };

type Network = typeof instances.resnet18;

/** Costs at 4 and at 8 bits by budget: see test/fixtures/hawq-ilp.md. */
const budgets = {
  size: (net: Network, i: number) => [at(net.parameters, i) / 2, at(net.parameters, i)],
  bops: (net: Network, i: number) => [at(net.bops, i) / 64, at(net.bops, i) / 16],
  latency: (net: Network, i: number) => [at(net.latency_int4, i), at(net.latency_int8, i)],
} as const;

/** Known optimal gains at limits 0.25, 0.5 and 0.75 of the way from all layers at 4 bits to all at 8. */
const optima = {
  resnet18: {
    size: [1.18941355, 1.233207199, 1.274272537],
    bops: [0.84728912, 1.092023805, 1.22774843],
    latency: [0.84728912, 1.105039334, 1.22774843],
  },
  resnet50: {
    size: [0.831387219, 0.875312526, 0.89412125],
    bops: [0.757388947, 0.849896812, 0.88223133],
    latency: [0.768831591, 0.851475562, 0.883678357],
  },
} as const;

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) throw new Error(`no layer ${index}`);
  return value;
}

/** Gain of 8 over 4 bits, lost at 4 bits. Tied layers make one group. */
function problemOf(net: Network, budget: keyof typeof budgets, share: number) {
  const tied = new Set(net.tie.flat());
  const layers = [...net.parameters.keys()];
  const groups = [...net.tie, ...layers.filter((i) => !tied.has(i)).map((i) => [i])];
  const gain = (i: number) =>
    at(net.Hutchinson_trace, i) * (at(net.delta_weights_4bit_square, i) - at(net.delta_weights_8bit_square, i));
  const cost = (members: readonly number[], bits: number) => total(members, (i) => at(budgets[budget](net, i), bits));
  const low = cost(layers, 0);
  const problem: AllocationProblem = {
    groups: groups.map((members) => [
      { loss: total(members, gain), costs: [cost(members, 0)] },
      { loss: 0, costs: [cost(members, 1)] },
    ]),
    limits: [low + share * (cost(layers, 1) - low)],
  };
  return { problem, wholeGain: total(layers, gain) };
}

function total(members: readonly number[], of: (i: number) => number): number {
  return members.reduce((sum, i) => sum + of(i), 0);
}

describe("the exact solver on HAWQ-V3's public instances", () => {
  for (const network of ["resnet18", "resnet50"] as const) {
    for (const budget of ["size", "bops", "latency"] as const) {
      it(`proves the known optima of ${network} by ${budget}`, () => {
        for (const [i, share] of [0.25, 0.5, 0.75].entries()) {
          const { problem, wholeGain } = problemOf(instances[network], budget, share);
          const result = solveExact(problem);
          if (!result.feasible) throw new Error("all layers at 4 bits fit");
          expect(wholeGain - result.loss).toBeCloseTo(at(optima[network][budget], i), 8);
          expect(result.gap).toBe(0);
        }
      });
    }
  }
});
