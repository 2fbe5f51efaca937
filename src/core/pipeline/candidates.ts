import { SigmaQuantError } from "../errors.ts";
import type { Bits } from "../hardware/profile.ts";
import { outputChannels, readBias, takesBias } from "../model/bias.ts";
import type { LayerSite } from "../model/discover.ts";
import { readWeight } from "../model/readWeight.ts";
import type { QuantizedLayer } from "../qdq/types.ts";
import { channelView, rowLength } from "../quant/channelView.ts";
import { dequantize, quantizeWeights } from "../quant/quantizer.ts";
import type { LayerValues, WeightSource } from "../sensitivity/layerValues.ts";
import { memoryFor } from "./heldMemory.ts";
import type { PreparedModel } from "./prepare.ts";

/** Turns a layer's float weight into integers of b bits; recovery methods are implementations of it. */
export interface WeightQuantizer {
  quantize(
    site: LayerSite,
    weight: Float32Array,
    bias: Float32Array | undefined,
    bits: Bits,
    signal?: AbortSignal,
  ): Promise<QuantizedLayer>;
}

/** Per channel (or block of it), symmetric, min-max, rounded to the nearest: the paper's quantizer. */
export const roundToNearest: WeightQuantizer = {
  async quantize(site, weight, bias, bits, signal) {
    const { weightShape, channelAxis, blockSize } = site.layer;
    const blocks = blockSize === undefined ? {} : { blockSize };
    const { q, scales } = quantizeWeights(weight, weightShape, channelAxis, bits, "minmax", blocks, signal);
    return { bits, q, scales, ...blocks, ...(bias && { bias }) };
  },
};

interface Cache {
  readonly integers: Map<string, Promise<QuantizedLayer>>;
  readonly weights: Map<string, Float32Array>;
  /** Of the float weights. */
  bytes: number;
  /** Bytes of the integers that are made, by key; those made first come first. */
  readonly sizes: Map<string, number>;
  integerBytes: number;
}

function newCache(): Cache {
  return { integers: new Map(), weights: new Map(), bytes: 0, sizes: new Map(), integerBytes: 0 };
}

/**
 * Every layer's weight at every bitwidth that was asked for, each computed once. Holds integers (one byte a weight and bitwidth) and
 * dequantizes when asked.
 */
export class CandidateWeights implements WeightSource {
  constructor(
    private readonly prepared: PreparedModel,
    private readonly quantizer: WeightQuantizer,
    private readonly signal?: AbortSignal,
    private readonly cache: Cache = newCache(),
  ) {}

  /** The same weights for a job that takes them over: what is computed already is shared, and the signal is its own. */
  under(signal: AbortSignal): CandidateWeights {
    return new CandidateWeights(this.prepared, this.quantizer, signal, this.cache);
  }

  /** The same weights for the same model with other blocks, see withBlocks. */
  on(prepared: PreparedModel): CandidateWeights {
    return new CandidateWeights(prepared, this.quantizer, this.signal, this.cache);
  }

  async weight(layer: string): Promise<Float32Array> {
    const { cache } = this;
    const cached = cache.weights.get(layer);
    if (cached) return cached;
    const weight = await readWeight(this.prepared.model.tensors, this.site(layer).chain, this.signal);
    // Larger models read them again.
    if (cache.bytes + weight.byteLength <= memoryFor("weights", this.prepared)) {
      cache.weights.set(layer, weight);
      cache.bytes += weight.byteLength;
    }
    return weight;
  }

  /** The layer's float bias, zeros where it has none; undefined where it takes none. */
  async bias(layer: string): Promise<Float32Array | undefined> {
    const site = this.site(layer);
    if (!takesBias(site)) return undefined;
    const bias = await readBias(this.prepared.model.tensors, site);
    return bias ?? new Float32Array(outputChannels(site));
  }

  quantizedLayer(layer: string, bits: Bits): Promise<QuantizedLayer> {
    const key = `${bits}:${this.site(layer).layer.blockSize ?? 0}:${layer}`;
    const { integers } = this.cache;
    const known = integers.get(key);
    if (known) return known;
    const made = this.make(layer, bits);
    integers.set(key, made);
    made.then(
      ({ q }) => this.account(key, q.byteLength),
      () => integers.delete(key),
    );
    return made;
  }

  /** Larger models have their oldest integers made again when they are wanted. */
  private account(key: string, bytes: number): void {
    const { cache } = this;
    cache.sizes.set(key, bytes);
    cache.integerBytes += bytes;
    for (const [oldest, size] of cache.sizes) {
      if (cache.integerBytes <= memoryFor("integers", this.prepared) || oldest === key) return;
      cache.integers.delete(oldest);
      cache.sizes.delete(oldest);
      cache.integerBytes -= size;
    }
  }

  async float(layer: string): Promise<LayerValues> {
    const bias = await this.bias(layer);
    return { weight: await this.weight(layer), ...(bias && { bias }) };
  }

  async quantized(layer: string, bits: Bits): Promise<LayerValues> {
    const made = await this.quantizedLayer(layer, bits);
    return { weight: this.values(layer, made), ...(made.bias && { bias: made.bias }) };
  }

  /** scale * q, as the written file will hold it. */
  private values(layer: string, { q, scales, bits, blockSize }: QuantizedLayer): Float32Array {
    const { weightShape, channelAxis } = this.site(layer).layer;
    const view = channelView(weightShape, channelAxis);
    return dequantize({ bits, q, scales, view, blockSize: blockSize ?? Math.max(1, rowLength(view)) });
  }

  private async make(layer: string, bits: Bits): Promise<QuantizedLayer> {
    const site = this.site(layer);
    try {
      return await this.quantizer.quantize(site, await this.weight(layer), await this.bias(layer), bits, this.signal);
    } catch (error) {
      if (error instanceof SigmaQuantError && error.place.item === undefined) {
        throw new SigmaQuantError(error.code, error.slug, error.message, {
          remedy: error.remedy,
          place: { ...error.place, item: layer },
          cause: error,
        });
      }
      throw error;
    }
  }

  private site(layer: string): LayerSite {
    const site = this.prepared.discovery.sites.get(layer);
    if (site === undefined) {
      throw new SigmaQuantError("SQ5001", "unknown-layer", `the model has no layer ${layer}`, {
        remedy: "Compare the plan's layer names with those of `sigmaquant inspect`",
        place: { item: layer },
      });
    }
    return site;
  }
}
