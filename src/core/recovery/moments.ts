import { accumulate, accumulateRows, type GramProducts, type Stack } from "./gram.ts";
import type { RowLayout } from "./rowLayout.ts";

/**
 * Most columns whose second moments are kept with each other; a longer row is cut into blocks along the matrix's diagonal. Our
 * choice: 8 MiB of doubles; a 3x3 convolution has so many columns from 113 input channels on.
 */
const mostBlockColumns = 1024;
const fewestBlockColumns = 64;

/**
 * Multiplications that rounding one layer once may take, about (weights * block / 2): some seconds. Blocks get smaller where it
 * would be more, which concerns layers of more than 16 million weights. Our choice.
 */
const roundingProducts = 2 ** 33;

/**
 * Columns of one block of a layer's Hessian.
 * @param limit most columns, to save memory
 */
export function blockColumns({ rows, columns }: RowLayout, limit = mostBlockColumns): number {
  const affordable = Math.floor((2 * roundingProducts) / (rows * columns));
  const most = Math.max(fewestBlockColumns, Math.min(mostBlockColumns, limit, affordable));
  return Math.ceil(columns / Math.ceil(columns / most));
}

/** First and second moments of a layer's input: the Hessian of the layer's squared output error, and what a bias makes up for. */
export interface Moments {
  readonly layout: RowLayout;
  /** Patches seen. */
  readonly count: number;
  /** E[x], [groups * columns]. */
  readonly mean: Float64Array;
  /** Columns of a block; the last one of a group may have fewer. */
  readonly block: number;
  /** Blocks of a group. */
  readonly blocks: number;
  /** E[x x^T], [groups * blocks, block, block]; rows and columns behind a group's last are 0. */
  readonly second: Float32Array | Float64Array;
}

/** Whether they say anything: not where a sample, or what the network makes of it, has values that are none, or sums that overflow. */
export function momentsAreFinite({ second, mean }: Moments): boolean {
  return second.every(Number.isFinite) && mean.every(Number.isFinite);
}

/** Columns of block b of a group. */
export function blockSize({ layout, block }: Moments, b: number): number {
  return Math.min(block, layout.columns - b * block);
}

/** Adds moments up, batch by batch; memory does not grow with the number of samples. */
export class MomentSums {
  private count = 0;
  private readonly sum: Float64Array;
  private readonly squares: Float64Array;
  private readonly blocks: number;

  constructor(
    readonly layout: RowLayout,
    private readonly block = blockColumns(layout),
  ) {
    const { groups, columns } = layout;
    this.blocks = Math.ceil(columns / block);
    this.sum = new Float64Array(groups * columns);
    this.squares = new Float64Array(groups * this.blocks * block ** 2);
  }

  /** @param data float32 [groups, columns, count] */
  async add(gram: GramProducts, data: Float32Array, count: number): Promise<void> {
    accumulateRows(this.sum, data, count);
    const stack: Stack = { rows: this.block, data: this.padded(data, count) };
    accumulate(this.squares, await gram.product(stack, stack, this.layout.groups * this.blocks));
    this.count += count;
  }

  moments(): Moments {
    const { layout, count, block, blocks } = this;
    const scale = 1 / Math.max(1, count);
    // Held in single precision, which is exact enough and half the memory.
    const second = Float32Array.from(this.squares, (v) => v * scale);
    return { layout, count, mean: this.sum.map((v) => v * scale), block, blocks, second };
  }

  /** Zero rows behind a group's last block where blocks do not divide its columns. */
  private padded(data: Float32Array, count: number): Float32Array {
    const { groups, columns } = this.layout;
    const wide = this.block * this.blocks;
    if (wide === columns) return data;
    const out = new Float32Array(groups * wide * count);
    for (let g = 0; g < groups; g++) {
      out.set(data.subarray(g * columns * count, (g + 1) * columns * count), g * wide * count);
    }
    return out;
  }
}
