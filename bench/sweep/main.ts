/**
 * The sensitivity sweep by several methods: time, and agreement with one full run of the network for each layer and bitwidth.
 * See `usage` in options.ts.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { uniformBits } from "../../src/core/allocate/uniform.ts";
import { take } from "../../src/core/data/subset.ts";
import type { HardwareProfile } from "../../src/core/hardware/profile.ts";
import { modelInputs } from "../../src/core/model/inputs.ts";
import { DeviceFit } from "../../src/core/pipeline/deviceFit.ts";
import { totalLoss } from "../../src/core/pipeline/loss.ts";
import { prepareModel } from "../../src/core/pipeline/prepare.ts";
import { solveBits } from "../../src/core/pipeline/solveBits.ts";
import { equalizeChannels } from "../../src/core/recovery/equalize.ts";
import { candidateWeights } from "../../src/core/recovery/planWeights.ts";
import { openDataset } from "../../src/node/openData.ts";
import { openModelFile } from "../../src/node/openModel.ts";
import { createOrtInference } from "../../src/node/ortInference.ts";
import { loadProfile } from "../../src/node/profiles.ts";
import { logError, spearman } from "./agreement.ts";
import { full, methods } from "./methods.ts";
import { type SweepOptions, sweepOptions, usage } from "./options.ts";
import { quiet, type Subject, sitesOf, type Table } from "./subject.ts";

const batch = 64;
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
  const entries = JSON.parse(await readFile(path.join(options.data, "models.json"), "utf8")) as readonly {
    readonly model: string;
  }[];
  const { profile } = await loadProfile("generic");
  const rows: Row[] = [];
  for (const { model } of entries) {
    const name = path.basename(model, ".onnx");
    if (options.models && !options.models.includes(name)) continue;
    const own = await runModel(path.join(options.data, model), name, options, profile);
    rows.push(...own);
    console.log(markdown(own));
  }
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(rows, null, 1)}\n`);
  return 0;
}

async function runModel(file: string, name: string, options: SweepOptions, profile: HardwareProfile): Promise<Row[]> {
  const { bits, threads, recovery } = options;
  const inference = createOrtInference(threads === undefined ? {} : { threads });
  const opened = await openModelFile(file);
  const all = await openDataset(path.join(path.dirname(file), "calibration.npz"), modelInputs(opened.model));
  try {
    const asRead = await prepareModel(opened.model, { path: file, inference });
    const prepared = recovery.has("equalize")
      ? await prepareModel((await equalizeChannels(asRead.model)).model, { path: file, inference })
      : asRead;
    const dataset = await take(all, options.samples, options.seed);
    const running = { inference, batch, ...(threads !== undefined && { threads }) };
    const recovering = { prepared, methods: recovery, calibration: dataset, ...running };
    const weights = await candidateWeights(recovering, quiet);
    const subject: Subject = { prepared, dataset, weights, bits, ...running };
    // Rounding is no part of the sweep: every method needs all of it.
    for (const { layer } of sitesOf(subject)) for (const b of bits) await weights.quantizedLayer(layer.name, b);
    const chosen = Object.entries(methods).filter(([method]) => options.methods?.includes(method) ?? true);
    const times = new Map<string, Times[]>();
    const tables = new Map<string, Table>();
    for (let round = 0; round < options.rounds; round++) {
      for (const [method, run] of [[fullName, full] as const, ...chosen]) {
        const began = performance.now();
        const before = process.cpuUsage();
        tables.set(method, await run(subject));
        const seconds = (performance.now() - began) / 1e3;
        const { user, system } = process.cpuUsage(before);
        times.set(method, [...(times.get(method) ?? []), { seconds, cpuSeconds: (user + system) / 1e6 }]);
        console.error(`${name}, round ${round + 1}, ${method}: ${seconds.toFixed(2)} s`);
      }
    }
    const truth = tables.get(fullName) as Table;
    const mediansOf = (method: string): Times => ({
      seconds: median((times.get(method) ?? []).map((each) => each.seconds)),
      cpuSeconds: median((times.get(method) ?? []).map((each) => each.cpuSeconds)),
    });
    const whole = mediansOf(fullName);
    const regret = regretOf(subject, profile, truth);
    return [...tables].map(([method, table]) => {
      const own = mediansOf(method);
      const shares = { share: own.seconds / whole.seconds, cpuShare: own.cpuSeconds / whole.cpuSeconds };
      const agreement = { spearman: spearman(table, truth), logError: logError(table, truth) };
      return { model: name, method, ...own, ...shares, ...agreement, regret: regret(table) };
    });
  } finally {
    await all.close();
    await opened.close();
  }
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

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] as number)) / 2;
}

function markdown(rows: readonly Row[]): string {
  const part = (share: number) => `1/${(1 / share).toFixed(1)}`;
  const percent = (value: number, digits: number) => `${(100 * value).toFixed(digits)} %`;
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
