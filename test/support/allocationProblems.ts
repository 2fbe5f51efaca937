import type { AllocationProblem, Choice } from "../../src/core/allocate/problem.ts";
import { random } from "../../src/core/data/random.ts";

export interface NetworkShape {
  readonly layers: number;
  /** The first `limits` of: weight memory, latency, energy, BOPs. */
  readonly limits: number;
  readonly seed: number;
  /** Default 2 to 8. */
  readonly bits?: readonly number[];
  /** Where each limit lies between the least (0) and the most (1) that can be used; default: drawn from 0.3 to 0.6. */
  readonly room?: number;
  readonly together?: boolean;
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
  const groups: Choice[][] = [];
  for (let layer = 0; layer < shape.layers; layer++) {
    const depth = layer / shape.layers;
    const params = Math.round(Math.exp(9 + 3 * depth + gaussian()));
    const macs = params * Math.exp(7 - 4 * depth + 0.5 * gaussian());
    const sensitivity = Math.exp(1.5 * gaussian());
    const channels = 16 * 2 ** Math.floor(5 * depth);
    const slope = 0.5 + next();
    groups.push(
      bits.map((b) => ({
        loss: sensitivity * 4 ** -b * (1 + (shape.noise ?? 0) * gaussian() ** 2),
        costs: [
          Math.ceil((params * b) / 8) + 4 * channels,
          1e-9 * macs * (1 + slope * (b / 4)) + 2e-6,
          1e-12 * (macs * (0.1 + 0.02 * b ** 1.25) + 20 * params * b),
          8 * macs * b,
        ].slice(0, shape.limits),
      })),
    );
  }
  if (shape.room === undefined && shape.together) {
    // prices
    const price = Array.from({ length: shape.limits }, () => 0.2 + next());
    const most = price.map((_, k) =>
      sum(groups.map((group) => Math.max(...group.map((choice) => choice.costs[k] as number)))),
    );
    const weight = sum(groups.map((g) => Math.max(...g.map((c) => c.loss)))) / 100;
    const used = price.map(() => 0);
    for (const group of groups) {
      const score = (c: Choice) =>
        c.loss + sum(c.costs.map((x, k) => (x / (most[k] as number)) * (price[k] as number) * weight));
      const best = group.reduce((a, b) => (score(b) < score(a) ? b : a));
      best.costs.forEach((x, k) => {
        used[k] = (used[k] as number) + x;
      });
    }
    return { groups, limits: used.map((u) => u * (1 - 0.003 * next())) };
  }
  const limits = Array.from({ length: shape.limits }, (_, k) => {
    const room = shape.room ?? 0.3 + 0.3 * next();
    const least = sum(groups.map((group) => Math.min(...group.map((choice) => choice.costs[k] as number))));
    const most = sum(groups.map((group) => Math.max(...group.map((choice) => choice.costs[k] as number))));
    return least + room * (most - least);
  });
  return { groups, limits };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
