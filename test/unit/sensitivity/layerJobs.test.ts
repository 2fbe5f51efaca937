import { describe, expect, it } from "vitest";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { measureLayers } from "../../../src/core/pipeline/analysis.ts";
import { elementTypeOf } from "../../../src/core/pipeline/elementTypes.ts";
import { jobsFor, type LayerResult, mergeResults } from "../../../src/core/sensitivity/layerJobs.ts";
import type { DoJobs } from "../../../src/core/sensitivity/measured.ts";
import { Sweep } from "../../../src/core/sensitivity/sweep.ts";
import { inference } from "../../support/ortRun.ts";
import { openResnet8 } from "../pipeline/support.ts";

const layers = ["a", "b"];
const bits = (): readonly Bits[] => [2, 4];

describe("jobs", () => {
  it("are one for each layer that lacks something, with what it lacks", () => {
    const known = (layer: string, b: Bits) => (layer === "a" || b === 2 ? { nmse: 0 } : undefined);
    expect(jobsFor(layers, bits, undefined)).toEqual([
      { layer: "a", bits: [2, 4] },
      { layer: "b", bits: [2, 4] },
    ]);
    expect(jobsFor(layers, bits, known)).toEqual([{ layer: "b", bits: [4] }]);
  });
});

describe("results", () => {
  const result = (layer: string, ...cells: readonly Bits[]): LayerResult => ({
    layer,
    values: new Map(cells.map((b) => [b, { nmse: b }])),
  });
  const rows = (results: readonly LayerResult[]) => [...mergeResults(results)].map(([name, row]) => [name, [...row]]);

  it("merge to the same table in any order, and where a job was done twice", () => {
    const empty = layers.map((layer) => result(layer));
    const parts = [result("b", 4), result("a", 2), result("b", 2), result("a", 4)];
    const table = rows([...empty, ...parts]);
    expect(rows([...empty, ...parts.toReversed(), ...parts])).toEqual(table);
    expect(table.map(([name]) => name)).toEqual(layers);
  });
});

describe("a job", () => {
  it("comes to the same, to the last bit, whoever does it and after whatever others", async () => {
    const model = await openResnet8();
    const images = await model.images(0, 8);
    const settings = { inference, samples: 8, batch: 4, threads: 1, bits: bits };
    const measure = async (elsewhere?: DoJobs, known?: () => undefined) => {
      const more = { ...(elsewhere && { elsewhere: () => elsewhere }), ...(known && { known }) };
      return (await measureLayers(model.prepared, model.weights, images, { ...settings, ...more }, () => {}))
        .measurements;
    };
    const here = await measure();
    const { prepared, weights } = model;
    const batches = [await images.batch(0, 4), await images.batch(4, 4)].map((batch) => ({
      ...batch,
      weights: new Float64Array(4).fill(1),
    }));
    const open = () =>
      Sweep.open(
        {
          ...{ model: prepared.model, discovery: prepared.discovery, weights, batches, inference, threads: 1 },
          outputKind: prepared.outputKind,
          elementTypes: elementTypeOf(prepared.types),
        },
        () => {},
      );
    /** Backwards; and each layer in a process of its own, so to speak. */
    const backwards: DoJobs = async (jobs) => {
      const sweep = await open();
      const results: LayerResult[] = [];
      for (const job of jobs.toReversed()) results.push(await sweep.run(job, () => {}));
      return results;
    };
    const apart: DoJobs = async (jobs) => {
      const results: LayerResult[] = [];
      for (const job of jobs) results.push(await (await open()).run(job, () => {}));
      return results;
    };
    expect(await measure(backwards)).toEqual(here);
    expect(await measure(apart)).toEqual(here);
  });
});
