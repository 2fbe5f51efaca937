import { concatRows, sliceRows } from "../../src/core/data/elements.ts";
import type { Bits } from "../../src/core/hardware/profile.ts";
import { liveValues } from "../../src/core/model/subgraph.ts";
import type { Tensor } from "../../src/core/ports.ts";
import { feedsOf, openPart, type Values } from "../../src/core/sensitivity/floatCut.ts";
import { weightFeeds } from "../../src/core/sensitivity/layerValues.ts";
import {
  batchesOf,
  closing,
  cutInput,
  firstUse,
  floatOutputs,
  forEachLayer,
  Harm,
  type Method,
  outputNames,
} from "./subject.ts";

/**
 * The layer alone for each bitwidth, then what lies behind it once for all bitwidths, stacked along the batch axis. For
 * layers with one node and networks with an open batch dimension.
 */
export const batchAxis: Method = async (subject) => {
  const { prepared, dataset, batch, weights, bits } = subject;
  const { graph } = prepared.model;
  const batches = await batchesOf(dataset, dataset.samples, batch);
  const reference = await floatOutputs(subject, batches);
  const outputs = outputNames(subject);
  return forEachLayer(subject, batches, async (site, cut) => {
    const after = 1 + Math.max(...site.uses.map((use) => use.biasAdd?.index ?? use.index));
    const before = liveValues(graph, firstUse(site));
    const live = liveValues(graph, after);
    const computed = live.filter((name) => !before.includes(name));
    const harms = new Map(bits.map((b): [Bits, Harm] => [b, new Harm(subject)]));
    const layer = await cut.openBehind(site, computed);
    const rest = await openPart(cutInput(subject), prepared.model, live, outputs);
    await closing(layer.session, () =>
      closing(rest, async () => {
        for (const i of batches.keys()) {
          const values = cut.valuesOf(i);
          const made: Values[] = [];
          for (const b of bits) {
            const feeds = weightFeeds(site, layer.inputs, await weights.quantized(site.layer.name, b));
            made.push({ ...values, ...(await layer.session.run({ ...feedsOf(layer.session, values), ...feeds })) });
          }
          const stacked = Object.fromEntries(
            live.map((name) => [name, concatRows(made.map((each) => each[name] as Tensor))]),
          );
          const out = await rest.run(feedsOf(rest, stacked));
          for (const [k, b] of bits.entries()) {
            const own = Object.entries(out).map(([name, tensor]) => {
              const rows = (tensor.dims[0] ?? 1) / bits.length;
              return [name, sliceRows(tensor, k * rows, rows)] as const;
            });
            harms.get(b)?.add(Object.fromEntries(own), reference[i]);
          }
        }
      }),
    );
    return new Map([...harms].map(([b, harm]) => [b, harm.value]));
  });
};
