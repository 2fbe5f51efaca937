import type { NodeProto } from "onnx-buf";
import type { Bits } from "../../src/core/hardware/profile.ts";
import type { LayerSite } from "../../src/core/model/discover.ts";
import type { FloatCut } from "../../src/core/sensitivity/floatCut.ts";
import { feedsOf } from "../../src/core/sensitivity/floatCut.ts";
import { weightFeeds } from "../../src/core/sensitivity/layerValues.ts";
import {
  batchesOf,
  closing,
  floatOutputs,
  forEachLayer,
  Harm,
  type Method,
  outputNames,
  type Subject,
} from "./subject.ts";

/** Errors and harms of nothing; keeps logarithms finite. */
const tiny = 1e-12;

/**
 * The harm at a few bitwidths is measured behind the layer; that at the others follows from the error of the layer's own
 * output, which takes a run of this layer alone, on one batch: harm as a power of the error between the measured ones, and in
 * proportion to it beyond them.
 */
export function noiseGain(anchors: readonly Bits[]): Method {
  return async (subject) => {
    const { dataset, batch, weights, bits } = subject;
    const batches = await batchesOf(dataset, dataset.samples, batch);
    const reference = await floatOutputs(subject, batches);
    return forEachLayer(subject, batches, async (site, cut) => {
      const errors = await layerErrors(subject, site, cut);
      const known: { readonly error: number; readonly harm: number }[] = [];
      const row = new Map<Bits, number>();
      const { session, inputs } = await cut.openBehind(site, outputNames(subject));
      await closing(session, async () => {
        for (const b of anchors) {
          const feeds = weightFeeds(site, inputs, await weights.quantized(site.layer.name, b));
          const harm = new Harm(subject);
          for (const i of batches.keys()) {
            harm.add(await session.run({ ...feedsOf(session, cut.valuesOf(i)), ...feeds }), reference[i]);
          }
          row.set(b, harm.value);
          known.push({ error: Math.log((errors.get(b) ?? 0) + tiny), harm: Math.log(harm.value + tiny) });
        }
      });
      known.sort((a, b) => a.error - b.error);
      for (const b of bits) {
        if (!row.has(b)) row.set(b, Math.exp(interpolate(known, Math.log((errors.get(b) ?? 0) + tiny))));
      }
      return row;
    });
  };
}

function interpolate(known: readonly { readonly error: number; readonly harm: number }[], error: number): number {
  const above = known.findIndex((point) => point.error >= error);
  const high = known[above];
  const low = above > 0 ? known[above - 1] : undefined;
  if (high && low && high.error > low.error) {
    return low.harm + ((high.harm - low.harm) * (error - low.error)) / (high.error - low.error);
  }
  const end = high ?? known.at(-1);
  return end ? end.harm + error - end.error : error;
}

/** Error energy over signal energy at the layer's own output, on the first batch. */
async function layerErrors(subject: Subject, site: LayerSite, cut: FloatCut): Promise<ReadonlyMap<Bits, number>> {
  const { prepared, weights, bits } = subject;
  const last = Math.max(...site.uses.map((use) => use.biasAdd?.index ?? use.index));
  const output = (prepared.model.graph.node[last] as NodeProto).output[0] as string;
  const { session, inputs } = await cut.openBehind(site, [output]);
  return closing(session, async () => {
    const run = async (values: Awaited<ReturnType<typeof weights.float>>) => {
      const out = await session.run({ ...feedsOf(session, cut.valuesOf(0)), ...weightFeeds(site, inputs, values) });
      return out[output]?.data as Float32Array;
    };
    const float = await run(await weights.float(site.layer.name));
    const errors = new Map<Bits, number>();
    for (const b of bits) {
      const own = await run(await weights.quantized(site.layer.name, b));
      let noise = 0;
      let signal = 0;
      for (let i = 0; i < float.length; i++) {
        const y = float[i] as number;
        const d = (own[i] as number) - y;
        noise += d * d;
        signal += y * y;
      }
      errors.set(b, noise / Math.max(signal, Number.MIN_VALUE));
    }
    return errors;
  });
}
