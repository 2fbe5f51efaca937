import type { Dataset } from "../core/data/dataset.ts";
import { type FixedInputs, noFixedInputs } from "../core/data/fixedInputs.ts";
import { syntheticDataset } from "../core/data/synthetic.ts";
import { defaultSyntheticSamples } from "../core/pipeline/settings.ts";
import type { ValueInfo } from "../core/ports.ts";
import { openDataset } from "./openData.ts";

/** Made-up samples are the same on every machine and every run. */
const syntheticSeed = 1;

/**
 * The samples in a file or folder; made-up ones without a path.
 * @param shapes of the inputs at the assumed dimensions, for made-up samples and the size of images
 * @param fixed values of inputs that are the same for every sample
 * @throws SigmaQuantError as openDataset and syntheticDataset
 */
export async function openSamples(
  path: string | undefined,
  inputs: readonly ValueInfo[],
  shapes: ReadonlyMap<string, readonly number[]>,
  fixed: FixedInputs = noFixedInputs,
  signal?: AbortSignal,
): Promise<Dataset> {
  if (path !== undefined) return openDataset(path, inputs, { shapes, fixed }, signal);
  return syntheticDataset(inputs, shapes, defaultSyntheticSamples, syntheticSeed, fixed);
}
