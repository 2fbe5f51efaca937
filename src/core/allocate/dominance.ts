/**
 * Costs within this (limits are 1) are equal: they were added up in another order. Real slack is at least the rounding
 * allowance of a limit, a hundred times more.
 */
const closeness = 1e-14;
/** Costs are hashed in cells of this many to a limit: far wider than `closeness`, so that equal ones rarely part. */
const cells = 2 ** 34;
/** Odd, from the golden ratio: spreads neighbouring cells over the table (Knuth, vol. 3, 6.4). */
const multiplier = 0x9e3779b1;

/**
 * The states among `order` without those that an earlier one dominates, as far as a hash of the costs brings the two
 * together: surely at equal costs, and now and then by chance at lower ones. Networks repeat their blocks, and layers
 * of one shape swap bits at no cost: without this a level fills up with permutations of the same choice.
 *
 * @param loss loss of each state
 * @param cost cost k of state s at s * m + k
 * @param order indices of states by bound; at equal costs that is by loss. Overwritten; the result is its front
 */
export function undominated(loss: Float64Array, cost: Float64Array, m: number, order: Int32Array): Int32Array {
  const size = 2 ** Math.ceil(Math.log2(2 * order.length + 2));
  const table = new Int32Array(size).fill(-1);
  let kept = 0;
  for (const s of order) {
    let hash = 0;
    for (let k = 0; k < m; k++) {
      const cell = Math.round((cost[s * m + k] as number) * cells);
      hash = Math.imul(hash ^ cell ^ Math.floor(cell / 2 ** 32), multiplier);
      hash ^= hash >>> 15;
    }
    let dominated = false;
    let slot = hash & (size - 1);
    for (; !dominated && table[slot] !== -1; slot = (slot + 1) & (size - 1)) {
      const other = table[slot] as number;
      dominated = (loss[other] as number) <= (loss[s] as number) + closeness;
      for (let k = 0; dominated && k < m; k++) {
        dominated = (cost[other * m + k] as number) <= (cost[s * m + k] as number) + closeness;
      }
    }
    if (dominated) continue;
    table[slot] = s;
    order[kept++] = s;
  }
  return order.subarray(0, kept);
}
