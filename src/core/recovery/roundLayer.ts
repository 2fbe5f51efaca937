import { type Compute, inParallel, inPlace } from "../compute/compute.ts";
import type { Bits } from "../hardware/profile.ts";
import type { QuantizedLayer } from "../qdq/types.ts";
import { scalesToTry } from "./fitRow.ts";
import type { FittedRows } from "./fitRows.ts";
import { type HessianBlock, hessianBlocks } from "./hessianBlock.ts";
import type { RecoveryMethod } from "./methods.ts";
import type { Moments } from "./moments.ts";
import { gatherWeights, scatterWeights } from "./rowLayout.ts";

/** Multiplications of one task, about: some hundredths of a second, after which an abort is seen. Our choice. */
const taskProducts = 2 ** 26;

/** What the rounding of a row costs in products of a row with a block: scales that are tried, refits and descents. */
const productsPerRow = 10;

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
  /** Where the rows are computed; here without it. */
  readonly compute?: Compute;
}

export type BlocksOf = (group: number, centred: boolean) => Promise<readonly HessianBlock[]>;

/**
 * Integers, scales and bias of a layer with the least squared output error over the samples that `moments` come from. Layers of one
 * ConvTranspose scale for several groups get the mean of what each group would choose.
 */
export async function roundLayer(
  moments: Moments,
  rounding: LayerRounding,
  signal?: AbortSignal,
): Promise<QuantizedLayer> {
  const { weight, bias, bits, methods, lack } = rounding;
  const { layout, mean } = moments;
  const { rows, groups, columns } = layout;
  const centred = bias !== undefined && methods.has("bias");
  /** Means of the row's inputs, [columns]. */
  const meansOf = (r: number) => {
    const from = Math.floor(r / (rows / groups)) * columns;
    return mean.subarray(from, from + columns);
  };
  // What the weights can make up for: the regression of d on x. What the bias takes up is no part of it.
  const cross = lack && (centred ? withoutMeans(lack, meansOf) : lack.cross);
  const free = await fitAll(moments, rounding, { centred, cross }, signal);
  const fitted =
    layout.scales < rows
      ? await fitAll(moments, rounding, { centred, cross, scales: sharedScales(free.scales, layout.scales) }, signal)
      : free;
  const q = new Int8Array(weight.length);
  const corrected = bias && Float32Array.from(bias);
  const row = new Float64Array(columns);
  for (let r = 0; r < rows; r++) {
    const from = r * columns;
    scatterWeights(fitted.q.subarray(from, from + columns), layout, r, q);
    if (!corrected || !centred) continue;
    const means = meansOf(r);
    const scale = fitted.scales[r] as number;
    gatherWeights(weight, layout, r, row);
    let shift = lack?.mean[r] ?? 0;
    for (let k = 0; k < columns; k++) {
      shift += ((row[k] as number) - scale * (fitted.q[from + k] as number)) * (means[k] as number);
    }
    corrected[r] = (corrected[r] as number) + shift;
  }
  const scales = Float32Array.from(fitted.scales.subarray(0, layout.scales));
  return { bits, q, scales, ...(corrected && { bias: corrected }) };
}

interface Fit {
  /** The bias takes up what is constant. */
  readonly centred: boolean;
  readonly cross: Float64Array | undefined;
  readonly scales?: Float64Array;
}

/** Fits all rows, in portions that may be computed beside each other. */
async function fitAll(
  moments: Moments,
  { weight, bits, methods, compute = inPlace, ...given }: LayerRounding,
  { centred, cross, scales }: Fit,
  signal: AbortSignal | undefined,
): Promise<FittedRows> {
  const { layout, block } = moments;
  const { rows, groups, columns } = layout;
  const rowsPerGroup = rows / groups;
  const tries = scalesToTry((rows * columns * block) / 2);
  const blocksOf = recentOf(
    compute.width,
    given.blocksOf ?? ((group, isCentred) => hessianBlocks(moments, group, isCentred, { compute })),
  );
  const result = { q: new Int8Array(rows * columns), scales: new Float64Array(rows) };
  const fit = async ([from, to]: readonly [number, number]) => {
    const weights = new Float64Array((to - from) * columns);
    for (let r = from, at = 0; r < to; r++, at += columns) gatherWeights(weight, layout, r, weights.subarray(at));
    const firstGroup = Math.floor(from / rowsPerGroup);
    const groupCount = Math.floor((to - 1) / rowsPerGroup) + 1 - firstGroup;
    const blocks: (readonly HessianBlock[])[] = [];
    for (let i = 0; i < groupCount; i++) blocks.push(await blocksOf(firstGroup + i, centred));
    signal?.throwIfAborted();
    const made = await compute.run("fitRows", {
      ...{ bits, methods: [...methods], tries, columns, weights, rowsPerGroup },
      firstInGroup: from % rowsPerGroup,
      groups: blocks,
      ...(cross && { cross: cross.slice(from * columns, to * columns) }),
      ...(scales && { scales: scales.slice(from, to) }),
    });
    result.q.set(made.q, from * columns);
    result.scales.set(made.scales, from);
  };
  const { width } = compute;
  // Portions of one size, as many for each thread: none waits for another's last.
  const turns = Math.ceil((rows * productsPerRow * columns * block) / (taskProducts * width));
  await inParallel(portions(rows, Math.ceil(rows / (turns * width))), width, fit, signal);
  return result;
}

/** Keeps the blocks of the groups that were asked for last, `most` of them: portions of a group's rows come one after the other. */
function recentOf(most: number, blocksOf: BlocksOf): BlocksOf {
  const recent = new Map<number, ReturnType<BlocksOf>>();
  return (group, centred) => {
    const blocks = recent.get(group) ?? blocksOf(group, centred);
    recent.set(group, blocks);
    for (const oldest of recent.keys()) if (recent.size > most) recent.delete(oldest);
    return blocks;
  };
}

function* portions(rows: number, portion: number): Iterable<readonly [from: number, to: number]> {
  for (let from = 0; from < rows; from += portion) yield [from, Math.min(rows, from + portion)];
}

/** E[d x^T] - E[d] E[x]^T. */
function withoutMeans({ cross, mean }: OutputLack, meansOf: (r: number) => Float64Array): Float64Array {
  const centred = Float64Array.from(cross);
  const columns = cross.length / mean.length;
  for (let r = 0, at = 0; r < mean.length; r++) {
    const means = meansOf(r);
    for (let k = 0; k < columns; k++, at++) {
      centred[at] = (centred[at] as number) - (mean[r] as number) * (means[k] as number);
    }
  }
  return centred;
}

/** For each row the mean of its scale and those of the rows that share it. */
function sharedScales(found: Float64Array, scales: number): Float64Array {
  const sums = new Float64Array(scales);
  for (const [r, scale] of found.entries()) sums[r % scales] = (sums[r % scales] as number) + scale;
  return found.map((_, r) => Math.fround(((sums[r % scales] as number) * scales) / found.length));
}
