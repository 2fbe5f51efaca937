import type { Batch } from "../data/dataset.ts";
import { SigmaQuantError } from "../errors.ts";
import type { Bits } from "../hardware/profile.ts";
import { type Discovery, type LayerSite, quantizableSites } from "../model/discover.ts";
import { extract, liveValues } from "../model/subgraph.ts";
import { type LayerInputs, withWeightInputs } from "../model/weightInputs.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { modelBytes } from "../onnx/write.ts";
import type { Inference, OnProgress, Tensor } from "../ports.ts";
import { OutputComparison, type OutputKind } from "./outputs.ts";
import type { SensitivityMetric, SensitivityTable } from "./types.ts";

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

export interface SweepInput {
  readonly model: OnnxModel;
  readonly discovery: Discovery;
  readonly inference: Inference;
  readonly weights: WeightSource;
  /** All samples, in batches; held in memory as the caller chose them. */
  readonly batches: readonly Batch[];
  readonly outputKind: OutputKind;
  readonly synthetic: boolean;
  /** Bits to measure, by layer. */
  readonly bits: (layer: string) => readonly Bits[];
  /** ONNX element types by value name, for the cuts. */
  readonly elementTypes: ReadonlyMap<string, number>;
  readonly threads?: number;
  /** Measurements known from an earlier, interrupted run: `layer` -> bits -> value in `metrics`. */
  readonly known?: (layer: string, bits: Bits) => Measurement | undefined;
  readonly onMeasured?: (layer: string, bits: Bits, value: Measurement) => void;
}

/** One (layer, bits) pair's effect on the network's output. */
export interface Measurement {
  readonly kl?: number;
  readonly nmse: number;
  readonly loss?: number;
}

type Values = Readonly<Record<string, Tensor>>;

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
  const outputs = input.model.graph.output.map((value) => value.name);
  const results = new Map<string, Map<Bits, Measurement>>();
  const total = sites.reduce((sum, site) => sum + input.bits(site.layer.name).length, 0);
  let done = 0;
  const report = (note: string) => onProgress({ stage: "Measuring", done, total, note });

  const whole = await openPart(input, input.model, inputNames(input.model), outputs);
  const reference: Values[] = [];
  try {
    for (const batch of input.batches) {
      signal?.throwIfAborted();
      report("float model");
      reference.push(await whole.run(batch.feeds));
    }
  } finally {
    await whole.close();
  }
  const float = reference.map((values, i) => compare(input, values, values, input.batches[i]?.labels));
  const floatLoss = mean(float.map((c) => c.loss));

  let cut = 0;
  let state: Values[] = input.batches.map((batch) => batch.feeds);
  for (const site of sites) {
    const { name } = site.layer;
    const wanted = input.bits(name);
    const measured = new Map<Bits, Measurement>();
    results.set(name, measured);
    const missing: Bits[] = [];
    for (const bits of wanted) {
      const known = input.known?.(name, bits);
      if (known) measured.set(bits, known);
      else missing.push(bits);
    }
    done += wanted.length - missing.length;
    if (missing.length === 0) continue;
    signal?.throwIfAborted();
    report(name);
    const to = firstIndex(site);
    if (to > cut) {
      state = await advance(input, state, cut, to, signal);
      cut = to;
    }
    const { session, inputs } = await openBehind(input, site, cut, outputs);
    try {
      for (const bits of missing) {
        const values = await input.weights.quantized(name, bits);
        const feeds = weightFeeds(site, inputs, values);
        const comparison = new OutputComparison();
        for (const [i, batch] of input.batches.entries()) {
          signal?.throwIfAborted();
          const out = await session.run({
            ...pick(
              state[i] ?? {},
              session.inputs.map((v) => v.name),
            ),
            ...feeds,
          });
          comparison.add(
            input.outputKind,
            tensorsOf(out, outputs),
            tensorsOf(reference[i] ?? {}, outputs),
            batch.labels,
          );
        }
        const value: Measurement = {
          nmse: comparison.nmse,
          ...(comparison.kl !== undefined && { kl: comparison.kl }),
          ...(comparison.loss !== undefined && floatLoss !== undefined && { loss: comparison.loss - floatLoss }),
        };
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

function compare(input: SweepInput, out: Values, ref: Values, labels?: ArrayLike<number>): OutputComparison {
  const comparison = new OutputComparison();
  const names = input.model.graph.output.map((v) => v.name);
  comparison.add(input.outputKind, tensorsOf(out, names), tensorsOf(ref, names), labels);
  return comparison;
}

function firstIndex(site: LayerSite): number {
  return Math.min(...site.uses.map((use) => use.index));
}

function inputNames(model: OnnxModel): readonly string[] {
  const constants = new Set(model.graph.initializer.map((t) => t.name));
  return model.graph.input.map((v) => v.name).filter((name) => !constants.has(name));
}

async function openPart(input: SweepInput, model: OnnxModel, from: readonly string[], to: readonly string[]) {
  const part = extract(model, from, to, input.elementTypes);
  return input.inference.open(await modelBytes(part), {
    optimization: "all",
    ...(input.threads !== undefined && { threads: input.threads }),
  });
}

/** Moves the kept activations from one cut to a later one. */
async function advance(
  input: SweepInput,
  state: readonly Values[],
  from: number,
  to: number,
  signal?: AbortSignal,
): Promise<Values[]> {
  const before = liveValues(input.model.graph, from);
  const after = liveValues(input.model.graph, to);
  const computed = after.filter((name) => !before.includes(name));
  if (computed.length === 0) return state.map((values) => pick(values, after));
  const session = await openPart(input, input.model, before, computed);
  try {
    const next: Values[] = [];
    for (const values of state) {
      signal?.throwIfAborted();
      const out = await session.run(
        pick(
          values,
          session.inputs.map((v) => v.name),
        ),
      );
      next.push({ ...pick(values, after), ...out });
    }
    return next;
  } finally {
    await session.close();
  }
}

/** A session for the part of the network from a layer on, with that layer's weight as an input. */
async function openBehind(input: SweepInput, site: LayerSite, cut: number, outputs: readonly string[]) {
  const variant = withWeightInputs(input.model, [site]);
  const inputs = variant.inputs.get(site.layer.name);
  if (inputs === undefined) throw new Error(`no inputs for ${site.layer.name}`);
  const names = [...liveValues(input.model.graph, cut), inputs.weight, ...(inputs.bias ? [inputs.bias] : [])];
  const session = await openPart(input, variant.model, names, outputs);
  return { session, inputs };
}

export function weightFeeds(site: LayerSite, inputs: LayerInputs, values: LayerValues): Values {
  const weight: Tensor = { type: "float32", dims: site.layer.weightShape, data: values.weight };
  if (inputs.bias === undefined) return { [inputs.weight]: weight };
  if (values.bias === undefined) {
    throw new SigmaQuantError("SQ9001", "missing-bias", `no bias for ${site.layer.name}`, {
      remedy: "Report this as a bug",
    });
  }
  return { [inputs.weight]: weight, [inputs.bias]: { type: "float32", dims: [values.bias.length], data: values.bias } };
}

function pick(values: Values, names: readonly string[]): Values {
  return Object.fromEntries(names.flatMap((name) => (values[name] ? [[name, values[name]]] : [])));
}

function tensorsOf(values: Values, names: readonly string[]): Tensor[] {
  return names.flatMap((name) => (values[name] ? [values[name]] : []));
}

function mean(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((v) => v !== undefined);
  return known.length > 0 ? known.reduce((a, b) => a + b, 0) / known.length : undefined;
}
