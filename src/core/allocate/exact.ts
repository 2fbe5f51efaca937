import { searchCore } from "./coreSearch.ts";
import { maximizeDual } from "./dual.ts";
import { repair } from "./greedy.ts";
import { type Instance, minimize, type Sums } from "./instance.ts";
import type { Allocation, AllocationProblem } from "./problem.ts";
import { allowed, reduce } from "./reduce.ts";

export interface ExactOptions {
  readonly maxGap?: number;
  readonly maxMillis?: number;
  readonly incumbent?: readonly number[];
  readonly log?: (s: string) => void;
}
const widths = [32, 256, 2048, 16384, 131072, 1048576];
const tiny = 1e-300;

export function solveExact(problem: AllocationProblem, options: ExactOptions = {}, signal?: AbortSignal): Allocation {
  const began = performance.now();
  const log = options.log ?? (() => {});
  const reduced = reduce(problem);
  if (!reduced) throw new Error("infeasible A");
  const { instance, source, offset, scale } = reduced;
  const { n, m, start } = instance;
  let best: Int32Array | undefined;
  let upper = 1 + 1e-6;
  const accept = (picks: Int32Array, value: number): boolean => {
    if (value >= upper) return false;
    const choice = Array.from(picks, (p) => source[p] as number);
    if (!total(problem, choice).fits) return false;
    best = picks.slice();
    upper = value;
    return true;
  };
  const result = (bound: number): Allocation => {
    const choice = Array.from(best as Int32Array, (p) => source[p] as number);
    const { loss, costs } = total(problem, choice);
    const low = Math.min(loss, offset + scale * bound);
    return { feasible: true, choice, loss, costs, bound: low, gap: (loss - low) / Math.max(Math.abs(loss), tiny) };
  };
  const maxGap = options.maxGap ?? 0;
  const late = () => performance.now() - began > (options.maxMillis ?? 1e9);
  const good = (bound: number) => upper - bound <= maxGap * Math.abs(upper + offset / scale);
  if (m === 0) {
    best = start.slice(0, n);
    upper = 0;
    return result(0);
  }
  const sums: Sums = { loss: 0, cost: new Float64Array(m) };
  const ones = new Float64Array(m).fill(1);
  const points: { multipliers: Float64Array; value: number }[] = [];
  const dual = maximizeDual(instance, 0, ones, {
    objective: "loss",
    maxRounds: 200,
    tolerance: 1e-9,
    onPoint: (multipliers, value) => {
      points.push({ multipliers: multipliers.slice(), value });
    },
  });
  log(`dual ${points.length} points ${(performance.now() - began).toFixed(2)} ms`);
  if (dual.value > 1 + 1e-9) throw new Error("infeasible B");
  let bound = dual.value;
  points.sort((a, b) => b.value - a.value);
  for (const point of points.slice(0, 5)) {
    const picks = new Int32Array(n);
    minimize(instance, 0, point.multipliers, sums, picks);
    if (repair(instance, picks)) {
      let value = 0;
      for (const p of picks) value += instance.loss[p] as number;
      accept(picks, value);
    }
  }
  log(`greedy gap ${(upper - bound) / upper} ${(performance.now() - began).toFixed(2)} ms`);
  const cuts = points.slice(0, 16).map((p) => p.multipliers);
  for (const width of widths) {
    if (good(bound) || late()) break;
    signal?.throwIfAborted();
    const core = buildCore(instance, points.slice(0, 12), upper);
    if (core.instance.n === 0) {
      bound = upper;
      break;
    }
    const limit = ones.map((one, k) => one - (core.fixedCost[k] as number));
    const t0 = performance.now();
    const outcome = searchCore(core.instance, {
      objective: "loss",
      limit,
      baseLoss: core.fixedLoss,
      cuts,
      width,
      upper,
      accept: (picks, value) => {
        const full = core.picks.slice();
        for (let i = 0; i < picks.length; i++) full[core.group[i] as number] = core.choice[picks[i] as number] as number;
        return accept(full, value);
      },
      stop: late,
    });
    bound = Math.max(bound, Math.min(outcome.bound, upper));
    log(
      `width ${width} core ${core.instance.n} groups ${core.instance.loss.length} choices -> gap ${(upper - bound) / upper} upper ${upper} complete ${outcome.complete} ${(performance.now() - t0).toFixed(2)} ms`,
    );
    if (outcome.complete) {
      bound = upper;
      break;
    }
  }
  if (!best) throw new Error("infeasible C");
  return result(bound);
}

function total(problem: AllocationProblem, choice: readonly number[]) {
  let loss = 0;
  const costs = problem.limits.map(() => 0);
  for (let g = 0; g < choice.length; g++) {
    const picked = problem.groups[g]?.[choice[g] as number];
    if (!picked) throw new Error("bad choice");
    loss += picked.loss;
    for (let k = 0; k < costs.length; k++) costs[k] = (costs[k] as number) + (picked.costs[k] as number);
  }
  const fits = costs.every((c, k) => c <= allowed(problem.limits[k] as number));
  return { loss, costs, fits };
}

function buildCore(instance: Instance, points: readonly { multipliers: Float64Array; value: number }[], upper: number) {
  const { n, m, start, loss, cost } = instance;
  const alive = new Uint8Array(loss.length).fill(1);
  const reducedAt = new Float64Array(loss.length);
  const target = upper - 1e-11 * Math.abs(upper);
  for (let i = points.length - 1; i >= 0; i--) {
    const { multipliers, value } = points[i] as { multipliers: Float64Array; value: number };
    for (let g = 0; g < n; g++) {
      let least = Number.POSITIVE_INFINITY;
      for (let c = start[g] as number; c < (start[g + 1] as number); c++) {
        let score = loss[c] as number;
        for (let k = 0; k < m; k++) score += (multipliers[k] as number) * (cost[c * m + k] as number);
        reducedAt[c] = score;
        if (score < least) least = score;
      }
      for (let c = start[g] as number; c < (start[g + 1] as number); c++) {
        reducedAt[c] = (reducedAt[c] as number) - least;
        if (value + (reducedAt[c] as number) >= target) alive[c] = 0;
      }
    }
  }
  const picks = new Int32Array(n);
  const groups: { g: number; choices: number[]; second: number }[] = [];
  for (let g = 0; g < n; g++) {
    const choices: number[] = [];
    for (let c = start[g] as number; c < (start[g + 1] as number); c++) if (alive[c]) choices.push(c);
    choices.sort((a, b) => (reducedAt[a] as number) - (reducedAt[b] as number));
    picks[g] = choices[0] ?? (start[g] as number);
    if (choices.length > 1) groups.push({ g, choices, second: reducedAt[choices[1] as number] as number });
  }
  const w = (points[0] as { multipliers: Float64Array }).multipliers;
  const impact = (x: { choices: number[] }) => {
    let big = 0;
    const b = x.choices[0] as number;
    for (const c of x.choices) {
      let s = 0;
      for (let k = 0; k < m; k++) s += (w[k] as number) * Math.abs((cost[c * m + k] as number) - (cost[b * m + k] as number));
      big = Math.max(big, s, Math.abs((loss[c] as number) - (loss[b] as number)));
    }
    return big;
  };
  const mode = (globalThis as { ORDER?: string }).ORDER ?? "second";
  if (mode === "second") groups.sort((a, b) => a.second - b.second);
  else if (mode === "impact") groups.sort((a, b) => impact(b) - impact(a));
  else groups.sort((a, b) => impact(b) / (b.second + upper * 1e-4) - impact(a) / (a.second + upper * 1e-4));
  const inCore = new Set(groups.map((x) => x.g));
  let fixedLoss = 0;
  const fixedCost = new Float64Array(m);
  for (let g = 0; g < n; g++) {
    if (inCore.has(g)) continue;
    const p = picks[g] as number;
    fixedLoss += loss[p] as number;
    for (let k = 0; k < m; k++) fixedCost[k] = (fixedCost[k] as number) + (cost[p * m + k] as number);
  }
  const choice = Int32Array.from(groups.flatMap((x) => x.choices));
  const cstart = new Int32Array(groups.length + 1);
  groups.forEach((x, i) => {
    cstart[i + 1] = (cstart[i] as number) + x.choices.length;
  });
  const closs = Float64Array.from(choice, (c) => loss[c] as number);
  const ccost = new Float64Array(choice.length * m);
  choice.forEach((c, i) => {
    for (let k = 0; k < m; k++) ccost[i * m + k] = cost[c * m + k] as number;
  });
  return {
    instance: { n: groups.length, m, start: cstart, loss: closs, cost: ccost } as Instance,
    group: Int32Array.from(groups, (x) => x.g),
    choice,
    picks,
    fixedLoss,
    fixedCost,
  };
}
