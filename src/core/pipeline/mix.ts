import type { Batch } from "../data/dataset.ts";
import type { Bits } from "../hardware/profile.ts";
import { quantizableSites } from "../model/discover.ts";
import { withWeightInputs } from "../model/weightInputs.ts";
import { modelBytes } from "../onnx/write.ts";
import type { Inference, InferenceSession, Tensor } from "../ports.ts";
import { insertActivations } from "../qdq/quantizeGraph.ts";
import type { ActivationQuantization } from "../qdq/types.ts";
import { type WeightSource, weightFeeds } from "../sensitivity/measured.ts";
import { OutputComparison } from "../sensitivity/outputs.ts";
import type { PreparedModel } from "./prepare.ts";

type Values = Readonly<Record<string, Tensor>>;

/** Bits by layer name; a layer that is not there, or null, is in float. */
export type BitsByLayer = ReadonlyMap<string, Bits | null>;

/**
 * Runs any mix of bits on the real network in ONNX Runtime, without building a session each time: weights are inputs and are
 * fed dequantized (which is exact, and the same on every CPU), activations are quantized by QDQ nodes.
 */
export class MixEvaluator {
  private constructor(
    private readonly prepared: PreparedModel,
    private readonly weights: WeightSource,
    private readonly batches: readonly Batch[],
    private readonly session: InferenceSession,
    private readonly feedsOf: (layer: string, bits: Bits | null) => Promise<Values>,
    private readonly reference: readonly (readonly Tensor[])[],
    /** The float model's own scores on these batches. */
    readonly float: OutputComparison,
  ) {}

  static async open(
    prepared: PreparedModel,
    weights: WeightSource,
    batches: readonly Batch[],
    activations: ReadonlyMap<string, ActivationQuantization>,
    inference: Inference,
    options: { readonly threads?: number } = {},
    signal?: AbortSignal,
  ): Promise<MixEvaluator> {
    const sites = quantizableSites(prepared.discovery);
    const names = prepared.model.graph.output.map((v) => v.name);
    const session = { optimization: "all" as const, ...options };
    const floatSession = await inference.open(await modelBytes(prepared.model, signal), session);
    const reference: Tensor[][] = [];
    const float = new OutputComparison();
    try {
      for (const batch of batches) {
        signal?.throwIfAborted();
        const out = inOrder(await floatSession.run(batch.feeds), names);
        reference.push(out);
        float.add(prepared.outputKind, out, out, batch.labels);
      }
    } finally {
      await floatSession.close();
    }
    const variant = withWeightInputs(prepared.model, sites);
    insertActivations(variant.model, activations);
    const byName = new Map(sites.map((site) => [site.layer.name, site]));
    const feedsOf = async (layer: string, bits: Bits | null): Promise<Values> => {
      const site = byName.get(layer);
      const inputs = variant.inputs.get(layer);
      if (site === undefined || inputs === undefined) return {};
      return weightFeeds(site, inputs, await (bits === null ? weights.float(layer) : weights.quantized(layer, bits)));
    };
    const opened = await inference.open(await modelBytes(variant.model, signal), session);
    return new MixEvaluator(prepared, weights, batches, opened, feedsOf, reference, float);
  }

  /** Runs one mix over all batches. */
  async evaluate(bits: BitsByLayer, signal?: AbortSignal): Promise<OutputComparison> {
    let weights: Values = {};
    for (const site of quantizableSites(this.prepared.discovery)) {
      const { name } = site.layer;
      weights = Object.assign(weights, await this.feedsOf(name, bits.get(name) ?? null));
    }
    const names = this.prepared.model.graph.output.map((v) => v.name);
    const comparison = new OutputComparison();
    for (const [i, batch] of this.batches.entries()) {
      signal?.throwIfAborted();
      const out = inOrder(await this.session.run({ ...batch.feeds, ...weights }), names);
      comparison.add(this.prepared.outputKind, out, this.reference[i] ?? [], batch.labels);
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
