/**
 * Mutated files of every kind, each under a limit of time and memory: a result or an error with a code, and nothing else.
 *
 *   node bench/run.mjs fuzz/main [--cases 100000] [--seed 1] [--from 0] [--only plans] [--save FILE]
 *
 * The same seed makes the same files on every machine. Findings are printed with their numbers: `--from N --cases 1` runs one again,
 * and `--save FILE` writes its file.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { fuzz } from "../../test/support/fuzz/run.ts";
import { serve } from "../../test/support/fuzz/worker.ts";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      cases: { type: "string", default: "100000" },
      seed: { type: "string", default: "1" },
      from: { type: "string", default: "0" },
      only: { type: "string" },
      save: { type: "string" },
    },
  });
  const started = Date.now();
  const report = await fuzz({
    program: process.argv[1] as string,
    args: ["--serve"],
    seed: Number(values.seed),
    from: Number(values.from),
    cases: Number(values.cases),
    ...(values.only !== undefined && { only: values.only }),
    ...(values.save !== undefined && { save: values.save }),
    onProgress: (next) => console.error(`${next} cases`),
    onFinding: ({ number, kind, problem }) => console.log(`${kind}, case ${number}: ${problem.slice(0, 1500)}\n`),
  });
  console.log("| Files | Cases | Taken | Refused | Codes |\n|---|---:|---:|---:|---|");
  for (const [kind, codes] of Object.entries(report.counts)) {
    const all = Object.values(codes).reduce((sum, count) => sum + count, 0);
    const { "": taken = 0, ...refused } = codes;
    console.log(`| ${kind} | ${all} | ${taken} | ${all - taken} | ${Object.keys(refused).sort().join(", ")} |`);
  }
  const seconds = Math.round((Date.now() - started) / 1000);
  const { slowestMs, peakMiB, findings } = report;
  console.log(
    `\n${report.cases} cases in ${seconds} s, slowest ${Math.round(slowestMs)} ms of processor time, most memory ${Math.round(peakMiB)} MiB`,
  );
  console.log(`${findings.length} findings`);
  if (findings.length > 0) process.exitCode = 1;
}

if (process.argv.includes("--serve")) serve();
else await main();
