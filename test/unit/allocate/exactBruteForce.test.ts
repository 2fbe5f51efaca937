import { describe, expect, it } from "vitest";
import { solveExact } from "../../../src/core/allocate/exact.ts";
import type { AllocationProblem } from "../../../src/core/allocate/problem.ts";
import { type Random, random } from "../../../src/core/data/random.ts";

/** Every choice there is: at most 5 groups of 4. */
function* everyChoice(problem: AllocationProblem, prefix: readonly number[] = []): Generator<readonly number[]> {
  const group = problem.groups[prefix.length];
  if (!group) yield prefix;
  else for (let c = 0; c < group.length; c++) yield* everyChoice(problem, [...prefix, c]);
}

function evaluate(problem: AllocationProblem, choice: readonly number[]) {
  const picked = choice.map((c, g) => problem.groups[g]?.[c] ?? { loss: Number.NaN, costs: [] });
  const loss = picked.reduce((sum, each) => sum + each.loss, 0);
  const costs = problem.limits.map((_, k) => picked.reduce((sum, each) => sum + (each.costs[k] ?? Number.NaN), 0));
  const over = problem.limits.map((limit, k) => ((costs[k] ?? Number.NaN) - limit) / limit);
  return { loss, costs, excess: Math.max(...over), binding: over.indexOf(Math.max(...over)) };
}

/** Whole numbers, so that sums are exact and ties and equal choices come up. */
function wholeNumbers({ below }: Random, limits: number): AllocationProblem {
  const groups = Array.from({ length: 1 + below(5) }, () =>
    Array.from({ length: 1 + below(4) }, () => ({
      loss: below(12),
      costs: Array.from({ length: limits }, () => below(10)),
    })),
  );
  return { groups, limits: Array.from({ length: limits }, () => groups.length * (2 + below(5)) - 1) };
}

/** Losses over six orders of magnitude, costs of any size. */
function wideNumbers({ below, next }: Random, limits: number): AllocationProblem {
  const unit = Array.from({ length: limits }, () => 10 ** (below(18) - 9));
  const groups = Array.from({ length: 2 + below(4) }, () =>
    Array.from({ length: 2 + below(3) }, () => ({
      loss: 10 ** (-6 * next()),
      costs: unit.map((each) => each * next()),
    })),
  );
  return { groups, limits: unit.map((each) => each * groups.length * (0.2 + 0.5 * next())) };
}

describe("the exact solver against every choice there is", () => {
  for (const [name, make] of Object.entries({ wholeNumbers, wideNumbers })) {
    for (const limits of [1, 2, 3, 4]) {
      it(`finds the least loss, or the nearest point: ${name}, ${limits} limits`, () => {
        const seen = { feasible: 0, infeasible: 0 };
        for (let seed = 0; seed < 300; seed++) {
          const problem = make(random(limits, seed), limits);
          const all = [...everyChoice(problem)].map((choice) => ({ choice, ...evaluate(problem, choice) }));
          const fitting = all.filter(({ excess }) => excess <= 0);
          const result = solveExact(problem);
          const where = `seed ${seed}`;
          if (fitting.length > 0) {
            seen.feasible++;
            const least = Math.min(...fitting.map(({ loss }) => loss));
            if (!result.feasible) throw new Error(`${where}: a fitting choice was missed`);
            expect(result.loss, where).toBeCloseTo(least, 12);
            expect(result.gap, where).toBe(0);
            expect(result.bound, where).toBeLessThanOrEqual(result.loss);
            expect(evaluate(problem, result.choice), where).toMatchObject({ loss: result.loss, costs: result.costs });
            expect(evaluate(problem, result.choice).excess, where).toBeLessThanOrEqual(1e-12);
          } else {
            seen.infeasible++;
            if (result.feasible) throw new Error(`${where}: nothing fits`);
            const closest = Math.min(...all.map(({ excess }) => excess));
            const near = evaluate(problem, result.nearest.choice);
            expect(near.excess, where).toBeCloseTo(closest, 9);
            const ties = all.filter(({ excess }) => excess <= closest + 1e-12);
            expect(result.nearest.loss, where).toBeCloseTo(Math.min(...ties.map(({ loss }) => loss)), 9);
            expect(near, where).toMatchObject({ loss: result.nearest.loss, costs: result.nearest.costs });
            expect(result.binding, where).toBe(near.binding);
            for (const [k, least] of result.minimum.entries()) {
              expect(least, where).toBeCloseTo(Math.min(...all.map(({ costs }) => costs[k] ?? Number.NaN)), 12);
            }
          }
        }
        // Both cases came up often enough to mean something.
        expect(Math.min(seen.feasible, seen.infeasible)).toBeGreaterThan(20);
      });
    }
  }
});
