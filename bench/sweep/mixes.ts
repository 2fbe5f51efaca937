/**
 * How well the sum of single layers' sensitivities predicts the harm of real mixes, and how the two-phase search ends beside the
 * exact solver. See `usage` in options.ts for the arguments; --memory 4,3.5,3,2.5,2 says at which weight memories.
 */
import { writeFile } from "node:fs/promises";
import process from "node:process";
import { uniformBits } from "../../src/core/allocate/uniform.ts";
import { random } from "../../src/core/data/random.ts";
import type { Bits, HardwareProfile } from "../../src/core/hardware/profile.ts";
import { analyzeWeights, measureLayers } from "../../src/core/pipeline/analysis.ts";
import { DeviceFit } from "../../src/core/pipeline/deviceFit.ts";
import { lossOf, totalLoss } from "../../src/core/pipeline/loss.ts";
import { type BitsByLayer, MixEvaluator } from "../../src/core/pipeline/mix.ts";
import { propose } from "../../src/core/pipeline/propose.ts";
import { solveBits } from "../../src/core/pipeline/solveBits.ts";
import { loadProfile } from "../../src/node/profiles.ts";
import { rankCorrelation } from "./agreement.ts";
import { forEachModel } from "./open.ts";
import { sweepOptions, usage } from "./options.ts";
import { quiet, type Subject } from "./subject.ts";

/** Mixes near the least sum, beside it: their sensitivities are scaled by exp(scatter * normal) before they are solved. */
const others = 12;
const scatter = 0.4;
const solverGap = 1e-3;

interface Row {
  readonly model: string;
  readonly memory: number;
  /** Least sum of sensitivities, and the harm of that mix on the network. */
  readonly sum: number;
  readonly harm: number;
  /** Rank correlation of sum and harm over mixes near the least sum. */
  readonly rank: number;
  readonly mixes: number;
  /** The two-phase search's sum and harm, as shares of the exact solver's. */
  readonly twoPhaseSum: number;
  readonly twoPhaseHarm: number;
  readonly seconds: number;
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
    const own = await compare(name, subject, options.memories, profile);
    rows.push(...own);
    console.log(markdown(own));
  });
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(rows, null, 1)}\n`);
  return 0;
}

async function compare(
  name: string,
  subject: Subject,
  memories: readonly number[],
  profile: HardwareProfile,
): Promise<Row[]> {
  const { prepared, dataset, weights, bits, batch, inference, threads } = subject;
  const running = { inference, batch, samples: dataset.samples, ...(threads !== undefined && { threads }) };
  const statistics = await analyzeWeights(prepared, weights, bits, quiet);
  const { table } = await measureLayers(prepared, weights, dataset, { ...running, bits: () => bits }, quiet);
  const loss = lossOf(table.byLayer);
  const evaluator = await MixEvaluator.open(prepared, dataset, { ...running, weights, activations: new Map() }, quiet);
  const harmOf = async (mix: BitsByLayer): Promise<number> => {
    const found = await evaluator.evaluate(mix);
    return found.kl ?? found.nmse;
  };
  const free = new DeviceFit({ prepared, profile, limits: {}, candidates: bits, weightsOnly: true });
  const memoryAt = (b: number) => free.weightMemory(uniformBits(free.table, b as Bits));
  const rows: Row[] = [];
  try {
    for (const memory of memories) {
      const [low, high] = [memoryAt(Math.floor(memory)), memoryAt(Math.ceil(memory))];
      const fit = free.withLimits({ weightMemory: Math.floor(low + (memory % 1) * (high - low)) });
      const exact = solveBits(fit, loss, { maxGap: solverGap }).bits;
      const [sum, harm] = [totalLoss(exact, loss), await harmOf(exact)];
      const near = await nearMixes(fit, loss, harmOf);
      const began = performance.now();
      const proposal = await propose(
        { fit, strategy: "sigmaquant", statistics, loss, measured: true, evaluator },
        quiet,
      );
      const seconds = (performance.now() - began) / 1e3;
      rows.push({
        model: name,
        memory,
        sum,
        harm,
        rank: rankCorrelation(
          near.map((mix) => mix.sum),
          near.map((mix) => mix.harm),
        ),
        mixes: near.length,
        twoPhaseSum: totalLoss(proposal.bits, loss) / sum,
        twoPhaseHarm: (await harmOf(proposal.bits)) / harm,
        seconds,
      });
      console.error(`${name}, ${memory} bits: ${seconds.toFixed(1)} s`);
    }
  } finally {
    await evaluator.close();
  }
  return rows;
}

/** Different mixes near the least sum, that one first. */
async function nearMixes(
  fit: DeviceFit,
  loss: (layer: string, bits: Bits) => number,
  harmOf: (mix: BitsByLayer) => Promise<number>,
): Promise<{ readonly sum: number; readonly harm: number }[]> {
  const draw = random(1);
  const seen = new Map<string, BitsByLayer>();
  for (let i = 0; i <= others; i++) {
    const factors = new Map<string, number>();
    const scaled = (layer: string, b: Bits): number => {
      const key = `${layer}:${b}`;
      if (!factors.has(key)) factors.set(key, i === 0 ? 1 : Math.exp(scatter * draw.gaussian()));
      return loss(layer, b) * (factors.get(key) as number);
    };
    const mix = solveBits(fit, scaled, { maxGap: solverGap }).bits;
    seen.set(JSON.stringify([...mix]), mix);
  }
  const found: { sum: number; harm: number }[] = [];
  for (const mix of seen.values()) found.push({ sum: totalLoss(mix, loss), harm: await harmOf(mix) });
  return found;
}

function markdown(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const ratio = (row.harm / row.sum).toFixed(2);
    const rank = row.mixes > 3 ? `${row.rank.toFixed(2)} (${row.mixes})` : "-";
    const shares = [row.twoPhaseSum.toFixed(3), row.twoPhaseHarm.toFixed(3), row.seconds.toFixed(1)];
    return `| ${[row.memory, row.sum.toPrecision(3), row.harm.toPrecision(3), ratio, rank, ...shares].join(" | ")} |`;
  });
  return [
    `**${rows[0]?.model}**`,
    "",
    "| memory of | least sum | its harm | harm / sum | rank correlation near it | two-phase: sum / least | harm / exact's | s |",
    "|---|---:|---:|---:|---:|---:|---:|---:|",
    ...lines,
    "",
  ].join("\n");
}

process.exitCode = await main();
