import { beforeAll, describe, expect, it } from "vitest";
import { solveExact } from "../../../src/core/allocate/exact.ts";
import type { AllocationProblem } from "../../../src/core/allocate/problem.ts";
import { type NetworkShape, networkProblem } from "../../support/allocationProblems.ts";
import { highsSolver } from "../../support/highs.ts";

/** Ample for HiGHS, which takes about a second; a timeout then is a failure and not a slow machine. */
const seconds = 50;
/** HiGHS holds limits and optimality to about this. */
const tolerance = 1e-6;

const shapes: readonly NetworkShape[] = [
  { layers: 40, limits: 1, seed: 1 },
  { layers: 40, limits: 2, seed: 2, budgets: "together" },
  { layers: 40, limits: 4, seed: 3, budgets: "together" },
  { layers: 60, limits: 3, seed: 4, bits: [2, 4, 8], budgets: "together", noise: 0.2 },
  { layers: 25, limits: 4, seed: 5, budgets: 0.1, noise: 0.5 },
];

let highs: Awaited<ReturnType<typeof highsSolver>>;
beforeAll(async () => {
  highs = await highsSolver();
});

function lossOf({ groups }: AllocationProblem, choice: readonly number[]): number {
  return groups.reduce((sum, group, g) => sum + (group[choice[g] ?? -1]?.loss ?? Number.NaN), 0);
}

describe("the exact solver against HiGHS", () => {
  for (const shape of shapes) {
    it(`agrees on the optimum of ${shape.layers} layers under ${shape.limits} limits`, () => {
      const problem = networkProblem(shape);
      const result = solveExact(problem, { maxMillis: 20_000 });
      const other = highs(problem, 0, seconds);
      expect(other.status).toBe("Optimal");
      if (!result.feasible) throw new Error("HiGHS found a choice that fits");
      expect(result.gap).toBe(0);
      expect(Math.abs(result.loss / lossOf(problem, other.choice) - 1)).toBeLessThan(tolerance);
    });
  }

  it("agrees that budgets contradict each other, each of which could be met alone", () => {
    // Choice 0 spares the first cost, choice 1 the second: half of the groups can't do both.
    const groups = Array.from({ length: 30 }, (_, g) => [
      { loss: 1, costs: [1, 5 + (g % 3)] },
      { loss: 2, costs: [5 + (g % 4), 1] },
    ]);
    const problem = { groups, limits: [75, 75] };
    expect(highs(problem, 0, seconds).status).toBe("Infeasible");
    expect(solveExact(problem).feasible).toBe(false);
  });
});
