import type { Bits } from "../../src/core/hardware/profile.ts";
import { measureLayers } from "../../src/core/pipeline/analysis.ts";
import { FloatCut, feedsOf } from "../../src/core/sensitivity/floatCut.ts";
import { weightFeeds } from "../../src/core/sensitivity/layerValues.ts";
import { measureSensitivities, sensitivityTable } from "../../src/core/sensitivity/measured.ts";
import type { SensitivityTable } from "../../src/core/sensitivity/types.ts";
import { batchAxis } from "./batchAxis.ts";
import { earlyStop } from "./earlyStop.ts";
import { noiseGain } from "./noiseGain.ts";
import {
  batchesOf,
  closing,
  cutInput,
  floatOutputs,
  Harm,
  type Method,
  outputNames,
  quiet,
  sitesOf,
  type Table,
} from "./subject.ts";

/** One run of the whole network for every layer, bitwidth and batch; one session a layer. */
export const full: Method = async (subject) => {
  const { dataset, batch, weights, bits } = subject;
  const batches = await batchesOf(dataset, dataset.samples, batch);
  const reference = await floatOutputs(subject, batches);
  const table = new Map<string, Map<Bits, number>>();
  for (const site of sitesOf(subject)) {
    const whole = new FloatCut(
      cutInput(subject),
      batches.map(({ feeds }) => feeds),
    );
    const { session, inputs } = await whole.openBehind(site, outputNames(subject));
    const row = new Map<Bits, number>();
    table.set(site.layer.name, row);
    await closing(session, async () => {
      for (const b of bits) {
        const feeds = weightFeeds(site, inputs, await weights.quantized(site.layer.name, b));
        const harm = new Harm(subject);
        for (const i of batches.keys()) {
          harm.add(await session.run({ ...feedsOf(session, whole.valuesOf(i)), ...feeds }), reference[i]);
        }
        row.set(b, harm.value);
      }
    });
  }
  return table;
};

/** Only the part behind the layer, from the float activations at its cut, on all samples. */
const suffix: Method = async (subject) => {
  const { prepared, dataset, batch, weights, bits } = subject;
  const measured = await measureSensitivities(
    {
      ...cutInput(subject),
      discovery: prepared.discovery,
      weights,
      batches: await batchesOf(dataset, dataset.samples, batch),
      outputKind: prepared.outputKind,
      bits: () => bits,
    },
    quiet,
  );
  const metric = prepared.outputKind === "values" ? "nmse" : "kl";
  return asTable(sensitivityTable(measured, metric, dataset.samples, false));
};

/** The product's default. */
const drawn: Method = async (subject) => {
  const { prepared, dataset, inference, batch, threads, weights, bits } = subject;
  const settings = { inference, samples: dataset.samples, batch, bits: () => bits };
  const running = { ...settings, ...(threads !== undefined && { threads }) };
  return asTable((await measureLayers(prepared, weights, dataset, running, quiet)).table);
};

/** The behind part on the first quarter of the samples: what drawing them by weight is worth. */
const quarter: Method = async (subject) => {
  const { dataset } = subject;
  const indices = Uint32Array.from({ length: Math.ceil(dataset.samples / 4) }, (_, i) => i);
  return suffix({ ...subject, dataset: dataset.pick(indices, "first quarter") });
};

function asTable({ byLayer }: SensitivityTable): Table {
  const rows = Object.entries(byLayer).map(([layer, row]) => {
    const cells = Object.entries(row).map(([b, value]) => [Number(b) as Bits, value] as const);
    return [layer, new Map(cells)] as const;
  });
  return new Map(rows);
}

export const methods: Readonly<Record<string, Method>> = {
  "behind the layer": suffix,
  "bitwidths along the batch axis": batchAxis,
  "noise gain at 3 bits": noiseGain([3]),
  "noise gain at 2 and 4 bits": noiseGain([2, 4]),
  "early stopping": earlyStop,
  "first quarter of the samples": quarter,
  "drawn quarter of the samples (default)": drawn,
};
