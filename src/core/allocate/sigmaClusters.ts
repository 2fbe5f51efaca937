import type { Bits } from "../hardware/profile.ts";
import { type CostTable, closestBits } from "./costTable.ts";

/** Clusters of phase 1, one for each of 2, 4, 6 and 8 bits (paper, phase 1). */
export const clusterCount = 4;
/**
 * The paper's adaptive k-means over the standard deviations of the layers' weights: a cluster index for each sigma, 0
 * for the smallest, without gaps. It minimizes
 *
 *     1/N sum_i (z_i - mean of its cluster)^2  +  lambda / K sum_j ((|C_j| - N/K) / (N/K))^2
 *
 * with z the sigmas scaled to unit variance. The second term is the paper's penalty lambda * (|C_j| - N/K)^2, which
 * keeps a cluster from swallowing most layers; the scaling of both terms is ours (the paper gives none), so that one
 * lambda means the same for wide and narrow weights, 8 layers and 800.
 *
 * On a line the best clusters are intervals, so dynamic programming over their ends finds the optimum itself (as Wang
 * and Song, "Ckmeans.1d.dp", The R Journal 2011, for plain k-means) in K D^2 steps for D distinct sigmas: no start to
 * choose, no local optimum, the same on every machine. Equal sigmas stay together, so there are fewer clusters than `k`
 * when there are fewer distinct values. A sigma that is not finite counts as the largest.
 *
 * @param lambda >= 0, without unit
 */
export function sigmaClusters(sigmas: readonly number[], k: number, lambda: number): readonly number[] {
  const finite = sigmas.filter(Number.isFinite);
  const largest = finite.length > 0 ? Math.max(...finite) : 0;
  const usable = sigmas.map((sigma) => (Number.isFinite(sigma) ? sigma : largest));
  const values = [...new Set(usable)].sort((a, b) => a - b);
  const count = Math.min(k, values.length);
  if (count <= 1) return sigmas.map(() => 0);
  const weights = values.map(() => 0);
  const indexOf = new Map(values.map((value, i) => [value, i]));
  for (const sigma of usable) {
    const i = indexOf.get(sigma) as number;
    weights[i] = (weights[i] as number) + 1;
  }
  const ends = bestEnds(unitVariance(values, weights), weights, count, lambda);
  return usable.map((sigma) => ends.findIndex((end) => (indexOf.get(sigma) as number) < end));
}

/** Cluster c of the optimum holds the values from ends[c - 1] up to, but not including, ends[c]. */
function bestEnds(z: readonly number[], weights: readonly number[], k: number, lambda: number): readonly number[] {
  const d = z.length;
  const [n, sum, squares] = [new Float64Array(d + 1), new Float64Array(d + 1), new Float64Array(d + 1)];
  for (let i = 0; i < d; i++) {
    const [weight, value] = [weights[i] as number, z[i] as number];
    n[i + 1] = (n[i] as number) + weight;
    sum[i + 1] = (sum[i] as number) + weight * value;
    squares[i + 1] = (squares[i] as number) + weight * value * value;
  }
  const total = n[d] as number;
  const objective = (from: number, to: number): number => {
    const size = (n[to] as number) - (n[from] as number);
    const mass = (sum[to] as number) - (sum[from] as number);
    const spread = (squares[to] as number) - (squares[from] as number) - (mass * mass) / size;
    return spread / total + (lambda / k) * ((size * k) / total - 1) ** 2;
  };
  // best[to]: objective of the first `to` values in c + 1 clusters, none of them empty.
  let best = Float64Array.from({ length: d + 1 }, (_, to) => (to === 0 ? Number.POSITIVE_INFINITY : objective(0, to)));
  const starts: Int32Array[] = [];
  for (let c = 1; c < k; c++) {
    const next = new Float64Array(d + 1).fill(Number.POSITIVE_INFINITY);
    const start = new Int32Array(d + 1);
    // Of the last cluster only the one that ends with the last value matters.
    for (let to = c === k - 1 ? d : c + 1; to <= d; to++) {
      for (let from = c; from < to; from++) {
        const value = (best[from] as number) + objective(from, to);
        if (value >= (next[to] as number)) continue;
        next[to] = value;
        start[to] = from;
      }
    }
    best = next;
    starts.push(start);
  }
  const ends = [d];
  for (const start of starts.toReversed()) ends.unshift(start[ends[0] as number] as number);
  return ends;
}

function unitVariance(values: readonly number[], weights: readonly number[]): readonly number[] {
  // By the range first, so that squares of tiny or huge sigmas neither vanish nor overflow.
  const low = values[0] as number;
  const range = (values.at(-1) as number) - low;
  const x = values.map((value) => (value - low) / range);
  const mean = (of: (value: number) => number): number => {
    let [sum, n] = [0, 0];
    for (const [i, weight] of weights.entries()) {
      sum += weight * of(x[i] as number);
      n += weight;
    }
    return sum / n;
  };
  const center = mean((value) => value);
  const deviation = Math.sqrt(mean((value) => (value - center) ** 2));
  return x.map((value) => (value - center) / deviation);
}

/**
 * At most `count` of the candidate bits, spread over all of them from the narrowest to the widest, ascending: of 2 to 8
 * bits these are 2, 4, 6 and 8, as in the paper; of three or four bitwidths all.
 */
export function spreadBits(candidates: readonly Bits[], count: number = clusterCount): readonly Bits[] {
  const sorted = [...new Set(candidates)].sort((a, b) => a - b);
  if (sorted.length <= count) return sorted;
  return Array.from({ length: count }, (_, i) => sorted[Math.round((i * (sorted.length - 1)) / (count - 1))] as Bits);
}

/**
 * Phase 1: every group's bits by the cluster of its sigma, the widest distribution getting the widest bits. A group's
 * sigma is the largest of its layers', since all of them get the bits that the neediest wants. Bits that a group may
 * not have are replaced as in `uniformBits`. With fewer clusters than bitwidths the clusters take bits spread from
 * narrowest to widest; when all sigmas are equal they say nothing, and every group gets the widest.
 *
 * @param sigma of a layer's weights
 */
export function sigmaBits(table: CostTable, sigma: (layer: string) => number, lambda: number): Map<string, Bits> {
  const levels = spreadBits(table.groups.flatMap((group) => group.bits));
  const sigmas = table.groups.map((group) => Math.max(...group.layers.map(sigma)));
  const clusters = sigmaClusters(sigmas, levels.length, lambda);
  const last = Math.max(0, ...clusters);
  return table.withFixed((group, g) => {
    const place = last === 0 ? 1 : (clusters[g] as number) / last;
    return closestBits(group.bits, levels[Math.round(place * (levels.length - 1))] as Bits);
  });
}
