import type { AllocationProblem, Choice } from "../../src/core/allocate/problem.ts";
import { random } from "../../src/core/data/random.ts";

export interface NetworkShape {
  readonly layers: number;
  /** The first `limits` of: weight memory, latency, energy, BOPs. */
  readonly limits: number;
  readonly seed: number;
  /** Default 2 to 8. */
  readonly bits?: readonly number[];
  /**
   * Where the limits lie. A number: each at this share of the way from the least (0) to the most (1) that can be used.
   * "apart" (default): such shares, drawn from 0.3 to 0.6 for each limit on its own, so that one or two of them bind.
   * "together": a little below what a good choice uses of everything, so that all of them bind; the hard case.
   */
  readonly budgets?: number | "apart" | "together";
  /** Relative noise of the measured losses; default 0, where losses fall strictly with the bits. */
  readonly noise?: number;
}

/**
 * An allocation problem as a real network makes it: losses fall as 4^-bits (the error energy of a uniform quantizer)
 * times a lognormal factor of the layer; memory goes with the parameters; latency, energy and BOPs with the MACs, each
 * with its own part that does not depend on the bits. Late layers have more parameters for each MAC than early ones.
 */
export function networkProblem(shape: NetworkShape): AllocationProblem {
  const { next, gaussian } = random(shape.seed);
  const bits = shape.bits ?? [2, 3, 4, 5, 6, 7, 8];
  const groups = Array.from({ length: shape.layers }, (_, layer) => {
    const depth = layer / shape.layers;
    const params = Math.round(Math.exp(9 + 3 * depth + gaussian()));
    const macs = params * Math.exp(7 - 4 * depth + 0.5 * gaussian());
    const channels = 16 * 2 ** Math.floor(5 * depth);
    const sensitivity = Math.exp(1.5 * gaussian());
    const slope = 0.5 + next();
    return bits.map((b) => ({
      loss: sensitivity * 4 ** -b * (1 + (shape.noise ?? 0) * gaussian() ** 2),
      costs: [
        Math.ceil((params * b) / 8) + 4 * channels,
        1e-9 * macs * (1 + slope * (b / 4)) + 2e-6,
        1e-12 * (macs * (0.1 + 0.02 * b ** 1.25) + 20 * params * b),
        8 * macs * b,
      ].slice(0, shape.limits),
    }));
  });
  const budgets = shape.budgets ?? "apart";
  if (budgets === "together") return { groups, limits: limitsTogether(groups, shape.limits, next) };
  const limits = costRanges(groups, shape.limits).map(({ least, most }) => {
    const share = budgets === "apart" ? 0.3 + 0.3 * next() : budgets;
    return least + share * (most - least);
  });
  return { groups, limits };
}

/** What the best choice at random prices uses, less up to 0.3 % of it. */
function limitsTogether(groups: readonly (readonly Choice[])[], limits: number, next: () => number): readonly number[] {
  const ranges = costRanges(groups, limits);
  const worst = sum(groups.map((group) => Math.max(...group.map(({ loss }) => loss))));
  // At a price of about a hundredth of the worst loss for all there is of a cost, the middle bitwidths come out.
  const prices = ranges.map(({ most }) => ((0.2 + next()) * worst) / 100 / most);
  const score = ({ loss, costs }: Choice) => loss + sum(costs.map((cost, k) => cost * (prices[k] ?? 0)));
  const picked = groups.map((group) => group.reduce((best, each) => (score(each) < score(best) ? each : best)));
  return ranges.map((_, k) => sum(picked.map(({ costs }) => costs[k] ?? 0)) * (1 - 0.003 * next()));
}

function costRanges(groups: readonly (readonly Choice[])[], limits: number) {
  return Array.from({ length: limits }, (_, k) => {
    const costs = groups.map((group) => group.map((choice) => choice.costs[k] ?? 0));
    return { least: sum(costs.map((each) => Math.min(...each))), most: sum(costs.map((each) => Math.max(...each))) };
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
