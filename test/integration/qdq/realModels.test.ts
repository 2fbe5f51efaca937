import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Dataset } from "../../../src/core/data/dataset.ts";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { modelInputs } from "../../../src/core/model/inputs.ts";
import { activationQuantizations, calibrate } from "../../../src/core/pipeline/calibrate.ts";
import { CandidateWeights, roundToNearest } from "../../../src/core/pipeline/candidates.ts";
import { activationNames, type PreparedModel, prepareModel } from "../../../src/core/pipeline/prepare.ts";
import { quantizedModel } from "../../../src/core/pipeline/quantizedModel.ts";
import { openDataset } from "../../../src/node/openData.ts";
import { type ModelFile, openModelFile } from "../../../src/node/openModel.ts";
import { inference, numbers, run } from "../../support/ortRun.ts";

const at = (file: string) => fileURLToPath(new URL(`../../../${file}`, import.meta.url));
const nothing = () => {};

const models = [
  { file: "test/fixtures/models/resnet8.onnx", convs: 9, parameters: 77_418, macs: 9_345_920 },
  { file: "examples/mobilenetv2.onnx", convs: 25, parameters: 77_034, macs: 6_199_904 },
] as const;

describe.each(models)("$file", ({ file, convs, parameters, macs }) => {
  let model: ModelFile;
  let prepared: PreparedModel;
  let samples: Dataset;

  beforeAll(async () => {
    model = await openModelFile(at(file));
    prepared = await prepareModel(model.model, { inference });
    samples = await openDataset(at("examples/evaluation.npz"), modelInputs(model.model));
  });
  afterAll(async () => {
    await samples.close();
    await model.close();
  });

  it("has all its layers found, with parameters and MACs as its makers counted them", () => {
    const { layers, otherConstantBytes } = prepared.discovery;
    expect(layers.map((layer) => layer.opType)).toEqual([...new Array(convs).fill("Conv"), "Gemm"]);
    expect(layers.filter((layer) => layer.floatReason !== undefined)).toEqual([]);
    expect(layers.reduce((sum, layer) => sum + layer.params + layer.biasParams, 0)).toBe(parameters);
    expect(layers.reduce((sum, layer) => sum + (layer.macs ?? Number.NaN), 0)).toBe(macs);
    expect(otherConstantBytes).toBeLessThan(200);
    expect(prepared).toMatchObject({ outputKind: "logits", notes: [] });
  });

  async function quantized(bits: Bits, activations: boolean) {
    const weights = new CandidateWeights(prepared, roundToNearest);
    const all = new Map(prepared.discovery.layers.map((layer) => [layer.name, bits]));
    if (!activations) return quantizedModel(prepared, weights, all, new Map(), undefined, nothing);
    const calibration = await calibrate(prepared, samples, inference, { samples: 64, batch: 32 }, nothing);
    const grids = activationQuantizations(calibration, activationNames(prepared), 8, "percentile");
    return quantizedModel(prepared, weights, all, grids, undefined, nothing);
  }

  /** SQNR of the logits in dB, and the share of samples with the same class, over samples that nothing was calibrated on. */
  async function compare(written: Awaited<ReturnType<typeof quantized>>) {
    const { feeds } = await samples.batch(100, 200);
    const [float] = Object.values(await run(model.model, feeds));
    const [low] = Object.values(await run(written.model, feeds));
    const [a, b] = [numbers(float), numbers(low)];
    let signal = 0;
    let noise = 0;
    for (const [i, v] of a.entries()) {
      signal += v * v;
      noise += (v - (b[i] as number)) ** 2;
    }
    const best = (row: readonly number[]) => row.indexOf(Math.max(...row));
    const rows = Array.from({ length: 200 }, (_, i) => i * 10);
    const same = rows.filter((from) => best(a.slice(from, from + 10)) === best(b.slice(from, from + 10)));
    return { sqnr: 10 * Math.log10(signal / noise), agreement: same.length / rows.length };
  }

  it("stays close to float at 8 bits with quantized activations", async () => {
    const { sqnr, agreement } = await compare(await quantized(8, true));
    expect(sqnr).toBeGreaterThan(20);
    expect(agreement).toBeGreaterThanOrEqual(0.97);
  });

  it("stays closer at 8 bits in the weights alone, and closer than at 4", async () => {
    const eight = await compare(await quantized(8, false));
    const four = await compare(await quantized(4, false));
    expect(eight.sqnr).toBeGreaterThan(30);
    expect(eight.sqnr).toBeGreaterThan(four.sqnr + 10);
    expect(eight.agreement).toBeGreaterThanOrEqual(0.98);
  });

  it("is stored at 2 bits in less than a tenth of its float size, and loads", async () => {
    const written = await quantized(2, true);
    const bytes = written.stored.reduce((sum, s) => sum + s.bytes, 0);
    const float = prepared.discovery.layers.reduce((sum, layer) => sum + layer.floatBytes, 0);
    expect(written.stored.every((s) => s.storedBits === 2)).toBe(true);
    expect(bytes).toBeLessThan(float / 10);
    const { feeds } = await samples.batch(0, 2);
    const [logits] = Object.values(await run(written.model, feeds));
    expect(logits?.dims).toEqual([2, 10]);
    expect(numbers(logits).every(Number.isFinite)).toBe(true);
  });
});
