import type { Bits } from "../hardware/profile.ts";
import { fullRangeScale, storedScale } from "../quant/integerGrid.ts";
import { leastErrorScale } from "../quant/scaleSearch.ts";
import type { HessianBlock } from "./hessianBlock.ts";
import type { RecoveryMethod } from "./methods.ts";
import { descend, residual, roundCompensated, roundNearest } from "./roundRow.ts";

/**
 * Scales that are tried, relative to the one with the least error when weights are rounded one by one; the likeliest first. Our
 * choice: at 2 bits errors that are spread want a scale up to half as large again, and steps finer than these gained nothing.
 */
const scaleRatios: readonly number[] = [1, 0.92, 1.08, 0.85, 1.18, 1.28, 0.78, 1.4, 1.55];

/** Multiplications that trying scales on one layer may take; larger layers try fewer. Our choice: some seconds. */
const scaleSearchProducts = 2 ** 32;

/** How many scales a layer of so many multiplications a rounding tries. */
export function scalesToTry(productsPerRounding: number): number {
  const affordable = Math.floor(scaleSearchProducts / Math.max(1, productsPerRounding));
  return Math.max(1, Math.min(scaleRatios.length, affordable));
}

/** Alternations of "best integers for this scale" and "best scale for these integers"; later ones change nearly nothing. Our choice. */
const refits = 4;

/** One block's part of a row, in the block's order. */
interface Part {
  readonly w: Float64Array;
  readonly q: Float64Array;
  readonly best: Float64Array;
  readonly rest: Float64Array;
}

/**
 * Finds integers and scale of one row after another: least (w - s q)^T H (w - s q), by the methods that are switched on. Holds
 * the buffers.
 */
export class RowFitter {
  /** What `fit` found: integers by column, as doubles, and their scale. */
  readonly q: Float64Array;
  scale = 0;
  private readonly parts: readonly Part[];
  private readonly work: Float64Array;
  private readonly zeros: Float64Array;
  private readonly single: Float32Array;
  private readonly diagonal: Float64Array;

  /** @param sizes of the blocks; @param tries scales that are tried */
  constructor(
    sizes: readonly number[],
    private readonly methods: ReadonlySet<RecoveryMethod>,
    private readonly tries: number,
  ) {
    const columns = sizes.reduce((a, b) => a + b, 0);
    const widest = Math.max(...sizes);
    const buffer = (n: number) => new Float64Array(n);
    this.q = buffer(columns);
    this.work = buffer(widest);
    this.zeros = buffer(widest);
    this.single = new Float32Array(columns);
    this.diagonal = buffer(columns);
    this.parts = sizes.map((n) => ({ w: buffer(n), q: buffer(n), best: buffer(n), rest: buffer(n) }));
  }

  /**
   * @param row weights by column, [columns]; @param blocks of the row's group
   * @param fixed a scale to keep; found without it
   */
  fit(row: Float64Array, blocks: readonly HessianBlock[], bits: Bits, fixed?: number): void {
    const { parts, methods } = this;
    for (const [b, { size, order }] of blocks.entries()) {
      const { w } = parts[b] as Part;
      for (let k = 0; k < size; k++) w[k] = row[order[k] as number] as number;
    }
    const searches = fixed === undefined && methods.has("clip");
    this.round(blocks, bits, fixed ?? this.startScale(row, blocks, bits), searches ? this.tries : 1);
    if (methods.has("coordinate")) this.descend(blocks, bits, searches);
    else if (searches && methods.has("gptq")) this.scale = this.bestScale(blocks);
    for (const [b, { size, order }] of blocks.entries()) {
      const { q } = parts[b] as Part;
      for (let k = 0; k < size; k++) this.q[order[k] as number] = q[k] as number;
    }
  }

  private startScale(row: Float64Array, blocks: readonly HessianBlock[], bits: Bits): number {
    const { single, diagonal } = this;
    single.set(row.subarray(0, single.length));
    let min = 0;
    let max = 0;
    for (const v of single) {
      if (v < min) min = v;
      else if (v > max) max = v;
    }
    if (!this.methods.has("clip")) return fullRangeScale(min, max, bits);
    for (const { size, order, h } of blocks) {
      for (let k = 0; k < size; k++) diagonal[order[k] as number] = h[k * size + k] as number;
    }
    return leastErrorScale(single, 0, single.length, bits, diagonal);
  }

  /** Rounds at some scales around `start`, and keeps the best. */
  private round(blocks: readonly HessianBlock[], bits: Bits, start: number, tries: number): void {
    let least = Number.POSITIVE_INFINITY;
    this.scale = start;
    for (const ratio of scaleRatios.slice(0, tries)) {
      const scale = storedScale(start * ratio);
      const error = this.roundAt(blocks, bits, scale, least);
      if (error >= least) continue;
      least = error;
      this.scale = scale;
      for (const { q, best } of this.parts) best.set(q);
    }
    // Where no error is finite any integers are as good; those of the row before would depend on which that was.
    if (least === Number.POSITIVE_INFINITY) {
      for (const [b, { size }] of blocks.entries()) {
        const { w, best } = this.parts[b] as Part;
        roundNearest(size, w, start, bits, best);
      }
    }
    for (const { q, best } of this.parts) q.set(best);
  }

  private roundAt(blocks: readonly HessianBlock[], bits: Bits, scale: number, limit: number): number {
    let error = 0;
    for (const [b, block] of blocks.entries()) {
      const { w, q, rest } = this.parts[b] as Part;
      if (this.methods.has("gptq")) {
        this.work.set(w);
        error += roundCompensated(block, this.work, scale, bits, q, limit - error);
      } else {
        roundNearest(block.size, w, scale, bits, q);
        error += residual(block, w, scale, q, rest);
      }
      if (!(error < limit)) return Number.POSITIVE_INFINITY;
    }
    return error;
  }

  private descend(blocks: readonly HessianBlock[], bits: Bits, searches: boolean): void {
    for (let turn = 0; ; turn++) {
      let gain = 0;
      for (const [b, block] of blocks.entries()) {
        const { w, q, rest } = this.parts[b] as Part;
        residual(block, w, this.scale, q, rest);
        gain += descend(block, this.scale, bits, q, rest);
      }
      if (!searches || turn === refits) return;
      const scale = this.bestScale(blocks);
      if (scale === this.scale && gain === 0) return;
      this.scale = scale;
    }
  }

  /** The scale with the least error for these integers: q^T H w / q^T H q. */
  private bestScale(blocks: readonly HessianBlock[]): number {
    let qw = 0;
    let qq = 0;
    for (const [b, block] of blocks.entries()) {
      const { w, q, rest } = this.parts[b] as Part;
      // H (0 - q)
      residual(block, this.zeros, 1, q, rest);
      for (let k = 0; k < block.size; k++) {
        qw -= (rest[k] as number) * (w[k] as number);
        qq -= (rest[k] as number) * (q[k] as number);
      }
    }
    return qq > 0 && qw > 0 ? storedScale(qw / qq) : this.scale;
  }
}
