import { SigmaQuantError } from "../errors.ts";
import type { Bits } from "../hardware/profile.ts";
import { type Discovery, type LayerSite, quantizableSites } from "../model/discover.ts";
import type { LayerInputs } from "../model/weightInputs.ts";
import type { OnProgress, Tensor } from "../ports.ts";
import { FloatCut, feedsOf, type Values } from "./floatCut.ts";
import { OutputComparison } from "./outputs.ts";
import { Reference, type ReferenceInput } from "./reference.ts";
import type { Measurement, SensitivityMetric, SensitivityTable } from "./types.ts";

/** A layer's weight at some bitwidth, dequantized, with its bias as recovery left it. */
export interface LayerValues {
  readonly weight: Float32Array;
  readonly bias?: Float32Array;
}

/** Where the sweep gets its weights from: float, and quantized to b bits by whatever method the plan will use. */
export interface WeightSource {
  float(layer: string): Promise<LayerValues>;
  quantized(layer: string, bits: Bits): Promise<LayerValues>;
}

export interface SweepInput extends ReferenceInput {
  readonly discovery: Discovery;
  readonly weights: WeightSource;
  /** Bits to measure, by layer. */
  readonly bits: (layer: string) => readonly Bits[];
  /** Measurements known from an earlier, interrupted run: `layer` -> bits -> value in `metrics`. */
  readonly known?: (layer: string, bits: Bits) => Measurement | undefined;
  readonly onMeasured?: (layer: string, bits: Bits, value: Measurement) => void;
}

/**
 * Measures what quantizing each layer alone does to the network's output, on calibration samples (method.md, "Measured
 * sensitivity"). One pass over the network: the float activations at the current layer's cut are kept, and only the part
 * behind the cut is run for each bitwidth. Memory: the activations alive at one cut, for all samples.
 */
export async function measureSensitivities(
  input: SweepInput,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlyMap<Bits, Measurement>>> {
  const sites = quantizableSites(input.discovery).toSorted((a, b) => firstIndex(a) - firstIndex(b));
  const results = new Map<string, Map<Bits, Measurement>>();
  const total = sites.reduce((sum, site) => sum + input.bits(site.layer.name).length, 0);
  let done = 0;
  const report = (note: string) => onProgress({ stage: "Measuring", done, total, note });

  const missing = new Map<string, readonly Bits[]>();
  for (const { layer } of sites) {
    const measured = new Map<Bits, Measurement>();
    for (const bits of input.bits(layer.name)) {
      const known = input.known?.(layer.name, bits);
      if (known) measured.set(bits, known);
    }
    results.set(layer.name, measured);
    done += measured.size;
    const open = input.bits(layer.name).filter((bits) => !measured.has(bits));
    if (open.length > 0) missing.set(layer.name, open);
  }
  if (missing.size === 0) return results;

  const reference = await Reference.run(input, () => report("float model"), signal);
  const cut = new FloatCut(
    input,
    input.batches.map((batch) => batch.feeds),
  );
  for (const site of sites) {
    const { name } = site.layer;
    const open = missing.get(name);
    const measured = results.get(name);
    if (open === undefined || measured === undefined) continue;
    signal?.throwIfAborted();
    report(name);
    await cut.moveTo(firstIndex(site), signal);
    const { session, inputs } = await cut.openBehind(site, reference.names);
    try {
      for (const bits of open) {
        const feeds = weightFeeds(site, inputs, await input.weights.quantized(name, bits));
        const comparison = new OutputComparison();
        for (const i of input.batches.keys()) {
          signal?.throwIfAborted();
          const out = await session.run({ ...feedsOf(session, cut.valuesOf(i)), ...feeds });
          reference.add(comparison, out, i);
        }
        const value = reference.measurementOf(comparison);
        measured.set(bits, value);
        input.onMeasured?.(name, bits, value);
        done++;
        report(`${name} at ${bits} bits`);
      }
    } finally {
      await session.close();
    }
  }
  return results;
}

/** The metric that a table of measurements is read by: KL for classifiers, normalized error elsewhere; the task loss on request. */
export function sensitivityTable(
  measurements: ReadonlyMap<string, ReadonlyMap<Bits, Measurement>>,
  metric: SensitivityMetric,
  samples: number,
  synthetic: boolean,
): SensitivityTable {
  const byLayer: Record<string, Partial<Record<Bits, number>>> = {};
  for (const [layer, byBits] of measurements) {
    const row: Partial<Record<Bits, number>> = {};
    for (const [bits, value] of byBits) {
      const figure = metric === "kl" ? value.kl : metric === "loss" ? value.loss : value.nmse;
      // A task loss can fall by chance; a negative harm would reward fewer bits.
      if (figure !== undefined) row[bits] = Math.max(0, figure);
    }
    byLayer[layer] = row;
  }
  return { metric, samples, synthetic, byLayer };
}

function firstIndex(site: LayerSite): number {
  return Math.min(...site.uses.map((use) => use.index));
}

export function weightFeeds(site: LayerSite, inputs: LayerInputs, values: LayerValues): Values {
  const weight: Tensor = { type: "float32", dims: site.chain.shape, data: values.weight };
  if (inputs.bias === undefined) return { [inputs.weight]: weight };
  if (values.bias === undefined) {
    throw new SigmaQuantError("SQ9001", "missing-bias", `no bias for ${site.layer.name}`, {
      remedy: "Report this as a bug",
    });
  }
  return { [inputs.weight]: weight, [inputs.bias]: { type: "float32", dims: [values.bias.length], data: values.bias } };
}
