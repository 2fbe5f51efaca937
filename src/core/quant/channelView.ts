import { SigmaQuantError } from "../errors.ts";

/**
 * A dense tensor seen as [outer, channels, inner] around its channel axis, without moving data:
 * element (o, c, i) is at (o * channels + c) * inner + i. A channel's elements in the order (o, i) are its "row".
 */
export interface ChannelView {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

/**
 * @param axis the channel axis, negative counts from the end. A scalar (shape []) is one channel of one element.
 * @throws SQ9101 when the axis is outside the shape
 */
export function channelView(shape: readonly number[], axis: number): ChannelView {
  if (shape.length === 0) return { outer: 1, channels: 1, inner: 1 };
  const at = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(at) || at < 0 || at >= shape.length) {
    throw new SigmaQuantError(
      "SQ9101",
      "channel-axis",
      `axis ${axis} is not in a tensor of shape [${shape.join(", ")}]`,
      {
        remedy: "Report this as a bug with the model",
      },
    );
  }
  const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
  return { outer: product(shape.slice(0, at)), channels: shape[at] as number, inner: product(shape.slice(at + 1)) };
}

/** Elements of one channel. */
export function rowLength(view: ChannelView): number {
  return view.outer * view.inner;
}

/** Blocks of `blockSize` consecutive elements that a row is cut into; the last one may be shorter. At least 1. */
export function blocksPerRow(view: ChannelView, blockSize: number): number {
  return Math.max(1, Math.ceil(rowLength(view) / Math.max(1, blockSize)));
}

/**
 * Calls `run(at, length, index, step)` for stretches of storage, front to back: element at + n of the stretch has the
 * scale number index + n * step of scales[channels * blocks]. Stretches are as long as the layout allows: through a
 * channel's run of `inner` elements (step 0) or, where channels are the last axis, across all channels (step =
 * blocks).
 */
export function forEachScaleRun(
  view: ChannelView,
  blockSize: number,
  run: (at: number, length: number, index: number, step: number) => void,
): void {
  const { outer, channels, inner } = view;
  const blocks = blocksPerRow(view, blockSize);
  if (inner === 1) {
    for (let o = 0; o < outer; o++) run(o * channels, channels, Math.floor(o / blockSize), blocks);
    return;
  }
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      for (let k = o * inner; k < (o + 1) * inner; ) {
        const block = Math.floor(k / blockSize);
        const length = Math.min((o + 1) * inner, (block + 1) * blockSize) - k;
        run(at, length, c * blocks + block, 0);
        at += length;
        k += length;
      }
    }
  }
}

/** @throws SQ9102 when the data do not have the size the shape says */
export function checkedView(length: number, shape: readonly number[], axis: number): ChannelView {
  const view = channelView(shape, axis);
  if (view.outer * view.channels * view.inner !== length) {
    throw new SigmaQuantError(
      "SQ9102",
      "shape-mismatch",
      `${length} elements do not fill shape [${shape.join(", ")}]`,
      {
        remedy: "Report this as a bug with the model",
      },
    );
  }
  return view;
}

/** Copies channel c's row into `row` (length >= outer * inner). */
export function gatherRow(data: Float32Array, view: ChannelView, c: number, row: Float32Array): void {
  const { outer, channels, inner } = view;
  let to = 0;
  for (let o = 0; o < outer; o++) {
    const from = (o * channels + c) * inner;
    for (let i = 0; i < inner; i++) row[to++] = data[from + i] as number;
  }
}

/**
 * Elements gathered at once, at most: 256 KiB, which an L2 cache holds. The more channels, the longer the stretches that
 * are read (measured: 64 channels a quarter faster than 8); below 8 channels most of a cache line would be read for
 * nothing. Our choice.
 */
const gatheredElements = 2 ** 16;
const fewestGathered = 8;
const mostGathered = 64;
/** Elements between gathered rows, so that rows of a power of two do not all fall on the same places of the cache. */
const rowPadding = 16;

/**
 * Calls `run(row, at, length, c)` for each channel c: its row is row[at .. at + length), in place where it is
 * contiguous, else gathered into a buffer that the next channels use again. Not called when rows are empty.
 */
export function forEachRow(
  data: Float32Array,
  view: ChannelView,
  run: (row: Float32Array, at: number, length: number, c: number) => void,
): void {
  const length = rowLength(view);
  const { outer, channels } = view;
  if (length === 0) return;
  if (outer === 1) {
    for (let c = 0; c < channels; c++) run(data, c * length, length, c);
    return;
  }
  const stride = length + rowPadding;
  const atOnce = Math.min(mostGathered, Math.max(fewestGathered, Math.floor(gatheredElements / length)));
  const rows = new Float32Array(Math.min(atOnce, channels) * stride);
  for (let first = 0; first < channels; first += atOnce) {
    const count = Math.min(atOnce, channels - first);
    gatherBlock(data, view, first, count, rows, stride);
    for (let k = 0; k < count; k++) run(rows, k * stride, length, first + k);
  }
}

function gatherBlock(
  data: Float32Array,
  { outer, channels, inner }: ChannelView,
  first: number,
  count: number,
  rows: Float32Array,
  stride: number,
): void {
  for (let o = 0; o < outer; o++) {
    let from = (o * channels + first) * inner;
    let to = o * inner;
    if (inner === 1) {
      // MatMul and Gemm: worth a loop of its own, twice as fast.
      for (let k = 0; k < count; k++, from++, to += stride) rows[to] = data[from] as number;
      continue;
    }
    for (let k = 0; k < count; k++, to += stride) {
      for (let i = 0; i < inner; i++, from++) rows[to + i] = data[from] as number;
    }
  }
}

/** The inverse of gatherRow: writes `row` to channel c's places. */
export function scatterRow(
  row: Float32Array | Int8Array,
  view: ChannelView,
  c: number,
  data: Float32Array | Int8Array,
): void {
  const { outer, channels, inner } = view;
  let from = 0;
  for (let o = 0; o < outer; o++) {
    const to = (o * channels + c) * inner;
    for (let i = 0; i < inner; i++) data[to + i] = row[from++] as number;
  }
}

/** Non-finite weights make every statistic and scale meaningless. The caller adds the layer. */
export function nonFiniteWeights(cause?: unknown): SigmaQuantError {
  return new SigmaQuantError("SQ2101", "non-finite-weights", "the weights contain NaN or infinity", {
    remedy: "Export the model again from a checkpoint with finite weights, or keep this layer in float",
    cause,
  });
}
