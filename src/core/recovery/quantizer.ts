import { type Compute, inPlace } from "../compute/compute.ts";
import { takesBias } from "../model/bias.ts";
import { roundToNearest, type WeightQuantizer } from "../pipeline/candidates.ts";
import { memoryFor, usualMemory } from "../pipeline/heldMemory.ts";
import { type HessianBlock, hessianBlocks } from "./hessianBlock.ts";
import type { HessianStore } from "./hessians.ts";
import type { RecoveryMethod } from "./methods.ts";
import { roundLayer } from "./roundLayer.ts";

export interface QuantizerOptions {
  /** Where rows are rounded. */
  readonly compute?: Compute;
  /** Factors of Hessians that are kept take at most so much. */
  readonly factorBytes?: number;
}

/**
 * Rounds layers by the given methods ("equalize" and "sequential" are not for single layers, and change nothing here). A layer that
 * no moments are known of (nothing was run, or its operator's form is not read) is rounded to the nearest: clipping by the error of
 * the weights alone does more harm than good at 3 bits and more, see docs/recovery.md.
 */
export function recoveryQuantizer(
  methods: ReadonlySet<RecoveryMethod>,
  hessians: HessianStore,
  { compute = inPlace, factorBytes = memoryFor("factors", { memory: usualMemory }) }: QuantizerOptions = {},
): WeightQuantizer {
  const cache = new BlockCache(hessians, factorBytes, compute);
  const usesMoments = (["clip", "bias", "gptq", "coordinate"] as const).some((method) => methods.has(method));
  return {
    async quantize(site, weight, bias, bits, signal) {
      const { name } = site.layer;
      const moments = usesMoments && site.layer.blockSize === undefined ? hessians.get(name) : undefined;
      if (moments !== undefined) {
        const taken = bias !== undefined && takesBias(site) ? { bias } : {};
        const blocksOf = (group: number, centred: boolean) => cache.blocks(name, group, centred);
        return roundLayer(moments, { weight, bits, methods, blocksOf, compute, ...taken }, signal);
      }
      return roundToNearest.quantize(site, weight, bias, bits, signal);
    },
  };
}

/** Hessian blocks by layer and group; those used longest ago make room. */
class BlockCache {
  private readonly cached = new Map<string, readonly HessianBlock[]>();
  private bytes = 0;

  constructor(
    private readonly hessians: HessianStore,
    private readonly maxBytes: number,
    private readonly compute: Compute,
  ) {}

  async blocks(layer: string, group: number, centred: boolean): Promise<readonly HessianBlock[]> {
    const key = `${group}:${centred}:${layer}`;
    const moments = this.hessians.get(layer);
    const { compute } = this;
    const blocks = this.cached.get(key) ?? (moments ? await hessianBlocks(moments, group, centred, { compute }) : []);
    if (this.cached.delete(key)) this.bytes -= bytesOf(blocks);
    this.cached.set(key, blocks);
    this.bytes += bytesOf(blocks);
    for (const [oldest, old] of this.cached) {
      if (this.bytes <= this.maxBytes || oldest === key) break;
      this.cached.delete(oldest);
      this.bytes -= bytesOf(old);
    }
    return blocks;
  }
}

function bytesOf(blocks: readonly HessianBlock[]): number {
  return blocks.reduce((sum, { h, upper, order }) => sum + h.byteLength + upper.byteLength + order.byteLength, 0);
}
