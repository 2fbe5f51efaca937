import { describe, expect, it } from "vitest";
import { CostTable } from "../../../src/core/allocate/costTable.ts";
import { solveExact } from "../../../src/core/allocate/exact.ts";
import { lowerUntilFits, raiseWhileFits } from "../../../src/core/allocate/greedyWalk.ts";
import type { AllocationProblem } from "../../../src/core/allocate/problem.ts";
import { descend } from "../../../src/core/allocate/swapSearch.ts";
import { Walk } from "../../../src/core/allocate/walk.ts";
import { random } from "../../../src/core/data/random.ts";
import { budgets, figures, network } from "./twoPhaseSupport.ts";

/** Three layers of 10 units a bit at 1, 2 and 3 "bits", worth 6, 5 and 4, and room for `limit`. */
function small(limit: number): AllocationProblem {
  const layer = (worth: number) => [1, 2, 3].map((bits) => ({ loss: worth / bits, costs: [10 * bits] }));
  return { groups: [layer(6), layer(5), layer(4)], limits: [limit] };
}

/** All four resources limited, at most 12 layers. */
function instance(seed: number, layers: number): AllocationProblem {
  const draw = random(seed);
  const net = network(layers, seed);
  const profile = figures(seed % 2 ? [2, 4, 8] : [2, 4, 6, 8]);
  const share = () => 0.1 + 0.7 * draw.next();
  const limits = budgets(net.layers, profile, {
    weightMemory: share(),
    ...(seed % 3 > 0 && { latency: share() }),
    ...(seed % 3 > 1 && { energy: share(), bops: share() }),
  });
  return new CostTable({ layers: net.layers, profile, limits, activationBits: 8 }).toProblem(net.sensitivity).problem;
}

function started(problem: AllocationProblem): readonly number[] {
  const walk = new Walk(
    problem,
    problem.groups.map((group) => group.length - 1),
  );
  expect(lowerUntilFits(walk)).toBe(true);
  raiseWhileFits(walk);
  return walk.choice;
}

describe("a walk", () => {
  it("keeps its sums while choices change", () => {
    const problem = instance(4, 12);
    const draw = random(1);
    const walk = new Walk(
      problem,
      problem.groups.map(() => 0),
    );
    for (let i = 0; i < 500; i++) walk.take(draw.below(walk.choices));
    const fresh = new Walk(problem, walk.choice);
    expect(walk.loss).toBeCloseTo(fresh.loss, 12);
    for (const [k, use] of walk.used.entries()) expect(use).toBeCloseTo(fresh.used[k] as number, 12);
  });

  it("lowers what loses least for the room it frees, until the limits hold", () => {
    const walk = new Walk(small(70), [2, 2, 2]);
    expect(lowerUntilFits(walk)).toBe(true);
    // From 3 to 2 bits the layers lose 1, 5/6 and 2/3; the third goes first, then the second.
    expect(walk.choice).toEqual([2, 1, 1]);
  });

  it("says so when lowering can't make the limits hold", () => {
    expect(lowerUntilFits(new Walk(small(29), [2, 2, 2]))).toBe(false);
    expect(lowerUntilFits(new Walk(small(70), [2, 2, 2]), new Set([0, 1, 2]))).toBe(false);
  });

  it("raises what gains most while the limits hold", () => {
    const walk = new Walk(small(50), [0, 0, 0]);
    raiseWhileFits(walk);
    expect(walk.choice).toEqual([1, 1, 0]);
  });
});

describe("swap refinement", () => {
  it("moves bits from the layer that needs them least to the one that needs them most", () => {
    const { choice, moves } = descend(small(60), [0, 1, 2]);
    expect(choice).toEqual([1, 1, 1]);
    expect(moves.length).toBeGreaterThan(0);
    for (const move of moves) expect(move).toHaveLength(2);
  });

  it("lowers the loss with every move and never exceeds a limit", () => {
    for (let seed = 0; seed < 40; seed++) {
      const problem = instance(seed, 10 + seed);
      const start = problem.groups.map(() => 0);
      const { choice, loss, moves } = descend(problem, start);
      const walk = new Walk(problem, start);
      let before = walk.loss;
      for (const move of moves) {
        for (const { group, to } of move) walk.take((walk.first[group] as number) + to);
        expect(walk.fits).toBe(true);
        expect(walk.loss).toBeLessThan(before);
        before = walk.loss;
      }
      expect(walk.choice).toEqual(choice);
      expect(walk.loss).toBeCloseTo(loss, 12);
    }
  });

  it("leaves frozen groups as they are", () => {
    const problem = instance(5, 20);
    const start = problem.groups.map(() => 0);
    const frozen = new Set([0, 3, 4, 11]);
    const { choice } = descend(problem, start, { frozen });
    for (const g of frozen) expect(choice[g]).toBe(0);
    expect(choice).not.toEqual(start);
  });

  it("finds the optimum of small networks: 3 to 7 layers, one to four budgets", () => {
    for (let seed = 0; seed < 150; seed++) {
      const problem = instance(seed, 3 + (seed % 5));
      const exact = solveExact(problem);
      const found = descend(problem, started(problem)).loss;
      expect(exact.feasible && found / exact.loss, `seed ${seed}`).toBeLessThan(1.01);
    }
  });

  it("stops at the signal", () => {
    const problem = instance(5, 20);
    expect(() =>
      descend(
        problem,
        problem.groups.map(() => 0),
        {},
        AbortSignal.abort(new Error("stopped")),
      ),
    ).toThrow("stopped");
  });
});
