import type { Dataset } from "../core/data/dataset.ts";
import { syntheticDataset } from "../core/data/synthetic.ts";
import type { PreparedModel } from "../core/pipeline/prepare.ts";
import { defaultSyntheticSamples } from "../core/pipeline/settings.ts";
import type { ValueInfo } from "../core/ports.ts";
import { openDataset } from "../node/openData.ts";

/** Made-up samples are the same on every machine and every run. */
const syntheticSeed = 1;

/** The samples to calibrate on: the user's, else made-up ones. */
export async function calibrationSet(
  path: string | undefined,
  inputs: readonly ValueInfo[],
  prepared: PreparedModel,
  signal: AbortSignal,
): Promise<Dataset> {
  if (path !== undefined) return openDataset(path, inputs, {}, signal);
  return syntheticDataset(inputs, prepared.shapes, defaultSyntheticSamples, syntheticSeed);
}
