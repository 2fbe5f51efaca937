import type { Bits } from "../hardware/profile.ts";
import type { QuantizedLayer } from "../qdq/types.ts";
import { RowFitter, scalesToTry } from "./fitRow.ts";
import { addSolved, type HessianBlock, hessianBlocks } from "./hessianBlock.ts";
import type { RecoveryMethod } from "./methods.ts";
import { blockSize, type Moments } from "./moments.ts";
import { gatherWeights, type RowLayout, scatterWeights } from "./rowLayout.ts";

/** Milliseconds of computing after which other work of the process has its turn: an abort, a message. Our choice. */
const turnMs = 50;

/**
 * What the layer's output lacks already, before its own weights are rounded: d = (float output) - (float weights on the input that
 * the quantized network gives).
 */
export interface OutputLack {
  /** E[d x^T], [rows, columns]. */
  readonly cross: Float64Array;
  /** E[d], [rows]. */
  readonly mean: Float64Array;
}

export interface LayerRounding {
  readonly weight: Float32Array;
  /** Given where the layer takes one. */
  readonly bias?: Float32Array;
  readonly bits: Bits;
  readonly methods: ReadonlySet<RecoveryMethod>;
  readonly lack?: OutputLack;
  /** The Hessian's blocks for a group, see hessianBlocks; made with the default damping without it. */
  readonly blocksOf?: BlocksOf;
}

export type BlocksOf = (group: number, centred: boolean) => readonly HessianBlock[];

/**
 * Integers, scales and bias of a layer with the least squared output error over the samples that `moments` come from. Layers of one
 * ConvTranspose scale for several groups get the mean of what each group would choose.
 */
export async function roundLayer(
  moments: Moments,
  { weight, bias, bits, methods, lack, ...given }: LayerRounding,
  signal?: AbortSignal,
): Promise<QuantizedLayer> {
  const blocksOf = given.blocksOf ?? ((group, isCentred) => hessianBlocks(moments, group, isCentred));
  const { layout, mean } = moments;
  const { rows, groups, columns } = layout;
  const perGroup = rows / groups;
  const corrected = bias && Float32Array.from(bias);
  const centred = corrected !== undefined && methods.has("bias");
  const q = new Int8Array(weight.length);
  const row = new Float64Array(columns);
  const aim = new Float64Array(columns);
  const cross = new Float64Array(columns);
  const sizes = Array.from({ length: moments.blocks }, (_, b) => blockSize(moments, b));
  const fitter = new RowFitter(sizes, methods, scalesToTry((rows * columns * moments.block) / 2));
  const turns = new Turns(signal);
  let blocks: readonly HessianBlock[] = [];
  const fitRow = async (r: number, fixed?: number) => {
    await turns.next();
    if (r % perGroup === 0) blocks = blocksOf(r / perGroup, centred);
    gatherWeights(weight, layout, r, row);
    aim.set(row);
    if (lack) {
      // What the weights can make up for: the regression of d on x. What the bias takes up is no part of it.
      const means = Math.floor(r / perGroup) * columns;
      const own = centred ? (lack.mean[r] as number) : 0;
      for (let k = 0; k < columns; k++)
        cross[k] = (lack.cross[r * columns + k] as number) - own * (mean[means + k] as number);
      for (const block of blocks) addSolved(block, cross, aim);
    }
    fitter.fit(aim, blocks, bits, fixed);
  };
  const scales = new Float32Array(layout.scales);
  const shared = layout.scales < rows ? await sharedScales(layout, fitRow, fitter) : undefined;
  for (let r = 0; r < rows; r++) {
    await fitRow(r, shared?.[r % layout.scales]);
    const { scale } = fitter;
    scales[r % layout.scales] = scale;
    scatterWeights(fitter.q, layout, r, q);
    if (!centred) continue;
    const means = Math.floor(r / perGroup) * columns;
    let shift = lack?.mean[r] ?? 0;
    for (let k = 0; k < columns; k++) {
      shift += ((row[k] as number) - scale * (fitter.q[k] as number)) * (mean[means + k] as number);
    }
    corrected[r] = (corrected[r] as number) + shift;
  }
  return { bits, q, scales, ...(corrected && { bias: corrected }) };
}

async function sharedScales(
  layout: RowLayout,
  fitRow: (r: number) => Promise<void>,
  fitter: RowFitter,
): Promise<Float32Array> {
  const sums = new Float64Array(layout.scales);
  for (let r = 0; r < layout.rows; r++) {
    await fitRow(r);
    sums[r % layout.scales] = (sums[r % layout.scales] as number) + fitter.scale;
  }
  return Float32Array.from(sums, (sum) => (sum * layout.scales) / layout.rows);
}

/** Lets the process's other work have its turn now and then, and looks at the signal. */
class Turns {
  private last = performance.now();

  constructor(private readonly signal: AbortSignal | undefined) {}

  async next(): Promise<void> {
    if (performance.now() - this.last < turnMs) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.signal?.throwIfAborted();
    this.last = performance.now();
  }
}
