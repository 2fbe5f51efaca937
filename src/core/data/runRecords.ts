import type { ByteSource, Tensor, TensorType } from "../ports.ts";
import type { SweepBatch } from "../sensitivity/reference.ts";
import type { Batch } from "./dataset.ts";
import { elementBytes, fromBytes, type NumericType, product } from "./elements.ts";

/**
 * Runs of a network as bytes, one record each: the length of a header (4 bytes, little-endian), the header (JSON), and the data of its
 * tensors one after the other, then labels and weights. No index: a reader goes from header to header.
 */
interface Header {
  readonly kind: RunKind;
  readonly samples: number;
  readonly repeated?: number;
  readonly feeds: readonly { readonly name: string; readonly type: NumericType; readonly dims: readonly number[] }[];
  readonly labels?: number;
  readonly weights?: number;
}

/** What a run is for: measuring sensitivities, or recovering weights. */
export type RunKind = "sweep" | "recovery";

/** A header has some hundred bytes for each input; models have some dozens. */
const maxHeaderBytes = 2 ** 20;
/** A sample is a run of its own at worst. */
const maxRuns = 2 ** 20;
const maxRank = 32;

/** A record of a run. @throws Error for inputs of text, which no network with layers to quantize takes */
export function* encodeRun(kind: RunKind, batch: SweepBatch): Generator<Uint8Array> {
  const feeds = Object.entries(batch.feeds).map(([name, { type, dims }]) => {
    if (type === "string") throw new Error(`the input ${name} is a text`);
    return { name, type, dims: [...dims] };
  });
  const header: Header = {
    kind,
    samples: batch.samples,
    ...(batch.repeated !== undefined && { repeated: batch.repeated }),
    feeds,
    ...(batch.labels && { labels: batch.labels.length }),
    ...(batch.weights && { weights: batch.weights.length }),
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = new Uint8Array(4 + text.length);
  new DataView(start.buffer).setUint32(0, text.length, true);
  start.set(text, 4);
  yield start;
  for (const { data } of Object.values(batch.feeds)) yield bytesOf(data as ArrayBufferView);
  if (batch.labels) yield bytesOf(batch.labels);
  if (batch.weights) yield bytesOf(batch.weights);
}

/** A record that was found, not read yet. */
export interface FoundRun {
  readonly kind: RunKind;
  readonly samples: number;
  read(signal?: AbortSignal): Promise<SweepBatch & Batch>;
}

/**
 * All records of a source, in their order. Everything is checked: the bytes may come from anywhere.
 * @throws RangeError saying what is wrong
 */
export async function findRuns(source: ByteSource, signal?: AbortSignal): Promise<readonly FoundRun[]> {
  const runs: FoundRun[] = [];
  for (let at = 0; at < source.size; ) {
    signal?.throwIfAborted();
    if (runs.length >= maxRuns) throw new RangeError(`more than ${maxRuns} runs`);
    if (at + 4 > source.size) throw new RangeError("the last record is cut off");
    const start = await source.read(at, 4);
    const length = new DataView(start.buffer, start.byteOffset, 4).getUint32(0, true);
    if (length > maxHeaderBytes || at + 4 + length > source.size) throw new RangeError(`a header of ${length} bytes`);
    const header = parseHeader(await source.read(at + 4, length));
    const body = at + 4 + length;
    const sizes = header.feeds.map(({ type, dims }) => product(dims) * elementBytes[type]);
    const bytes = sizes.reduce((sum, size) => sum + size, 0) + 4 * (header.labels ?? 0) + 8 * (header.weights ?? 0);
    if (!Number.isSafeInteger(bytes) || body + bytes > source.size) throw new RangeError("a run is cut off");
    runs.push({ kind: header.kind, samples: header.samples, read: () => readRun(source, body, header, sizes) });
    at = body + bytes;
  }
  return runs;
}

async function readRun(
  source: ByteSource,
  body: number,
  header: Header,
  sizes: readonly number[],
): Promise<SweepBatch & Batch> {
  let at = body;
  const next = async (size: number) => {
    at += size;
    return source.read(at - size, size);
  };
  const feeds: Record<string, Tensor> = {};
  for (const [i, { name, type, dims }] of header.feeds.entries()) {
    feeds[name] = { type, dims, data: fromBytes(type, await next(sizes[i] ?? 0)) };
  }
  const { samples, repeated, labels, weights } = header;
  return {
    feeds,
    samples,
    ...(repeated !== undefined && { repeated }),
    ...(labels !== undefined && { labels: fromBytes("int32", await next(4 * labels)) as Int32Array }),
    ...(weights !== undefined && { weights: fromBytes("float64", await next(8 * weights)) as Float64Array }),
  };
}

function parseHeader(bytes: Uint8Array): Header {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new RangeError("a header is no JSON");
  }
  if (!isHeader(value)) throw new RangeError("a header has other fields");
  return value;
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== "object" || value === null) return false;
  const { kind, samples, repeated, feeds, labels, weights } = value as Partial<Record<keyof Header, unknown>>;
  return (
    (kind === "sweep" || kind === "recovery") &&
    isCount(samples) &&
    samples > 0 &&
    [repeated, labels, weights].every((each) => each === undefined || isCount(each)) &&
    Array.isArray(feeds) &&
    feeds.every(isFeed)
  );
}

function isFeed(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { name, type, dims } = value as { name?: unknown; type?: unknown; dims?: unknown };
  return (
    typeof name === "string" &&
    Object.hasOwn(elementBytes, type as TensorType) &&
    Array.isArray(dims) &&
    dims.length <= maxRank &&
    dims.every(isCount)
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
