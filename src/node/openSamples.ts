import type { Dataset } from "../core/data/dataset.ts";
import { syntheticDataset } from "../core/data/synthetic.ts";
import { defaultSyntheticSamples } from "../core/pipeline/settings.ts";
import type { ValueInfo } from "../core/ports.ts";
import { openDataset } from "./openData.ts";

/** Made-up samples are the same on every machine and every run. */
const syntheticSeed = 1;

/**
 * The samples in a file or folder; made-up ones without a path.
 * @param shapes of the inputs at the assumed dimensions, for made-up samples and the size of images
 * @throws SigmaQuantError as openDataset and syntheticDataset
 */
export async function openSamples(
  path: string | undefined,
  inputs: readonly ValueInfo[],
  shapes: ReadonlyMap<string, readonly number[]>,
  signal?: AbortSignal,
): Promise<Dataset> {
  if (path !== undefined) return openDataset(path, inputs, { shapes }, signal);
  return syntheticDataset(inputs, shapes, defaultSyntheticSamples, syntheticSeed);
}
