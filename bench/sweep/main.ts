/**
 * The sensitivity sweep by several methods: time, and agreement with one full run of the network for each layer and bitwidth.
 * See `usage` in options.ts.
 */
import { writeFile } from "node:fs/promises";
import process from "node:process";
import { uniformBits } from "../../src/core/allocate/uniform.ts";
import type { HardwareProfile } from "../../src/core/hardware/profile.ts";
import { DeviceFit } from "../../src/core/pipeline/deviceFit.ts";
import { totalLoss } from "../../src/core/pipeline/loss.ts";
import { solveBits } from "../../src/core/pipeline/solveBits.ts";
import { loadProfile } from "../../src/node/profiles.ts";
import { percent } from "../lib/table.ts";
import { median, timed } from "../lib/timing.ts";
import { logError, spearman } from "./agreement.ts";
import { full, methods } from "./methods.ts";
import { forEachModel } from "./open.ts";
import { type SweepOptions, sweepOptions, usage } from "./options.ts";
import type { Subject, Table } from "./subject.ts";

/** Average bits at whose weight memory the plans of a method are judged. */
const planBits = 3;
const fullName = "full";

interface Row {
  readonly model: string;
  readonly method: string;
  readonly seconds: number;
  /** Of all threads; waits less for other programs than `seconds`. */
  readonly cpuSeconds: number;
  /** Of the full sweep's time. */
  readonly share: number;
  readonly cpuShare: number;
  readonly spearman: number;
  readonly logError: number;
  /** How much larger the sum of sensitivities (of the full sweep) is than the least, for the plan that this method leads to. */
  readonly regret: number;
}

interface Times {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function main(): Promise<number> {
  const options = sweepOptions(process.argv.slice(2), process.env.SIGMAQUANT_BENCH_DATA);
  if (options === undefined) {
    console.error(usage);
    return 2;
  }
  const { profile } = await loadProfile("generic");
  const rows: Row[] = [];
  await forEachModel(options, async (name, subject) => {
    const own = await compare(name, subject, options, profile);
    rows.push(...own);
    console.log(markdown(own));
  });
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(rows, null, 1)}\n`);
  return 0;
}

async function compare(
  name: string,
  subject: Subject,
  { methods: wanted, rounds }: SweepOptions,
  profile: HardwareProfile,
): Promise<Row[]> {
  const chosen = Object.entries(methods).filter(([method]) => wanted?.includes(method) ?? true);
  const times = new Map<string, Times[]>();
  const tables = new Map<string, Table>();
  for (let round = 0; round < rounds; round++) {
    for (const [method, run] of [[fullName, full] as const, ...chosen]) {
      const { ms, cpuMs, value } = await timed(() => run(subject));
      tables.set(method, value);
      const seconds = ms / 1e3;
      times.set(method, [...(times.get(method) ?? []), { seconds, cpuSeconds: cpuMs / 1e3 }]);
      console.error(`${name}, round ${round + 1}, ${method}: ${seconds.toFixed(2)} s`);
    }
  }
  const mediansOf = (method: string): Times => ({
    seconds: median((times.get(method) ?? []).map((each) => each.seconds)),
    cpuSeconds: median((times.get(method) ?? []).map((each) => each.cpuSeconds)),
  });
  const truth = tables.get(fullName) as Table;
  const whole = mediansOf(fullName);
  const regret = regretOf(subject, profile, truth);
  return [...tables].map(([method, table]) => {
    const own = mediansOf(method);
    const shares = { share: own.seconds / whole.seconds, cpuShare: own.cpuSeconds / whole.cpuSeconds };
    const agreement = { spearman: spearman(table, truth), logError: logError(table, truth) };
    return { model: name, method, ...own, ...shares, ...agreement, regret: regret(table) };
  });
}

/** Plans at the weight memory of uniform `planBits`, compared by the full sweep's sum. */
function regretOf({ prepared, bits }: Subject, profile: HardwareProfile, truth: Table): (table: Table) => number {
  const free = new DeviceFit({ prepared, profile, limits: {}, candidates: bits, weightsOnly: true });
  const fit = free.withLimits({ weightMemory: free.weightMemory(uniformBits(free.table, planBits)) });
  const lossOf =
    (table: Table) =>
    (layer: string, b: (typeof bits)[number]): number =>
      table.get(layer)?.get(b) ?? 0;
  const least = totalLoss(solveBits(fit, lossOf(truth), {}).bits, lossOf(truth));
  return (table) => totalLoss(solveBits(fit, lossOf(table), {}).bits, lossOf(truth)) / least - 1;
}

function markdown(rows: readonly Row[]): string {
  const part = (share: number) => `1/${(1 / share).toFixed(1)}`;
  const lines = rows.map((row) => {
    const times = [row.seconds.toFixed(1), part(row.share), row.cpuSeconds.toFixed(1), part(row.cpuShare)];
    const agreement = [row.spearman.toFixed(4), percent(row.logError, 0), percent(row.regret, 1)];
    return `| ${[row.method, ...times, ...agreement].join(" | ")} |`;
  });
  return [
    `**${rows[0]?.model}**`,
    "",
    "| method | s | of full | CPU s | of full | Spearman | typical error | plan's loss above least |",
    "|---|---:|---:|---:|---:|---:|---:|---:|",
    ...lines,
    "",
  ].join("\n");
}

process.exitCode = await main();
