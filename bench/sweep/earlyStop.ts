import type { Bits } from "../../src/core/hardware/profile.ts";
import { feedsOf } from "../../src/core/sensitivity/floatCut.ts";
import { weightFeeds } from "../../src/core/sensitivity/layerValues.ts";
import { batchesOf, closing, floatOutputs, forEachLayer, Harm, type Method, outputNames } from "./subject.ts";

/** Samples that are looked at between two decisions. */
const step = 16;
const fewestSteps = 3;
/** A mean whose standard error is below this share of it is settled. */
const settled = 0.2;

/** Behind the layer, sample by sample until the mean harm is settled: its standard error from the means of 16 samples. */
export const earlyStop: Method = async (subject) => {
  const { dataset, weights, bits } = subject;
  const batches = await batchesOf(dataset, dataset.samples, step);
  const reference = await floatOutputs(subject, batches);
  return forEachLayer(subject, batches, async (site, cut) => {
    const row = new Map<Bits, number>();
    const { session, inputs } = await cut.openBehind(site, outputNames(subject));
    await closing(session, async () => {
      for (const b of bits) {
        const feeds = weightFeeds(site, inputs, await weights.quantized(site.layer.name, b));
        const all = new Harm(subject);
        const means: number[] = [];
        for (const i of batches.keys()) {
          const out = await session.run({ ...feedsOf(session, cut.valuesOf(i)), ...feeds });
          all.add(out, reference[i]);
          const own = new Harm(subject);
          own.add(out, reference[i]);
          means.push(own.value);
          if (means.length >= fewestSteps && relativeError(means) < settled) break;
        }
        row.set(b, all.value);
      }
    });
    return row;
  });
};

function relativeError(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  if (mean === 0) return 0;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1);
  return Math.sqrt(variance / values.length) / mean;
}
