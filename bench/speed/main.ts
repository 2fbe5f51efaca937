/**
 * `npm run bench`: runs the speed benchmarks and prints their figures as one Markdown table.  node bench/run.mjs speed/main [NAME ...]
 *   --write  puts the table, with the machine's description, into docs/performance.md
 * Exit code 0 whatever the figures are: they are of a machine, and a busy one misses bars.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { parseArgs } from "node:util";
import { root } from "../../scripts/lib/run.mjs";
import type { Benchmark, Row } from "../lib/benchmark.ts";
import { withFigures } from "../lib/document.ts";
import { machine } from "../lib/machine.ts";
import { figuresTable, millis } from "../lib/table.ts";
import { allocateBits } from "./allocate.ts";
import { analyzeExample } from "./analyze.ts";
import { openModels } from "./open.ts";
import { threads } from "./threads.ts";
import { weightStatisticsSpeed } from "./weightStatistics.ts";
import { writeQuantized } from "./write.ts";

/** By the names of their files. */
const benchmarks: Readonly<Record<string, Benchmark>> = {
  open: openModels,
  weightStatistics: weightStatisticsSpeed,
  threads,
  allocate: allocateBits,
  write: writeQuantized,
  analyze: analyzeExample,
};

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { write: { type: "boolean", default: false } },
  });
  const unknown = positionals.filter((name) => !(name in benchmarks));
  if (unknown.length > 0 || (values.write && positionals.length > 0)) {
    console.error(`usage: npm run bench -- [--write] or node bench/run.mjs ${Object.keys(benchmarks).join(" | ")}`);
    return 2;
  }
  const rows: Row[] = [];
  for (const [name, benchmark] of Object.entries(benchmarks)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const began = performance.now();
    rows.push(...(await benchmark((text) => console.error(text))));
    console.error(`${name} took ${millis(performance.now() - began)}\n`);
  }
  const figures = `${machine()}\n\n${figuresTable(rows)}`;
  console.log(figures);
  if (values.write) {
    const file = path.join(root, "docs/performance.md");
    await writeFile(file, withFigures(await readFile(file, "utf8"), figures));
  }
  return 0;
}

process.exitCode = await main();
