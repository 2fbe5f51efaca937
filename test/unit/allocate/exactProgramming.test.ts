import { describe, expect, it } from "vitest";
import { solveExact } from "../../../src/core/allocate/exact.ts";
import type { AllocationProblem } from "../../../src/core/allocate/problem.ts";
import { random } from "../../../src/core/data/random.ts";

/** 30 groups, costs in whole units, as a solver by tables needs them; limits from hopeless to generous. */
function wholeUnits(seed: number): AllocationProblem {
  const { below, next } = random(seed);
  const groups = Array.from({ length: 30 }, () => {
    const size = 1 + below(5);
    return [1, 2, 3, 4].map((b) => ({ loss: size * 4 ** -b * (0.5 + next()), costs: [size * b, b + below(4)] }));
  });
  return { groups, limits: [100 + below(150), 40 + below(60)] };
}

/** Dynamic programming: the least loss at which each pair of total costs is reached. */
function leastLosses({
  groups,
}: AllocationProblem): readonly { readonly costs: [number, number]; readonly loss: number }[] {
  const most = (k: number) =>
    groups.reduce((sum, group) => sum + Math.max(...group.map(({ costs }) => costs[k] ?? 0)), 0);
  const width = most(1) + 1;
  let table = new Float64Array((most(0) + 1) * width).fill(Number.POSITIVE_INFINITY);
  table[0] = 0;
  for (const group of groups) {
    const next = new Float64Array(table.length).fill(Number.POSITIVE_INFINITY);
    for (const [at, loss] of table.entries()) {
      if (loss === Number.POSITIVE_INFINITY) continue;
      for (const { loss: more, costs } of group) {
        const to = at + (costs[0] ?? 0) * width + (costs[1] ?? 0);
        next[to] = Math.min(next[to] ?? 0, loss + more);
      }
    }
    table = next;
  }
  return [...table].flatMap((loss, at) =>
    loss === Number.POSITIVE_INFINITY ? [] : [{ costs: [Math.floor(at / width), at % width], loss }],
  );
}

describe("the exact solver against dynamic programming", () => {
  it("finds the least loss, or the nearest point, of 30 groups under two limits", () => {
    let infeasible = 0;
    const rounds = 20;
    for (let seed = 0; seed < rounds; seed++) {
      const problem = wholeUnits(seed);
      const points = leastLosses(problem).map(({ costs, loss }) => {
        const excess = Math.max(...costs.map((cost, k) => cost / (problem.limits[k] ?? 0) - 1));
        return { loss, excess };
      });
      const closest = Math.max(0, Math.min(...points.map(({ excess }) => excess)));
      const least = Math.min(...points.filter(({ excess }) => excess <= closest + 1e-12).map(({ loss }) => loss));
      const result = solveExact(problem, { maxMillis: 20_000 });
      expect(result.feasible, `seed ${seed}`).toBe(closest === 0);
      if (result.feasible) expect(result.gap, `seed ${seed}`).toBe(0);
      else infeasible++;
      expect(result.feasible ? result.loss : result.nearest.loss, `seed ${seed}`).toBeCloseTo(least, 12);
    }
    // Both cases came up often enough to mean something.
    expect(Math.min(infeasible, rounds - infeasible)).toBeGreaterThan(2);
  });
});
