import { expect } from "vitest";
import { outputChannels, readBias } from "../../src/core/model/bias.ts";
import { discoverLayers, quantizableSites } from "../../src/core/model/discover.ts";
import { readWeight } from "../../src/core/model/readWeight.ts";
import { withWeightInputs } from "../../src/core/model/weightInputs.ts";
import type { OnnxModel } from "../../src/core/onnx/model.ts";
import type { Tensor } from "../../src/core/ports.ts";
import { distance, float32, run } from "./ortRun.ts";

/**
 * Expects that the model computes the same when its weights and biases are read out of it and fed as inputs: then
 * discovery has found them whole, and reads them as the operators see them.
 */
export async function sameWithWeightInputs(
  model: OnnxModel,
  feeds: Readonly<Record<string, Tensor>>,
  tolerance = 1e-5,
): Promise<void> {
  const sites = quantizableSites(await discoverLayers(model));
  expect(sites.length).toBeGreaterThan(0);
  const variant = withWeightInputs(model, sites);
  const given: Record<string, Tensor> = {};
  for (const site of sites) {
    const inputs = variant.inputs.get(site.layer.name);
    if (inputs === undefined) throw new Error(`no inputs for ${site.layer.name}`);
    given[inputs.weight] = float32(site.chain.shape, await readWeight(model.tensors, site.chain));
    if (inputs.bias === undefined) continue;
    const bias = (await readBias(model.tensors, site)) ?? new Float32Array(outputChannels(site));
    given[inputs.bias] = float32([bias.length], bias);
  }
  const expected = await run(model, feeds);
  const actual = await run(variant.model, { ...feeds, ...given });
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) expect(distance(actual[name], value)).toBeLessThan(tolerance);
}
