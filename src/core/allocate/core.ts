import type { DualPoint } from "./dual.ts";
import type { Instance } from "./instance.ts";

/** What reduced costs leave open, as an instance of its own. */
export interface Core {
  /**
   * Choices of each group in order of reduced cost: the first is the Lagrangian minimizer. Groups by how much their
   * second choice moves the limits, largest first.
   */
  readonly instance: Instance;
  /** Group and choice of the whole instance behind each of the core's. */
  readonly group: Int32Array;
  readonly choice: Int32Array;
  /** A choice for every group of the whole instance; right for those outside the core. */
  readonly settled: Int32Array;
  /** What the groups outside the core leave of each limit, and what they lose. */
  readonly limit: Float64Array;
  readonly baseLoss: number;
}

interface OpenGroup {
  readonly group: number;
  /** In order of reduced cost. */
  readonly choices: readonly number[];
  /** Reduced cost of the second choice: the less, the less the multipliers can tell. */
  readonly doubt: number;
  /** Priced change of the costs between the first two choices. */
  readonly weight: number;
}

/** Relative distance within which a bound counts as reaching the value to beat: the rounding of sums. */
const closeness = 1e-11;

/** What a bound has to reach to show that nothing beats `upper`. */
export function targetOf(upper: number): number {
  return upper - closeness * Math.abs(upper);
}

/**
 * Fixes by reduced costs (Dantzig's bound for the knapsack; Pisinger, "A minimal algorithm for the multiple-choice
 * knapsack problem", 1995): at multipliers u with dual value L(u), any selection with choice c in it is worth at least
 *
 *     L(u) + score_c - min over the group's choices of score,     score_c = loss_c + u . cost_c
 *
 * so a choice for which that reaches `upper` cannot be part of a better one. What is left open is the core; undefined
 * when a group has nothing left, which proves that no selection beats `upper`.
 *
 * @param points multipliers and their dual values, best first; the first one orders choices and groups
 * @param most open groups in the core, those most in doubt; with more open than that the rest are held at their first
 *   choice, and the core proves nothing
 */
export function coreOf(
  instance: Instance,
  limit: Float64Array,
  points: readonly DualPoint[],
  upper: number,
  most = Number.POSITIVE_INFINITY,
): Core | undefined {
  const { n, m, start, cost } = instance;
  const { alive, reducedCost } = priced(instance, points, targetOf(upper));
  const { multipliers } = points[0] as DualPoint;
  const settled = new Int32Array(n);
  const open: OpenGroup[] = [];
  for (let g = 0; g < n; g++) {
    const choices: number[] = [];
    for (let c = start[g] as number; c < (start[g + 1] as number); c++) if (alive[c]) choices.push(c);
    choices.sort((a, b) => (reducedCost[a] as number) - (reducedCost[b] as number));
    const [first, second] = choices;
    if (first === undefined) return undefined;
    settled[g] = first;
    if (second === undefined) continue;
    let weight = 0;
    for (let k = 0; k < m; k++) {
      weight +=
        (multipliers[k] as number) * Math.abs((cost[second * m + k] as number) - (cost[first * m + k] as number));
    }
    open.push({ group: g, choices, doubt: reducedCost[second] as number, weight });
  }
  if (open.length > most) open.sort((a, b) => a.doubt - b.doubt).length = most;
  // As in packing: what is large is decided while there is room to make up for it, and what is small fills the rest.
  // Against the order of doubt this shortened proofs tenfold on instances like those of bench/speed/allocate.ts.
  open.sort((a, b) => b.weight - a.weight);
  return assemble(instance, limit, settled, open);
}

function assemble(instance: Instance, limit: Float64Array, settled: Int32Array, open: readonly OpenGroup[]): Core {
  const { m, loss, cost } = instance;
  const inCore = new Set(open.map(({ group }) => group));
  const rest = limit.slice();
  let baseLoss = 0;
  for (const [g, c] of settled.entries()) {
    if (inCore.has(g)) continue;
    baseLoss += loss[c] as number;
    for (let k = 0; k < m; k++) rest[k] = (rest[k] as number) - (cost[c * m + k] as number);
  }
  const choice = Int32Array.from(open.flatMap(({ choices }) => choices));
  const start = new Int32Array(open.length + 1);
  for (const [i, { choices }] of open.entries()) start[i + 1] = (start[i] as number) + choices.length;
  const costs = new Float64Array(choice.length * m);
  for (const [to, from] of choice.entries()) costs.set(cost.subarray(from * m, from * m + m), to * m);
  const losses = Float64Array.from(choice, (c) => loss[c] as number);
  return {
    instance: { n: open.length, m, start, loss: losses, cost: costs },
    group: Int32Array.from(open, ({ group }) => group),
    choice,
    settled,
    limit: rest,
    baseLoss,
  };
}

/** Which choices no point rules out, and the reduced cost of each at the first point. */
function priced(
  { n, m, start, loss, cost }: Instance,
  points: readonly DualPoint[],
  target: number,
): { readonly alive: Uint8Array; readonly reducedCost: Float64Array } {
  const alive = new Uint8Array(loss.length).fill(1);
  const reducedCost = new Float64Array(loss.length);
  for (let i = points.length - 1; i >= 0; i--) {
    const { multipliers, value } = points[i] as DualPoint;
    for (let g = 0; g < n; g++) {
      const end = start[g + 1] as number;
      let least = Number.POSITIVE_INFINITY;
      for (let c = start[g] as number; c < end; c++) {
        let score = loss[c] as number;
        for (let k = 0; k < m; k++) score += (multipliers[k] as number) * (cost[c * m + k] as number);
        reducedCost[c] = score;
        if (score < least) least = score;
      }
      for (let c = start[g] as number; c < end; c++) {
        const reduced = (reducedCost[c] as number) - least;
        reducedCost[c] = reduced;
        if (value + reduced >= target) alive[c] = 0;
      }
    }
  }
  return { alive, reducedCost };
}
