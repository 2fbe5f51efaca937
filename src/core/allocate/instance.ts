/**
 * A multiple-choice knapsack in flat arrays, as the solver's inner loops want it: `n` groups, choices of group g at
 * start[g] .. start[g + 1] - 1, cost of choice c under limit k at cost[c * m + k]. Units are the builder's.
 */
export interface Instance {
  readonly n: number;
  readonly m: number;
  readonly start: Int32Array;
  readonly loss: Float64Array;
  readonly cost: Float64Array;
}

/** What a Lagrangian minimizer adds up to: its loss and its costs (m). Written in place to spare allocations. */
export interface Sums {
  loss: number;
  readonly cost: Float64Array;
}

/**
 * Minimizes loss + multipliers . cost over the groups from `from` on, each on its own; returns the minimum's value.
 * `sums` receives loss and costs of the minimizer, `picks[g]` the chosen choice (its index in the flat arrays).
 */
export function minimize(
  instance: Instance,
  from: number,
  multipliers: Float64Array,
  sums: Sums,
  picks?: Int32Array,
): number {
  const { n, m, start, loss, cost } = instance;
  sums.loss = 0;
  sums.cost.fill(0);
  let value = 0;
  for (let g = from; g < n; g++) {
    const end = start[g + 1] as number;
    let best = start[g] as number;
    let least = Number.POSITIVE_INFINITY;
    for (let c = best; c < end; c++) {
      let score = loss[c] as number;
      for (let k = 0, at = c * m; k < m; k++) score += (multipliers[k] as number) * (cost[at + k] as number);
      if (score < least) {
        least = score;
        best = c;
      }
    }
    value += least;
    sums.loss += loss[best] as number;
    for (let k = 0, at = best * m; k < m; k++) sums.cost[k] = (sums.cost[k] as number) + (cost[at + k] as number);
    if (picks) picks[g] = best;
  }
  return value;
}
