import { readFile } from "node:fs/promises";
import path from "node:path";
import { take } from "../../src/core/data/subset.ts";
import { modelInputs } from "../../src/core/model/inputs.ts";
import { prepareModel } from "../../src/core/pipeline/prepare.ts";
import { equalizeChannels } from "../../src/core/recovery/equalize.ts";
import { candidateWeights } from "../../src/core/recovery/planWeights.ts";
import { openDataset } from "../../src/node/openData.ts";
import { openModelFile } from "../../src/node/openModel.ts";
import { createOrtInference } from "../../src/node/ortInference.ts";
import type { SweepOptions } from "./options.ts";
import { quiet, type Subject, sitesOf } from "./subject.ts";

/** Samples in one run of the network. */
const batch = 64;

/** Opens each of the wanted models with its samples and recovered weights, one after the other. */
export async function forEachModel(
  options: SweepOptions,
  body: (name: string, subject: Subject) => Promise<void>,
): Promise<void> {
  const entries = JSON.parse(await readFile(path.join(options.data, "models.json"), "utf8")) as readonly {
    readonly model: string;
  }[];
  for (const { model } of entries) {
    const name = path.basename(model, ".onnx");
    if (options.models?.includes(name) ?? true) await withModel(path.join(options.data, model), name, options, body);
  }
}

async function withModel(
  file: string,
  name: string,
  { bits, threads, recovery, samples, seed }: SweepOptions,
  body: (name: string, subject: Subject) => Promise<void>,
): Promise<void> {
  const inference = createOrtInference(threads === undefined ? {} : { threads });
  const opened = await openModelFile(file);
  const all = await openDataset(path.join(path.dirname(file), "calibration.npz"), modelInputs(opened.model));
  try {
    const asRead = await prepareModel(opened.model, { path: file, inference });
    const prepared = recovery.has("equalize")
      ? await prepareModel((await equalizeChannels(asRead.model)).model, { path: file, inference })
      : asRead;
    const dataset = await take(all, samples, seed);
    const running = { inference, batch, ...(threads !== undefined && { threads }) };
    const weights = await candidateWeights({ prepared, methods: recovery, calibration: dataset, ...running }, quiet);
    const subject: Subject = { prepared, dataset, weights, bits, ...running };
    // Rounding is no part of the sweep: every method needs all of it.
    for (const { layer } of sitesOf(subject)) for (const b of bits) await weights.quantizedLayer(layer.name, b);
    await body(name, subject);
  } finally {
    await all.close();
    await opened.close();
  }
}
