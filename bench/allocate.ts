// Time and gap of the exact allocation, with HiGHS (a general mixed-integer solver, here as WebAssembly) for
// comparison. Times are CPU time of this process, so that other load on the machine doesn't count: on an idle one it is
// what a clock shows. Each instance of ours is solved several times after a warm-up, HiGHS solves it once; both stop at
// the same gap.
import process from "node:process";
import { type ExactOptions, solveExact } from "../src/core/allocate/exact.ts";
import type { AllocationProblem } from "../src/core/allocate/problem.ts";
import { networkProblem } from "../test/support/allocationProblems.ts";
import { type HighsAnswer, highsSolver } from "../test/support/highs.ts";

const bitwidths = 7;
const limits = 4;
const repeats = 5;
const highsSeconds = 60;

interface Case {
  readonly layers: number;
  readonly budgets: "apart" | "together";
  readonly seeds: number;
  /** Instances that HiGHS solves too. */
  readonly highsSeeds: number;
  readonly maxGap: number;
}

const cases: readonly Case[] = [
  { layers: 200, budgets: "apart", seeds: 20, highsSeeds: 5, maxGap: 1e-3 },
  { layers: 200, budgets: "together", seeds: 20, highsSeeds: 5, maxGap: 1e-3 },
  { layers: 1000, budgets: "apart", seeds: 10, highsSeeds: 1, maxGap: 1e-3 },
  { layers: 1000, budgets: "together", seeds: 10, highsSeeds: 1, maxGap: 1e-3 },
  { layers: 5000, budgets: "apart", seeds: 5, highsSeeds: 0, maxGap: 1e-3 },
  { layers: 5000, budgets: "together", seeds: 5, highsSeeds: 0, maxGap: 1e-3 },
  { layers: 50, budgets: "together", seeds: 10, highsSeeds: 3, maxGap: 0 },
  { layers: 200, budgets: "together", seeds: 10, highsSeeds: 0, maxGap: 0 },
  { layers: 1000, budgets: "together", seeds: 5, highsSeeds: 0, maxGap: 0 },
];

/** CPU milliseconds of this process. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

/** Milliseconds for one instance, and the gap that was left. */
function measure(problem: AllocationProblem, options: ExactOptions): { readonly ms: number; readonly gap: number } {
  let gap = 0;
  const began = cpu();
  for (let i = 0; i < repeats; i++) {
    const result = solveExact(problem, options);
    if (!result.feasible) throw new Error("instances of this benchmark are feasible");
    gap = Math.max(gap, result.gap);
  }
  // The system counts in ticks of up to some milliseconds: over several runs that evens out.
  return { ms: (cpu() - began) / repeats, gap };
}

function timed(solve: () => HighsAnswer): { readonly ms: number; readonly status: string } {
  const began = cpu();
  const { status } = solve();
  return { ms: cpu() - began, status };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

async function main(): Promise<void> {
  const highs = await highsSolver();
  for (let seed = 1000; seed < 1030; seed++) {
    for (const budgets of ["apart", "together"] as const) {
      const warmUp = networkProblem({ layers: 200, limits, budgets, seed });
      for (let i = 0; i < repeats; i++) solveExact(warmUp, { maxGap: 1e-3 });
    }
  }
  highs(networkProblem({ layers: 20, limits, seed: 1000 }), 1e-3, highsSeconds);

  console.log(
    `${bitwidths} bitwidths, ${limits} budgets (each on its own, or all binding together), Node ${process.version}\n`,
  );
  console.log("| layers | budgets | asked gap | median | slowest | worst gap | HiGHS median | HiGHS / ours |");
  console.log("|---:|---|---:|---:|---:|---:|---:|---:|");
  for (const { layers, budgets, seeds, highsSeeds, maxGap } of cases) {
    const problems = Array.from({ length: seeds }, (_, i) => networkProblem({ layers, limits, budgets, seed: i + 1 }));
    const ours = problems.map((problem) => measure(problem, { maxGap }));
    const theirs = problems.slice(0, highsSeeds).map((problem) => timed(() => highs(problem, maxGap, highsSeconds)));
    const unfinished = theirs.filter(({ status }) => status !== "Optimal").length;
    const ratio = median(theirs.map(({ ms }, i) => ms / (ours[i]?.ms ?? Number.NaN)));
    const count = unfinished ? `${theirs.length}, ${unfinished} unfinished` : `${theirs.length}`;
    const cells = [
      layers,
      budgets,
      percent(maxGap),
      millis(median(ours.map(({ ms }) => ms))),
      millis(Math.max(...ours.map(({ ms }) => ms))),
      percent(Math.max(...ours.map(({ gap }) => gap))),
      theirs.length === 0 ? "-" : `${millis(median(theirs.map(({ ms }) => ms)))} (${count})`,
      theirs.length === 0 ? "-" : `${ratio.toFixed(0)}x`,
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

function millis(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

function percent(value: number): string {
  return `${(100 * value).toFixed(value === 0 ? 0 : 4)} %`;
}

await main();
