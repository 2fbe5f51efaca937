/**
 * Accuracy by weight memory: uniform bits, sigma alone, KL of the weights alone, the exact solver and the two-phase search over
 * measured sensitivities, each with several sets of recovery methods. See `usage` in options.ts.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import type { Dataset } from "../../src/core/data/dataset.ts";
import { take } from "../../src/core/data/subset.ts";
import type { HardwareProfile } from "../../src/core/hardware/profile.ts";
import { quantizableSites } from "../../src/core/model/discover.ts";
import { modelInputs } from "../../src/core/model/inputs.ts";
import { analyzeWeights, measureLayers } from "../../src/core/pipeline/analysis.ts";
import { activationQuantizations, calibrate } from "../../src/core/pipeline/calibrate.ts";
import { CandidateWeights, roundToNearest } from "../../src/core/pipeline/candidates.ts";
import { lossOf } from "../../src/core/pipeline/loss.ts";
import { type BitsByLayer, MixEvaluator } from "../../src/core/pipeline/mix.ts";
import { activationNames, type PreparedModel, prepareModel } from "../../src/core/pipeline/prepare.ts";
import type { Inference } from "../../src/core/ports.ts";
import { equalizeChannels } from "../../src/core/recovery/equalize.ts";
import { collectHessians } from "../../src/core/recovery/hessians.ts";
import type { RecoveryMethod } from "../../src/core/recovery/methods.ts";
import { recoveryQuantizer } from "../../src/core/recovery/quantizer.ts";
import { RecoveredWeights } from "../../src/core/recovery/recoveredWeights.ts";
import { roundInSequence } from "../../src/core/recovery/sequential.ts";
import type { WeightSource } from "../../src/core/sensitivity/layerValues.ts";
import { openDataset } from "../../src/node/openData.ts";
import { openModelFile } from "../../src/node/openModel.ts";
import { createOrtInference } from "../../src/node/ortInference.ts";
import { loadProfile } from "../../src/node/profiles.ts";
import { type BenchOptions, benchOptions, usage } from "./options.ts";
import { bitsWithin, memoryOf, type StrategyInput } from "./strategies.ts";
import { markdown, type Row } from "./table.ts";

const batch = 64;
/** Same labelled samples for every seed of the calibration. */
const evaluationSeed = 1;
const quiet = () => {};

interface Entry {
  readonly model: string;
  readonly evaluation: string;
}

/** Weights that can be exchanged under an evaluator, which holds the float model's outputs. */
class Exchangeable implements WeightSource {
  constructor(public current: WeightSource) {}
  float(layer: string) {
    return this.current.float(layer);
  }
  quantized(layer: string, bits: Parameters<WeightSource["quantized"]>[1]) {
    return this.current.quantized(layer, bits);
  }
}

function seconds(since: number): number {
  return Number(((performance.now() - since) / 1e3).toFixed(2));
}

/** Opens one model and its samples, and runs everything on it. */
async function runModel(entry: Entry, options: BenchOptions, profile: HardwareProfile): Promise<Row[]> {
  const file = path.join(options.data, entry.model);
  const opened = await openModelFile(file);
  const { threads } = options;
  const inference = createOrtInference(threads === undefined ? {} : { threads });
  const inputs = modelInputs(opened.model);
  const all = await openDataset(path.join(path.dirname(file), "calibration.npz"), inputs);
  const labelled = await openDataset(path.join(options.data, entry.evaluation), inputs);
  try {
    const prepared = await prepareModel(opened.model, { path: file, inference });
    const evaluation = await take(labelled, options.samples, evaluationSeed);
    const rows: Row[] = [];
    for (const seed of options.seeds) {
      const calibration = await take(all, options.calibration, seed);
      for (const methods of options.recoveries) {
        const isEqualized = methods.has("equalize");
        const own = isEqualized
          ? await prepareModel((await equalizeChannels(prepared.model)).model, { path: file, inference })
          : prepared;
        const job = { entry, options, profile, inference, prepared: own, calibration, evaluation, seed, methods };
        rows.push(...(await runRecovery(job)));
      }
    }
    return rows;
  } finally {
    await opened.close();
    await all.close();
    await labelled.close();
  }
}

interface Job {
  readonly entry: Entry;
  readonly options: BenchOptions;
  readonly profile: HardwareProfile;
  readonly inference: Inference;
  readonly prepared: PreparedModel;
  readonly calibration: Dataset;
  readonly evaluation: Dataset;
  readonly seed: number;
  readonly methods: ReadonlySet<RecoveryMethod>;
}

async function runRecovery(job: Job): Promise<Row[]> {
  const { entry, options, profile, inference, prepared, calibration, evaluation, seed, methods } = job;
  const running = { batch, ...(options.threads !== undefined && { threads: options.threads }) };
  const samples = calibration.samples;
  const name = methods.size === 0 ? "none" : [...methods].join(",");
  const log = (text: string) => console.error(`${path.basename(entry.model)}, seed ${seed}, ${name}: ${text}`);

  let began = performance.now();
  const hessians =
    methods.size === 0
      ? new Map()
      : await collectHessians(prepared, calibration, inference, { ...running, samples, seed }, quiet);
  log(`Hessians ${seconds(began)} s`);
  const weights = new CandidateWeights(
    prepared,
    methods.size === 0 ? roundToNearest : recoveryQuantizer(methods, hessians),
  );
  began = performance.now();
  for (const { layer } of quantizableSites(prepared.discovery)) {
    for (const bits of options.bits) await weights.quantizedLayer(layer.name, bits);
  }
  log(`all layers at ${options.bits.length} bitwidths ${seconds(began)} s`);
  const statistics = await analyzeWeights(prepared, weights, options.bits, quiet);
  const observed = await calibrate(prepared, calibration, inference, { ...running, samples }, quiet);
  const activations = options.activations
    ? activationQuantizations(observed, activationNames(prepared), 8, "mse")
    : new Map();
  began = performance.now();
  const measured = { ...running, inference, samples, bits: () => options.bits };
  const needsLoss = options.strategies.some((strategy) => strategy === "exact" || strategy === "two-phase");
  const byLayer = needsLoss ? (await measureLayers(prepared, weights, calibration, measured, quiet)).table.byLayer : {};
  log(`sensitivities ${seconds(began)} s`);

  const open = (set: Dataset, source: WeightSource) => {
    const opening = { ...running, inference, weights: source, activations, samples: set.samples };
    return MixEvaluator.open(prepared, set, opening, quiet);
  };
  const exchangeable = new Exchangeable(weights);
  const search = await open(calibration, weights);
  const judge = await open(evaluation, exchangeable);
  try {
    const weightsOnly = !options.activations;
    const loss = lossOf(byLayer);
    const input: StrategyInput = { prepared, profile, candidates: options.bits, weightsOnly, statistics, loss, search };
    const rows: Row[] = [];
    for (const memory of options.memories) {
      const weightMemory = memoryOf(input, memory);
      for (const strategy of options.strategies) {
        began = performance.now();
        const bits = await bitsWithin(strategy, input, weightMemory, memory);
        if (bits === undefined) continue;
        exchangeable.current = methods.has("sequential") ? await sequential(job, weights, bits, activations) : weights;
        const took = seconds(began);
        const result = await judge.evaluate(bits);
        rows.push({
          model: path.basename(entry.model, ".onnx"),
          seed,
          recovery: name,
          activations: weightsOnly ? "activations in float" : "activations in 8 bits",
          memoryOf: memory,
          weightMemory,
          strategy,
          averageBits: averageBits(prepared, bits),
          bits: Object.fromEntries(bits),
          samples: judge.samples,
          floatTop1: judge.float.top1 ?? Number.NaN,
          top1: result.top1 ?? Number.NaN,
          kl: result.kl ?? Number.NaN,
          seconds: took,
        });
        log(`${memory} bits, ${strategy}: ${(100 * (result.top1 ?? 0)).toFixed(2)} %, ${took} s`);
      }
    }
    return rows;
  } finally {
    await search.close();
    await judge.close();
  }
}

async function sequential(
  { prepared, calibration, inference, methods, seed, options }: Job,
  weights: CandidateWeights,
  bits: BitsByLayer,
  activations: Parameters<typeof roundInSequence>[0]["activations"],
): Promise<WeightSource> {
  const { threads } = options;
  const running = { samples: calibration.samples, batch, seed, ...(threads !== undefined && { threads }) };
  const input = { prepared, bits, weights, activations, dataset: calibration, inference, methods, ...running };
  return new RecoveredWeights(weights, prepared.discovery.sites, await roundInSequence(input, quiet));
}

/** Bits a weight, scales not counted. */
function averageBits(prepared: PreparedModel, bits: BitsByLayer): number {
  let sum = 0;
  let params = 0;
  for (const { layer } of quantizableSites(prepared.discovery)) {
    sum += layer.params * (bits.get(layer.name) ?? 32);
    params += layer.params;
  }
  return Number((sum / params).toFixed(3));
}

async function main(): Promise<number> {
  const options = benchOptions(process.argv.slice(2), process.env.SIGMAQUANT_BENCH_DATA);
  if (options === undefined) {
    console.error(usage);
    return 2;
  }
  const entries = JSON.parse(await readFile(path.join(options.data, "models.json"), "utf8")) as readonly Entry[];
  const wanted = entries.filter(({ model }) => options.models?.includes(path.basename(model, ".onnx")) ?? true);
  const { profile } = await loadProfile("generic");
  const rows: Row[] = [];
  for (const entry of wanted) {
    const began = performance.now();
    const own = await runModel(entry, options, profile);
    rows.push(...own);
    console.log(markdown(own));
    console.log(`${seconds(began)} s in all\n`);
  }
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(rows, null, 1)}\n`);
  return 0;
}

process.exitCode = await main();
