import { describe, expect, it } from "vitest";
import { type ExactOptions, solveExact } from "../../../src/core/allocate/exact.ts";
import type { Allocation, AllocationProblem, Choice } from "../../../src/core/allocate/problem.ts";
import { random } from "../../../src/core/data/random.ts";
import { SigmaQuantError } from "../../../src/core/errors.ts";
import { networkProblem } from "../../support/allocationProblems.ts";

type Feasible = Extract<Allocation, { feasible: true }>;

function solved(problem: AllocationProblem, options: ExactOptions = {}): Feasible {
  const result = solveExact(problem, options);
  if (!result.feasible) throw new Error("expected a choice that fits");
  return result;
}

function failure(run: () => unknown): SigmaQuantError {
  try {
    run();
  } catch (error) {
    if (error instanceof SigmaQuantError) return error;
    throw error;
  }
  throw new Error("expected an error");
}

/** A choice's totals, added up independently. */
function totals({ groups, limits }: AllocationProblem, choice: readonly number[]) {
  const picked = groups.map((group, g) => group[choice[g] ?? -1]);
  return {
    loss: picked.reduce((sum, each) => sum + (each?.loss ?? Number.NaN), 0),
    costs: limits.map((_, k) => picked.reduce((sum, each) => sum + (each?.costs[k] ?? Number.NaN), 0)),
  };
}

/** Choices of 2, 4 and 8 bits for a layer of so many parameters: bytes, and loss 4^-bits times a factor. */
function layer(params: number, factor = 1): Choice[] {
  return [2, 4, 8].map((bits) => ({ loss: factor * 4 ** -bits, costs: [(params * bits) / 8] }));
}

describe("the exact solver at the edges", () => {
  it("takes the least loss of every group when nothing is limited", () => {
    const problem = { groups: [layer(10), layer(20)], limits: [Number.POSITIVE_INFINITY] };
    expect(solved(problem)).toMatchObject({ choice: [2, 2], costs: [30], gap: 0 });
    expect(solved({ groups: [[{ loss: 3, costs: [] }]], limits: [] })).toMatchObject({
      choice: [0],
      loss: 3,
      bound: 3,
    });
  });

  it("has nothing to choose in an empty problem", () => {
    const nothing = { feasible: true, choice: [], loss: 0, costs: [0], bound: 0, gap: 0 };
    expect(solveExact({ groups: [], limits: [0] })).toEqual(nothing);
  });

  it("is infeasible when the fixed costs alone exceed a budget", () => {
    expect(solveExact({ groups: [], limits: [10, -5] })).toEqual({
      feasible: false,
      binding: 1,
      nearest: { choice: [], loss: 0, costs: [0, 0] },
      minimum: [0, 0],
    });
  });

  it("meets a limit of zero with choices that cost nothing", () => {
    const groups = [0, 1].map(() => [
      { loss: 0, costs: [3, 1] },
      { loss: 1, costs: [0, 2] },
      { loss: 2, costs: [0, 1] },
    ]);
    expect(solved({ groups, limits: [0, 3] })).toMatchObject({ loss: 3, costs: [0, 3], gap: 0 });
    expect(solveExact({ groups, limits: [0, 1] })).toMatchObject({ feasible: false, binding: 1, minimum: [0, 2] });
  });

  it("stays finite when a budget of zero can't be met", () => {
    const groups = [
      [
        { loss: 1, costs: [4, 1] },
        { loss: 0, costs: [8, 1] },
      ],
      layer(0).map((each) => ({ ...each, costs: [0, 1] })),
    ];
    expect(solveExact({ groups, limits: [0, 10] })).toMatchObject({
      feasible: false,
      binding: 0,
      nearest: { choice: [0, 2], costs: [4, 2] },
      minimum: [4, 2],
    });
  });

  it("admits a budget that was added up in another order", () => {
    const costs = Array.from({ length: 300 }, (_, i) => 0.1 + i / 7);
    const groups = costs.map((cost) => [
      { loss: 1, costs: [cost / 2] },
      { loss: 0, costs: [cost] },
    ]);
    const backwards = costs.reduceRight((sum, cost) => sum + cost, 0);
    expect(solved({ groups, limits: [backwards * (1 - 1e-15)] })).toMatchObject({ loss: 0, gap: 0 });
  });

  it("keeps a pinned layer, whose group has one choice, and pays for it", () => {
    const pinned = layer(800).slice(2);
    expect(solved({ groups: [pinned, layer(100), layer(100)], limits: [900] })).toMatchObject({
      choice: [0, 1, 1],
      costs: [900],
    });
    expect(solveExact({ groups: [pinned, layer(100), layer(100)], limits: [840] })).toMatchObject({
      feasible: false,
      minimum: [850],
      nearest: { choice: [0, 0, 0] },
    });
  });

  it("decides tied layers, which are one group, as one", () => {
    const single = layer(100, 5);
    const tied = single.map(({ loss, costs }) => ({ loss: 2 * loss, costs: costs.map((cost) => 2 * cost) }));
    // 150 bytes are 8 bits for one of the two and 4 for the other; tied, both get 4.
    expect(solved({ groups: [single, single], limits: [150] }).choice.toSorted()).toEqual([1, 2]);
    expect(solved({ groups: [tied], limits: [150] })).toMatchObject({ choice: [1], costs: [100] });
  });

  it("takes the first of equal choices", () => {
    const twins = [...layer(8), ...layer(8)];
    expect(solved({ groups: [twins, twins], limits: [8] }).choice).toEqual([1, 1]);
  });

  it("solves problems in which no choice loses anything", () => {
    const problem = networkProblem({ layers: 30, limits: 3, seed: 1, budgets: "together" });
    const lossless = { ...problem, groups: problem.groups.map((group) => group.map((each) => ({ ...each, loss: 0 }))) };
    expect(solved(lossless)).toMatchObject({ loss: 0, bound: 0, gap: 0 });
  });

  it("names the group of a malformed problem", () => {
    const good = layer(1);
    const bad: readonly (readonly Choice[])[] = [
      [],
      [{ loss: Number.NaN, costs: [1] }],
      [{ loss: 1, costs: [-1] }],
      [{ loss: 1, costs: [Number.POSITIVE_INFINITY] }],
      [{ loss: 1, costs: [] }],
    ];
    for (const group of bad) {
      const error = failure(() => solveExact({ groups: [good, group], limits: [9] }));
      expect(error).toMatchObject({ code: "SQ9301", message: expect.stringContaining("group 1") });
    }
    expect(failure(() => solveExact({ groups: [good], limits: [Number.NaN] })).code).toBe("SQ9301");
    expect(failure(() => solveExact({ groups: [good], limits: [1] }, { incumbent: [7] })).code).toBe("SQ9301");
  });
});

describe("what the exact solver promises", () => {
  const problem = networkProblem({ layers: 60, limits: 4, seed: 3, budgets: "together" });

  it("gives the same answer to the same question", () => {
    expect(solveExact(problem, { maxMillis: 60_000 })).toEqual(solveExact(problem, { maxMillis: 60_000 }));
  });

  it("states totals, bound and gap that belong together", () => {
    for (const maxGap of [0, 1e-3, 0.1]) {
      const { choice, loss, costs, bound, gap } = solved(problem, { maxGap, maxMillis: 60_000 });
      expect(totals(problem, choice)).toEqual({ loss, costs });
      expect(gap).toBe((loss - bound) / loss);
      expect(gap).toBeLessThanOrEqual(maxGap);
      for (const [k, cost] of costs.entries()) expect(cost).toBeLessThanOrEqual((problem.limits[k] ?? 0) * (1 + 1e-12));
    }
  });

  it("bounds the optimum from below however little time it has", () => {
    const optimum = solved(problem, { maxMillis: 60_000 });
    expect(optimum.gap).toBe(0);
    for (const maxMillis of [0, 1, 5, 20]) {
      const { bound, loss, gap } = solved(problem, { maxMillis });
      expect(bound).toBeLessThanOrEqual(optimum.loss * (1 + 1e-12));
      expect(loss).toBeGreaterThanOrEqual(optimum.loss * (1 - 1e-12));
      expect(gap).toBe((loss - bound) / loss);
    }
  });

  it("is never worse than a choice it is given, and ignores one that does not fit", () => {
    const optimum = solved(problem, { maxMillis: 60_000 });
    expect(solved(problem, { maxMillis: 0, incumbent: optimum.choice }).loss).toBe(optimum.loss);
    const tooMuch = problem.groups.map((group) => group.length - 1);
    expect(solved(problem, { maxMillis: 60_000, incumbent: tooMuch })).toEqual(optimum);
  });

  it("stops at a signal with the signal's reason", () => {
    const aborted = AbortSignal.abort(new Error("changed my mind"));
    expect(() => solveExact(problem, {}, aborted)).toThrow("changed my mind");
  });

  it("says so when the time was too short to tell whether anything fits", () => {
    // Both limits together ask for a subset with one exact sum, of numbers too large for luck.
    const { below } = random(7);
    const numbers = Array.from({ length: 40 }, () => 1e9 + below(1e9));
    const groups = numbers.map((number) => [
      { loss: 1, costs: [number, 0] },
      { loss: 1, costs: [0, number] },
    ]);
    const half = Math.floor(numbers.reduce((sum, number) => sum + number, 0) / 2);
    const error = failure(() => solveExact({ groups, limits: [half, half + 1] }, { maxMillis: 0 }));
    expect(error).toMatchObject({ code: "SQ5205", slug: "allocation-undecided" });
  });
});

describe("the exact solver on networks", () => {
  it("comes within 0.1 % on 1,000 layers with 7 bitwidths under 4 limits", () => {
    for (const budgets of ["apart", "together"] as const) {
      const problem = networkProblem({ layers: 1000, limits: 4, seed: 1, budgets });
      const { choice, loss, bound, gap } = solved(problem, { maxGap: 1e-3, maxMillis: 20_000 });
      expect(gap).toBeLessThanOrEqual(1e-3);
      expect(bound).toBeLessThanOrEqual(loss);
      expect(totals(problem, choice).loss).toBe(loss);
    }
  });

  it("proves the optimum of a network of repeated blocks, whose layers can swap bits at no cost", () => {
    const { gaussian } = random(11);
    const shapes = [589_824, 589_824, 2_359_296, 2_359_296];
    const groups = Array.from({ length: 24 * shapes.length }, (_, i) => {
      const params = shapes[i % shapes.length] ?? 0;
      // So close to each other that the losses alone hardly tell the layers apart.
      const factor = 1 + 0.01 * gaussian();
      return [2, 4, 8].map((b) => ({
        loss: factor * 4 ** -b,
        costs: [(params * b) / 8, params * (1 + b / 4), params * b],
      }));
    });
    const limits = [0, 1, 2].map((k) => 0.55 * groups.reduce((sum, group) => sum + (group[2]?.costs[k] ?? 0), 0));
    expect(solved({ groups, limits }, { maxMillis: 20_000 }).gap).toBe(0);
  });

  it("keeps its precision when the losses span ten orders of magnitude", () => {
    const problem = networkProblem({ layers: 30, limits: 2, seed: 2, budgets: 0.9 });
    const steep = problem.groups.map((group, g) =>
      group.map(({ loss, costs }, c) => ({ loss: loss * 10 ** (c === 0 ? 6 : -(g % 4)), costs })),
    );
    const result = solved({ ...problem, groups: steep }, { maxMillis: 20_000 });
    expect(result.gap).toBe(0);
    expect(result.loss).toBeLessThan(1e-9 * Math.max(...steep.flat().map(({ loss }) => loss)));
  });
});
