import type { Bits } from "../hardware/profile.ts";
import { type Discovery, type LayerSite, quantizableSites } from "../model/discover.ts";
import { FloatCut, feedsOf } from "./floatCut.ts";
import type { LayerJob, LayerResult } from "./layerJobs.ts";
import { type WeightSource, weightFeeds } from "./layerValues.ts";
import { OutputComparison } from "./outputs.ts";
import { Reference, type ReferenceInput } from "./reference.ts";
import type { Measurement } from "./types.ts";

export interface SweepParts extends ReferenceInput {
  readonly discovery: Discovery;
  readonly weights: WeightSource;
}

/**
 * Does jobs of one sweep, in any order; ascending is fastest. The float activations at the current layer's cut are kept, and only the
 * part behind the cut is run for each bitwidth. Memory: the activations alive at one cut, for all samples.
 *
 * A job's result depends on the sweep and the job alone, to the last bit: the walk stops at every quantizable layer, whatever was
 * asked for, as the runtime fuses (and so rounds) the nodes of one part otherwise than those of two.
 */
export class Sweep {
  /** Index into `sites` of the next stop of the walk. */
  private next = 0;
  private cut: FloatCut;

  private constructor(
    private readonly parts: SweepParts,
    private readonly sites: readonly LayerSite[],
    private readonly reference: Reference,
  ) {
    this.cut = this.start();
  }

  /** Runs the float network once. @param onBatch is called before each batch */
  static async open(parts: SweepParts, onBatch: () => void, signal?: AbortSignal): Promise<Sweep> {
    return new Sweep(parts, sitesInOrder(parts.discovery), await Reference.run(parts, onBatch, signal));
  }

  /** @param onMeasured is called after each bitwidth */
  async run(
    { layer, bits }: LayerJob,
    onMeasured: (bits: Bits, value: Measurement) => void,
    signal?: AbortSignal,
  ): Promise<LayerResult> {
    const at = this.sites.findIndex((site) => site.layer.name === layer);
    const site = this.sites[at];
    if (site === undefined) throw new Error(`the sweep has no layer ${layer}`);
    await this.walkTo(at, signal);
    const { weights, batches } = this.parts;
    const { session, inputs } = await this.cut.openBehind(site, this.reference.names);
    try {
      const values = new Map<Bits, Measurement>();
      for (const b of bits) {
        const feeds = weightFeeds(site, inputs, await weights.quantized(layer, b));
        const comparison = new OutputComparison();
        for (const i of batches.keys()) {
          signal?.throwIfAborted();
          const out = await session.run({ ...feedsOf(session, this.cut.valuesOf(i)), ...feeds });
          this.reference.add(comparison, out, i);
        }
        const value = this.reference.measurementOf(comparison);
        values.set(b, value);
        onMeasured(b, value);
      }
      return { layer, values };
    } finally {
      await session.close();
    }
  }

  private async walkTo(at: number, signal?: AbortSignal): Promise<void> {
    // Behind the cut is where it is; in front of it the walk begins again.
    if (at < this.next - 1) {
      this.cut = this.start();
      this.next = 0;
    }
    for (; this.next <= at; this.next++) {
      signal?.throwIfAborted();
      await this.cut.moveTo(firstIndex(this.sites[this.next] as LayerSite), signal);
    }
  }

  private start(): FloatCut {
    return new FloatCut(
      this.parts,
      this.parts.batches.map((batch) => batch.feeds),
    );
  }
}

/** Quantizable layers in the order of the walk. */
export function sitesInOrder(discovery: Discovery): readonly LayerSite[] {
  return quantizableSites(discovery).toSorted((a, b) => firstIndex(a) - firstIndex(b));
}

function firstIndex(site: LayerSite): number {
  return Math.min(...site.uses.map((use) => use.index));
}
