import { describe, expect, it } from "vitest";
import { undominated } from "../../../src/core/allocate/dominance.ts";
import { maximizeDual } from "../../../src/core/allocate/dual.ts";
import { repair } from "../../../src/core/allocate/greedy.ts";
import type { Instance } from "../../../src/core/allocate/instance.ts";
import { invertInPlace } from "../../../src/core/allocate/inverse.ts";
import { expand, reduceForLoss, rescale } from "../../../src/core/allocate/reduce.ts";
import { States, Trail } from "../../../src/core/allocate/states.ts";
import { random } from "../../../src/core/data/random.ts";

/** Groups of choices [loss, ...costs]. */
function instanceOf(groups: readonly (readonly (readonly number[])[])[]): Instance {
  const flat = groups.flat();
  const start = [0];
  for (const group of groups) start.push((start.at(-1) ?? 0) + group.length);
  return {
    n: groups.length,
    m: (flat[0]?.length ?? 1) - 1,
    start: Int32Array.from(start),
    loss: Float64Array.from(flat, ([loss = 0]) => loss),
    cost: Float64Array.from(flat.flatMap(([, ...costs]) => costs)),
  };
}

describe("the Lagrangian dual", () => {
  it("reaches the bound of the linear relaxation: whole items, then a part of the next", () => {
    // Dantzig: spare losses 6, 5 and 4 at costs 0.4, 0.5 and 0.6; a limit of 1 takes the first two and a sixth of the
    // last.
    const items = [
      [6, 0.4],
      [5, 0.5],
      [4, 0.6],
    ] as const;
    const instance = instanceOf(
      items.map(([loss, cost]) => [
        [0, cost],
        [loss, 0],
      ]),
    );
    const { value, multipliers } = maximizeDual(instance, 0, Float64Array.of(1), {
      objective: "loss",
      maxRounds: 100,
      tolerance: 1e-12,
    });
    expect(value).toBeCloseTo(4 * (5 / 6), 9);
    expect(multipliers[0]).toBeCloseTo(4 / 0.6, 6);
  });

  it("finds the smallest excess that two contradicting limits can share", () => {
    const instance = instanceOf([
      [
        [0, 3, 0],
        [0, 0, 1],
      ],
    ]);
    const { value } = maximizeDual(instance, 0, Float64Array.of(0, 0), {
      objective: "excess",
      maxRounds: 100,
      tolerance: 1e-12,
    });
    // A quarter of the first choice and three quarters of the second exceed both by 0.75.
    expect(value).toBeCloseTo(0.75, 9);
  });
});

describe("the inverse of a basis", () => {
  it("times the matrix is the identity, rows exchanged where a pivot is zero", () => {
    const { gaussian } = random(1);
    const n = 5;
    const matrix = Array.from({ length: n }, (_, r) => Array.from({ length: n }, (_, c) => (r === c ? 0 : gaussian())));
    const work = Float64Array.from(matrix.flatMap((row) => [...row, ...row.map(() => 9)]));
    expect(invertInPlace(work, n)).toBe(true);
    for (let r = 0; r < n; r++) {
      for (let c = 0; c < n; c++) {
        const product = matrix.reduce((sum, row, i) => sum + (work[(2 * r + 1) * n + i] ?? 0) * (row[c] ?? 0), 0);
        expect(product).toBeCloseTo(r === c ? 1 : 0, 12);
      }
    }
  });

  it("does not exist for rows that depend on each other", () => {
    expect(invertInPlace(Float64Array.of(1, 2, 0, 0, 2, 4, 0, 0), 2)).toBe(false);
  });
});

describe("reducing a problem", () => {
  const choice = (loss: number, ...costs: number[]) => ({ loss, costs });

  it("drops beaten choices, unfit ones and limits out of harm's way, and settles single choices", () => {
    const groups = [
      [choice(4, 1, 1), choice(5, 2, 1), choice(1, 3, 1), choice(0, 9, 1)],
      [choice(2, 1, 1), choice(2, 1, 1)],
      [choice(3, 1, 1), choice(0, 2, 1)],
    ];
    const reduced = reduceForLoss({ groups, limits: [5, 3] });
    if (!reduced) throw new Error("the problem is feasible");
    expect(reduced.instance).toMatchObject({ n: 2, m: 1 });
    expect([...reduced.group]).toEqual([0, 2]);
    expect([...reduced.source]).toEqual([0, 2, 0, 1]);
    expect(reduced.offset).toBe(1 + 2 + 0);
    // Two units are left over the cheapest choices.
    expect([...reduced.instance.cost]).toEqual([0, 1, 0, 1 / 2].map((cost) => expect.closeTo(cost, 9)));
    expect(expand(reduced, Int32Array.of(1, 2))).toEqual([2, 0, 0]);
  });

  it("charges a choice that is left alone after the cheaper ones did not fit", () => {
    const groups = [
      [choice(0, 0, 9), choice(0, 5, 1)],
      [choice(1, 1, 0), choice(0, 3, 0)],
    ];
    // Of the first limit 5 are gone, so that only the cheap choice of the second group is possible.
    expect(reduceForLoss({ groups, limits: [7, 2] })).toMatchObject({ instance: { n: 0 }, settled: [1, 0] });
    expect(reduceForLoss({ groups, limits: [5, 2] })).toBeUndefined();
  });

  it("rescales to a loss to beat and drops the choices that lose more alone", () => {
    const groups = [
      [choice(100, 0), choice(2, 1), choice(0, 3)],
      [choice(1, 0), choice(0, 2)],
    ];
    const reduced = reduceForLoss({ groups, limits: [4] });
    if (!reduced) throw new Error("the problem is feasible");
    const scaled = rescale(reduced, 4 / reduced.scale);
    expect(scaled.scale).toBeCloseTo(4, 12);
    expect([...scaled.instance.loss]).toEqual([0.5, 0, 0.25, 0].map((loss) => expect.closeTo(loss, 12)));
    expect([...scaled.source]).toEqual([1, 2, 0, 1]);
  });
});

describe("the states of a level", () => {
  it("keep the first of those that cost the same, whatever the order they were added up in", () => {
    const loss = Float64Array.of(1, 2, 1.5, 3);
    const cost = Float64Array.of(0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1, 0.7, 0.7);
    expect([...undominated(loss, cost, 1, Int32Array.of(0, 2, 1, 3))]).toEqual([0, 2]);
  });

  it("keep a costlier one", () => {
    expect([...undominated(Float64Array.of(1, 2), Float64Array.of(0.5, 0.4), 1, Int32Array.of(0, 1))]).toEqual([0, 1]);
  });

  it("are the ones with the least bounds, and say what the others could have been", () => {
    const made = new States(1);
    for (const [i, bound] of [5, 3, 9, 4, 8].entries()) made.push(i, 10 + i, -i, bound, Float64Array.of(i / 10));
    const kept = new States(1);
    expect(kept.takeBest(made, 2, 9)).toBe(5);
    expect([...kept.choice.subarray(0, kept.count)]).toEqual([11, 13]);
    expect(kept.takeBest(made, 10, 9)).toBe(Number.POSITIVE_INFINITY);
    expect(kept.count).toBe(4);
  });

  it("are named by the choices behind them", () => {
    const trail = new Trail();
    const level = new States(0);
    for (const choices of [
      [7, 8],
      [20, 21],
    ]) {
      level.count = 0;
      for (const [i, choice] of choices.entries()) level.push(1 - i, choice, 0, 0, new Float64Array(0));
      trail.push(level);
    }
    const picks = new Int32Array(2);
    trail.write(0, picks);
    expect([...picks]).toEqual([8, 20]);
  });
});

describe("repairing a choice", () => {
  it("gives up what costs least loss for the excess, then uses what is left", () => {
    const instance = instanceOf([
      [
        [9, 0],
        [0, 0.6],
      ],
      [
        [1, 0],
        [0, 0.6],
      ],
      [
        [2, 0],
        [1, 0.1],
        [0, 0.9],
      ],
    ]);
    const picks = Int32Array.of(1, 3, 4);
    expect(repair(instance, picks)).toBe(true);
    expect([...picks]).toEqual([1, 2, 5]);
  });

  it("says so when no single move helps", () => {
    expect(
      repair(
        instanceOf([
          [
            [0, 2],
            [1, 3],
          ],
        ]),
        Int32Array.of(0),
      ),
    ).toBe(false);
  });
});
