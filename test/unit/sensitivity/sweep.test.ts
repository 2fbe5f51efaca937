import { describe, expect, it } from "vitest";
import type { Dataset } from "../../../src/core/data/dataset.ts";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { quantizableSites } from "../../../src/core/model/discover.ts";
import { measureLayers } from "../../../src/core/pipeline/analysis.ts";
import { MixEvaluator } from "../../../src/core/pipeline/mix.ts";
import { drawnCount, mostStoodFor } from "../../../src/core/pipeline/sweepSamples.ts";
import { inference } from "../../support/ortRun.ts";
import { openResnet8, type Resnet8 } from "../pipeline/support.ts";

const bits: readonly Bits[] = [2, 4];

/** Sensitivities, and the number of samples that went through the network for them. */
async function sweep(model: Resnet8, dataset: Dataset, samples: number) {
  const settings = { inference, samples, batch: 64, threads: 2, bits: () => bits };
  return (await measureLayers(model.prepared, model.weights, dataset, settings, () => {})).table;
}

/** One full run of the network for each layer and bitwidth. */
async function fullRuns(model: Resnet8, dataset: Dataset): Promise<ReadonlyMap<string, number>> {
  const options = { inference, weights: model.weights, activations: new Map(), samples: dataset.samples, batch: 64 };
  const evaluator = await MixEvaluator.open(model.prepared, dataset, { ...options, threads: 2 }, () => {});
  const harms = new Map<string, number>();
  for (const { layer } of quantizableSites(model.prepared.discovery)) {
    for (const b of bits) {
      const { kl } = await evaluator.evaluate(new Map([[layer.name, b]]));
      harms.set(`${layer.name}:${b}`, kl as number);
    }
  }
  await evaluator.close();
  return harms;
}

function byCell(table: Awaited<ReturnType<typeof sweep>>): ReadonlyMap<string, number> {
  const cells = Object.entries(table.byLayer).flatMap(([layer, row]) =>
    bits.map((b) => [`${layer}:${b}`, row[b] as number] as const),
  );
  return new Map(cells);
}

function ranks(cells: ReadonlyMap<string, number>): readonly number[] {
  const order = [...cells.values()].sort((a, b) => a - b);
  return [...cells.keys()].sort().map((key) => order.indexOf(cells.get(key) as number));
}

describe("the sweep", () => {
  it("gives what full runs give, where it runs all samples", async () => {
    const model = await openResnet8();
    const images = await model.images(0, 48);
    const swept = byCell(await sweep(model, images, 48));
    for (const [cell, harm] of await fullRuns(model, images)) {
      expect(Math.abs((swept.get(cell) as number) - harm), cell).toBeLessThan(1e-6 + 1e-3 * harm);
    }
  });

  it("ranks layers and bitwidths as full runs on four times its samples do", { timeout: 60_000 }, async () => {
    const model = await openResnet8();
    const images = await model.images(0, 256);
    const table = await sweep(model, images, 256);
    expect(table.samples).toBe(256);
    const swept = byCell(table);
    const full = await fullRuns(model, images);
    const [a, b] = [ranks(swept), ranks(full)];
    const n = a.length;
    const squares = a.reduce((sum, rank, i) => sum + (rank - (b[i] as number)) ** 2, 0);
    expect(1 - (6 * squares) / (n * (n * n - 1))).toBeGreaterThan(0.98);
    const errors = [...full].map(([cell, harm]) => Math.log((swept.get(cell) as number) / harm) ** 2);
    expect(Math.sqrt(errors.reduce((sum, e) => sum + e, 0) / n)).toBeLessThan(0.25);
  });

  it("runs nothing where all is known", async () => {
    const model = await openResnet8();
    const images = await model.images(0, 8);
    const closed = { open: () => Promise.reject(new Error("ran")) };
    const known = () => ({ nmse: 0.5, kl: 0.25 });
    const settings = { inference: closed, samples: 8, batch: 8, bits: () => bits, known };
    const { table } = await measureLayers(model.prepared, model.weights, images, settings, () => {});
    expect(new Set(Object.values(table.byLayer).flatMap((row) => Object.values(row)))).toEqual(new Set([0.25]));
  });

  it("measures what is missing, and that alone", async () => {
    const model = await openResnet8();
    const images = await model.images(0, 8);
    const measured: string[] = [];
    const settings = {
      inference,
      samples: 8,
      batch: 8,
      threads: 1,
      bits: () => bits,
      known: (_layer: string, b: Bits) => (b === 4 ? { nmse: 0, kl: 7 } : undefined),
      onMeasured: (layer: string, b: Bits) => void measured.push(`${layer}:${b}`),
    };
    const { table } = await measureLayers(model.prepared, model.weights, images, settings, () => {});
    expect(measured.every((cell) => cell.endsWith(":2"))).toBe(true);
    expect(measured).toHaveLength(Object.keys(table.byLayer).length);
    expect(Object.values(table.byLayer).every((row) => row[4] === 7 && row[2] !== undefined)).toBe(true);
  });
});

describe("samples of a sweep", () => {
  it.each([
    [1, 1],
    [64, 64],
    [100, 64],
    [256, 64],
    [1000, 250],
  ])("of %d are %d", (samples, drawn) => {
    expect(drawnCount(samples)).toBe(drawn);
  });

  it("stand for no more than as many as would have asked for them", () => {
    for (const drawn of [1, 10, 63, 64, 65, 250]) expect(drawnCount(mostStoodFor(drawn))).toBe(drawn);
  });
});
