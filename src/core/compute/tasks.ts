import type { Bits } from "../hardware/profile.ts";
import { type FittedRows, fitRows, type RowsTask } from "../recovery/fitRows.ts";
import { type BlockTask, factorBlock, type HessianBlock } from "../recovery/hessianBlock.ts";
import type { WeightStatistics } from "../sensitivity/types.ts";
import { weightStatistics } from "../sensitivity/weightStatistics.ts";

/** A layer's weights, row-major; see weightStatistics. */
export interface StatisticsTask {
  readonly weight: Float32Array;
  readonly shape: readonly number[];
  readonly axis: number;
  readonly bits: readonly Bits[];
  readonly blockSize?: number;
}

/** What can be computed in another thread. Tasks and results are plain data: they are copied, but for shared buffers. */
export interface Tasks {
  readonly fitRows: { readonly task: RowsTask; readonly result: FittedRows };
  readonly factorBlock: { readonly task: BlockTask; readonly result: HessianBlock };
  readonly weightStatistics: { readonly task: StatisticsTask; readonly result: WeightStatistics };
}

export const tasks: { readonly [K in keyof Tasks]: (task: Tasks[K]["task"]) => Tasks[K]["result"] } = {
  fitRows,
  factorBlock,
  weightStatistics: ({ weight, shape, axis, bits, blockSize }) =>
    weightStatistics(weight, shape, axis, bits, blockSize === undefined ? {} : { blockSize }),
};
