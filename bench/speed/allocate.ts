// Time and gap of the exact allocation, with HiGHS (a general mixed-integer solver, here as WebAssembly) for
// comparison. Each instance of ours is solved several times after a warm-up, HiGHS solves it once; both stop at the same
// gap.
import { performance } from "node:perf_hooks";
import { type ExactOptions, solveExact } from "../../src/core/allocate/exact.ts";
import type { AllocationProblem } from "../../src/core/allocate/problem.ts";
import { networkProblem } from "../../test/support/allocationProblems.ts";
import { type HighsAnswer, highsSolver } from "../../test/support/highs.ts";
import type { Benchmark, Row } from "../lib/benchmark.ts";
import { markdownTable, millis, percent, times } from "../lib/table.ts";
import { cpuMs, median } from "../lib/timing.ts";

const bitwidths = 7;
const limits = 4;
const repeats = 5;
const highsSeconds = 60;
const leastFaster = 20;

interface Case {
  readonly layers: number;
  readonly budgets: "apart" | "together";
  readonly seeds: number;
  /** Instances that HiGHS solves too. */
  readonly highsSeeds: number;
  readonly maxGap: number;
  /** What the slowest instance is held to; none for cases that are only told. */
  readonly maxMs?: number;
}

/** Those with a time to keep to are rows of the table; all are told as details. */
const cases: readonly Case[] = [
  { layers: 200, budgets: "apart", seeds: 20, highsSeeds: 5, maxGap: 1e-3, maxMs: 16 },
  { layers: 200, budgets: "together", seeds: 20, highsSeeds: 5, maxGap: 1e-3, maxMs: 16 },
  { layers: 1000, budgets: "together", seeds: 5, highsSeeds: 1, maxGap: 1e-3 },
  { layers: 5000, budgets: "apart", seeds: 5, highsSeeds: 0, maxGap: 1e-3, maxMs: 200 },
  { layers: 5000, budgets: "together", seeds: 5, highsSeeds: 0, maxGap: 1e-3, maxMs: 200 },
  { layers: 50, budgets: "together", seeds: 10, highsSeeds: 3, maxGap: 0 },
  { layers: 200, budgets: "together", seeds: 10, highsSeeds: 0, maxGap: 0 },
];

interface Found {
  readonly ms: readonly number[];
  readonly gap: number;
  /** Of those instances that it was given. */
  readonly highsMs: readonly number[];
  readonly highsUnfinished: number;
  /** HiGHS's time over ours, the median; NaN without any. */
  readonly ratio: number;
}

/** Exact allocation of bits, to a stated gap. */
export const allocateBits: Benchmark = async (detail) => {
  const highs = await highsSolver();
  warmUp();
  highs(networkProblem({ layers: 20, limits, seed: 1000 }), 1e-3, highsSeconds);
  const rows: Row[] = [];
  const lines: string[][] = [];
  for (const each of cases) {
    const found = solveCase(each, highs);
    lines.push(lineOf(each, found));
    rows.push(...rowsOf(each, found));
  }
  const head = ["layers", "budgets", "asked gap", "median", "slowest", "worst gap", "HiGHS median", "HiGHS / ours"];
  detail(markdownTable(head, lines, [0, 2, 3, 4, 5, 6, 7]));
  return rows;
};

function warmUp(): void {
  for (let seed = 1000; seed < 1030; seed++) {
    for (const budgets of ["apart", "together"] as const) {
      const problem = networkProblem({ layers: 200, limits, budgets, seed });
      for (let i = 0; i < repeats; i++) solveExact(problem, { maxGap: 1e-3 });
    }
  }
}

function solveCase(
  { layers, budgets, seeds, highsSeeds, maxGap }: Case,
  highs: (problem: AllocationProblem, gap: number, seconds: number) => HighsAnswer,
): Found {
  const problems = Array.from({ length: seeds }, (_, i) => networkProblem({ layers, limits, budgets, seed: i + 1 }));
  const ours = problems.map((problem) => measure(problem, { maxGap }));
  const theirs = problems
    .slice(0, highsSeeds)
    .map((problem) => measureHighs(() => highs(problem, maxGap, highsSeconds)));
  return {
    ms: ours.map(({ ms }) => ms),
    gap: Math.max(...ours.map(({ gap }) => gap)),
    highsMs: theirs.map(({ ms }) => ms),
    highsUnfinished: theirs.filter(({ status }) => status !== "Optimal").length,
    ratio: median(theirs.map(({ ms }, i) => ms / (ours[i]?.ms ?? Number.NaN))),
  };
}

function rowsOf({ layers, budgets, maxMs, maxGap }: Case, { ms, gap, ratio }: Found): Row[] {
  const what = `Allocate: ${layers} layers x ${bitwidths} bitwidths x ${limits} budgets, binding ${budgets}`;
  const slowest = Math.max(...ms);
  if (maxMs === undefined) return [];
  const rows = [
    {
      what,
      bar: `${maxMs} ms, gap ${percent(maxGap, 1)}`,
      measured: `median ${millis(median(ms))}, slowest of ${ms.length} ${millis(slowest)}, gap ${gapText(gap)}`,
      met: slowest <= maxMs && gap <= maxGap,
    },
  ];
  if (Number.isFinite(ratio)) {
    rows.push({
      what,
      bar: `${leastFaster}x HiGHS (WebAssembly) at the same gap`,
      measured: times(ratio),
      met: ratio >= leastFaster,
    });
  }
  return rows;
}

function lineOf({ layers, budgets, maxGap }: Case, { ms, gap, highsMs, highsUnfinished, ratio }: Found): string[] {
  const count = highsUnfinished > 0 ? `${highsMs.length}, ${highsUnfinished} unfinished` : `${highsMs.length}`;
  return [
    `${layers}`,
    budgets,
    gapText(maxGap),
    millis(median(ms)),
    millis(Math.max(...ms)),
    gapText(gap),
    highsMs.length === 0 ? "-" : `${millis(median(highsMs))} (${count})`,
    highsMs.length === 0 ? "-" : times(ratio),
  ];
}

/**
 * Milliseconds for one instance, and the gap that was left: the fastest of several runs by the clock, or their mean in CPU time, where
 * other programs' turns on the core make that the shorter one.
 */
function measure(problem: AllocationProblem, options: ExactOptions): { readonly ms: number; readonly gap: number } {
  let gap = 0;
  let least = Number.POSITIVE_INFINITY;
  const before = cpuMs();
  for (let i = 0; i < repeats; i++) {
    const began = performance.now();
    const result = solveExact(problem, options);
    least = Math.min(least, performance.now() - began);
    if (!result.feasible) throw new Error("instances of this benchmark are feasible");
    gap = Math.max(gap, result.gap);
  }
  // The system may count CPU time in ticks of some milliseconds: over several runs that evens out.
  return { ms: Math.min(least, (cpuMs() - before) / repeats), gap };
}

/** In CPU time, as it runs once. */
function measureHighs(solve: () => HighsAnswer): { readonly ms: number; readonly status: string } {
  const began = cpuMs();
  const { status } = solve();
  return { ms: cpuMs() - began, status };
}

function gapText(gap: number): string {
  return percent(gap, gap === 0 ? 0 : 4);
}
