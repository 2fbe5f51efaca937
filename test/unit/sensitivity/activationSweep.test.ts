import { describe, expect, it } from "vitest";
import type { ActivationBits } from "../../../src/core/hardware/profile.ts";
import { activationQuantizations, calibrate } from "../../../src/core/pipeline/calibrate.ts";
import { elementTypeOf } from "../../../src/core/pipeline/elementTypes.ts";
import { MixEvaluator } from "../../../src/core/pipeline/mix.ts";
import { activationNames } from "../../../src/core/pipeline/prepare.ts";
import type { ActivationQuantization } from "../../../src/core/qdq/types.ts";
import { measureActivations } from "../../../src/core/sensitivity/activationSweep.ts";
import { inference } from "../../support/ortRun.ts";
import { openResnet8 } from "../pipeline/support.ts";

const samples = 16;
const threads = 1;

describe("the sweep over activations", () => {
  it("gives what the whole network with this one activation in QDQ nodes gives, and falls with the bits", async () => {
    const { prepared, weights, images } = await openResnet8();
    const dataset = await images(0, samples);
    const names = activationNames(prepared);
    const observed = await calibrate(prepared, dataset, inference, { samples, batch: samples, threads }, () => {});
    const gridsAt = (bits: ActivationBits) => activationQuantizations(observed, names, bits, "minmax");
    const byBits = ([4, 8, 16] as const).map(gridsAt);
    const grids = new Map(names.map((name) => [name, byBits.map((each) => each.get(name) as ActivationQuantization)]));
    const measured = await measureActivations(
      {
        model: prepared.model,
        inference,
        threads,
        elementTypes: elementTypeOf(prepared.types),
        batches: [await dataset.batch(0, samples)],
        outputKind: prepared.outputKind,
        grids,
      },
      () => {},
    );
    expect([...measured.keys()].sort()).toEqual([...names].sort());
    for (const [name, row] of measured) {
      expect(row.get(4)?.kl, name).toBeGreaterThan(row.get(8)?.kl as number);
      expect(row.get(16)?.kl, name).toBeLessThanOrEqual(row.get(8)?.kl as number);
    }
    for (const name of [names[0], names[3], names.at(-1)] as string[]) {
      const grid = grids.get(name)?.[0] as ActivationQuantization;
      const options = { inference, weights, activations: new Map([[name, grid]]), samples, batch: samples, threads };
      const evaluator = await MixEvaluator.open(prepared, dataset, options, () => {});
      const { kl } = await evaluator.evaluate(new Map());
      await evaluator.close();
      const own = measured.get(name)?.get(4)?.kl as number;
      expect(Math.abs(own - (kl as number)), name).toBeLessThan(1e-6 + 0.02 * (kl as number));
    }
  });
});
