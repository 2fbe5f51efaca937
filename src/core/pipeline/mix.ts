import { type Dataset, rowWeights } from "../data/dataset.ts";
import type { Bits } from "../hardware/profile.ts";
import { quantizableSites } from "../model/discover.ts";
import { extract } from "../model/subgraph.ts";
import { withWeightInputs } from "../model/weightInputs.ts";
import { modelBytes } from "../onnx/write.ts";
import type { Inference, InferenceSession, OnProgress, Tensor } from "../ports.ts";
import { insertActivations } from "../qdq/activations.ts";
import type { ActivationQuantization } from "../qdq/types.ts";
import { type WeightSource, weightFeeds } from "../sensitivity/layerValues.ts";
import { OutputComparison } from "../sensitivity/outputs.ts";
import { elementTypeOf } from "./elementTypes.ts";
import { affordableSamples, outputBytes } from "./heldMemory.ts";
import { openFloatModel, type PreparedModel } from "./prepare.ts";

type Values = Readonly<Record<string, Tensor>>;

/** Bits by layer name; a layer that is not there, or null, is in float. */
export type BitsByLayer = ReadonlyMap<string, Bits | null>;

export interface MixOptions {
  readonly inference: Inference;
  readonly weights: WeightSource;
  /** Quantized activations by value name; empty for weights only. */
  readonly activations: ReadonlyMap<string, ActivationQuantization>;
  readonly samples: number;
  readonly batch: number;
  readonly threads?: number;
}

/**
 * Runs any mix of bits on the real network in ONNX Runtime, without building a session each time: weights are inputs and
 * are fed dequantized (which is exact, and the same on every CPU), activations are quantized by QDQ nodes. Samples are read
 * batch by batch; what is kept are the float model's outputs.
 */
export class MixEvaluator {
  private constructor(
    private readonly prepared: PreparedModel,
    private readonly dataset: Pick<Dataset, "samples" | "batch">,
    private readonly options: MixOptions,
    private readonly session: InferenceSession,
    private readonly weightsOf: (source: WeightSource, layer: string, bits: Bits | null) => Promise<Values>,
    private readonly reference: readonly (readonly Tensor[])[],
    readonly samples: number,
    /** The float model's own scores on these samples. */
    readonly float: OutputComparison,
  ) {}

  static async open(
    prepared: PreparedModel,
    dataset: Pick<Dataset, "samples" | "batch">,
    options: MixOptions,
    onProgress: OnProgress,
    signal?: AbortSignal,
  ): Promise<MixEvaluator> {
    const { inference, threads } = options;
    const samples = affordableSamples(prepared, Math.min(options.samples, dataset.samples), outputBytes(prepared));
    const sessionOptions = { optimization: "all" as const, ...(threads !== undefined && { threads }) };
    const names = prepared.model.graph.output.map((v) => v.name);
    const reference: Tensor[][] = [];
    const float = new OutputComparison();
    const floatSession = await openFloatModel(prepared, inference, sessionOptions, signal);
    try {
      for (let done = 0; done < samples; ) {
        signal?.throwIfAborted();
        onProgress({ stage: "Float model", done, total: samples });
        const batch = await dataset.batch(done, Math.min(options.batch, samples - done), signal);
        const out = inOrder(await floatSession.run(batch.feeds, names), names);
        reference.push(out);
        float.add(prepared.outputKind, out, out, batch.labels, rowWeights(batch));
        done += batch.samples;
      }
    } finally {
      await floatSession.close();
    }
    const sites = quantizableSites(prepared.discovery);
    const variant = withWeightInputs(prepared.model, sites);
    const half = [...options.activations.keys()].filter((name) => prepared.types.get(name) === "float16");
    insertActivations(variant.model, options.activations, new Set(half));
    const byName = new Map(sites.map((site) => [site.layer.name, site]));
    const weightsOf = async (source: WeightSource, layer: string, bits: Bits | null): Promise<Values> => {
      const site = byName.get(layer);
      const inputs = variant.inputs.get(layer);
      if (site === undefined || inputs === undefined) return {};
      const values = bits === null ? source.float(layer) : source.quantized(layer, bits);
      return weightFeeds(site, inputs, await values);
    };
    // Cut out, so that the weights in the file, which nothing reads any more, are not written into it.
    const { graph } = variant.model;
    const constants = new Set(graph.initializer.map((t) => t.name));
    const inputs = graph.input.map((v) => v.name).filter((name) => !constants.has(name));
    const part = extract(variant.model, inputs, names, elementTypeOf(prepared.types));
    const session = await inference.open(await modelBytes(part, signal), sessionOptions);
    return new MixEvaluator(prepared, dataset, options, session, weightsOf, reference, samples, float);
  }

  /**
   * Runs one mix over all samples. @param source weights other than those it was opened with
   * @param atMost the first samples alone, in whole batches
   */
  async evaluate(
    bits: BitsByLayer,
    signal?: AbortSignal,
    source: WeightSource = this.options.weights,
    atMost = this.samples,
  ): Promise<OutputComparison> {
    const weights: Record<string, Tensor> = {};
    for (const { layer } of quantizableSites(this.prepared.discovery)) {
      Object.assign(weights, await this.weightsOf(source, layer.name, bits.get(layer.name) ?? null));
    }
    const names = this.prepared.model.graph.output.map((v) => v.name);
    const comparison = new OutputComparison();
    let done = 0;
    for (const reference of this.reference) {
      if (done >= atMost) break;
      signal?.throwIfAborted();
      const count = Math.min(this.options.batch, this.samples - done);
      const batch = await this.dataset.batch(done, count, signal);
      const out = inOrder(await this.session.run({ ...batch.feeds, ...weights }, names), names);
      comparison.add(this.prepared.outputKind, out, reference, batch.labels, rowWeights(batch));
      done += batch.samples;
    }
    return comparison;
  }

  close(): Promise<void> {
    return this.session.close();
  }
}

function inOrder(values: Values, names: readonly string[]): Tensor[] {
  return names.flatMap((name) => (values[name] ? [values[name]] : []));
}
