import type { Instance } from "./instance.ts";

/** Sums over the groups from g on, at index g (or g * m + k). */
export interface OpenGroups {
  /** Loss and costs of the first choices. */
  readonly firstLoss: Float64Array;
  readonly firstCost: Float64Array;
  /** What the cheapest choices save of each cost against the first ones: <= 0. */
  readonly leastCost: Float64Array;
}

/** What the groups of an instance add up to while they are open. */
export function openGroups({ n, m, start, loss, cost }: Instance): OpenGroups {
  const firstLoss = new Float64Array(n + 1);
  const firstCost = new Float64Array((n + 1) * m);
  const leastCost = new Float64Array((n + 1) * m);
  for (let g = n - 1; g >= 0; g--) {
    const first = start[g] as number;
    firstLoss[g] = (firstLoss[g + 1] as number) + (loss[first] as number);
    for (let k = 0; k < m; k++) {
      const own = cost[first * m + k] as number;
      let least = own;
      for (let c = first + 1; c < (start[g + 1] as number); c++) least = Math.min(least, cost[c * m + k] as number);
      firstCost[g * m + k] = (firstCost[(g + 1) * m + k] as number) + own;
      leastCost[g * m + k] = (leastCost[(g + 1) * m + k] as number) + least - own;
    }
  }
  return { firstLoss, firstCost, leastCost };
}
