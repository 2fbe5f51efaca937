/**
 * Analyzes a model as `sigmaquant analyze` does, and tells when which progress was told and what the run took. Arguments: the model, the
 * calibration set, samples.
 */
import os from "node:os";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { allBits } from "../../src/core/hardware/bitPairs.ts";
import { modelInputs } from "../../src/core/model/inputs.ts";
import { analyzeWeights, measureLayers } from "../../src/core/pipeline/analysis.ts";
import { CandidateWeights, roundToNearest } from "../../src/core/pipeline/candidates.ts";
import { prepareModel } from "../../src/core/pipeline/prepare.ts";
import { defaultBatch } from "../../src/core/pipeline/settings.ts";
import type { Progress } from "../../src/core/ports.ts";
import { openModelFile } from "../../src/node/openModel.ts";
import { openSamples } from "../../src/node/openSamples.ts";
import { createOrtInference } from "../../src/node/ortInference.ts";
import { definiteThreads } from "../../src/node/threads.ts";
import { peakResident, tellParent } from "../lib/child.ts";
import { cpuMs, timed } from "../lib/timing.ts";

export interface Told extends Progress {
  /** Milliseconds since the run began. */
  readonly at: number;
  /** The same in CPU time. */
  readonly atCpu: number;
}

export interface Analyzed {
  readonly ms: number;
  readonly cpuMs: number;
  readonly cores: number;
  readonly resident: number;
  readonly told: readonly Told[];
}

async function main(file: string, calibration: string, samples: number): Promise<Analyzed> {
  const inference = createOrtInference();
  const told: Told[] = [];
  const began = performance.now();
  const before = cpuMs();
  const onProgress = (progress: Progress) =>
    void told.push({ ...progress, at: performance.now() - began, atCpu: cpuMs() - before });
  const opened = await openModelFile(file);
  const run = await timed(async () => {
    const prepared = await prepareModel(opened.model, { path: file, inference });
    const weights = new CandidateWeights(prepared, roundToNearest);
    await analyzeWeights(prepared, weights, allBits, onProgress);
    const dataset = await openSamples(calibration, modelInputs(opened.model), prepared.shapes);
    const settings = {
      inference,
      samples,
      batch: defaultBatch,
      threads: definiteThreads(),
      bits: () => allBits,
    };
    await measureLayers(prepared, weights, dataset, settings, onProgress);
    await dataset.close();
  });
  await opened.close();
  return { ms: run.ms, cpuMs: run.cpuMs, cores: os.availableParallelism(), resident: peakResident(), told };
}

const [, , model = "", calibration = "", samples = ""] = process.argv;
tellParent(await main(model, calibration, Number(samples)));
