import type { GraphProto, ModelProto, TensorProto } from "onnx-buf";
import type { ByteSink, OnProgress } from "../ports.ts";
import { elementType } from "./elementTypes.ts";
import { modelError } from "./errors.ts";
import { locationProblem } from "./external.ts";
import { maxModelBytes, maxWindowBytes, pieceBytes } from "./limits.ts";
import type { OnnxModel } from "./model.ts";
import type { TensorStore } from "./tensors.ts";
import { attributeGraphs } from "./walk.ts";
import { type CopySegment, type ExternalTarget, type Segment, WritePlan } from "./writePlan.ts";

export interface ExternalOptions {
  /** File name as the model will name it, relative to the model's folder. */
  readonly location: string;
  readonly sink: ByteSink;
  /** Initializers from this size go to the external file; 1024 when left out, as in ONNX's own tools. */
  readonly minBytes?: number;
}

export interface WriteOptions {
  readonly external?: ExternalOptions;
  readonly signal?: AbortSignal;
  /** Units are bytes of both files together. */
  readonly onProgress?: OnProgress;
}

const defaultMinBytes = 1024;

/** From this size data start on a mapping boundary, so that a runtime can map them. As in ONNX's own tools. */
const mappedBytes = 1024 * 1024;
/** Windows maps files at multiples of 64 KiB; other systems at 4 KiB, which this includes. */
const mappedAlignment = 64 * 1024;
/** Smaller data: a cache line, more than any element needs. Our choice. */
const smallAlignment = 64;

/**
 * Writes a model front to back. Data are copied from where they are in pieces of at most 4 MiB; a tensor's data change
 * their form only where they must (external data that become inline, anything that becomes external).
 * @returns bytes of the model file, without the external file
 * @throws SQ2016 when the model would be 2 GiB or more (nothing is written then), and what reading its tensors throws
 */
export async function writeModel(
  model: OnnxModel,
  sink: ByteSink,
  options: WriteOptions = {},
): Promise<{ readonly bytes: number; readonly externalBytes: number }> {
  const { external, signal, onProgress } = options;
  const layout = await layOut(model, external, signal);
  const plan = await planModel(model, layout.targets, signal);
  const total = plan.length + layout.bytes;
  const out = (to: ByteSink, before: number) =>
    new Writer(to, (written) => onProgress?.({ stage: "write", done: before + written, total }));
  if (external) {
    const writer = out(external.sink, 0);
    for (const { offset, data } of layout.targets.values()) {
      await writer.pad(offset);
      await writer.segment({ length: data.byteLength, read: data.read }, signal);
    }
    await writer.flush();
  }
  const writer = out(sink, layout.bytes);
  for (const segment of plan.segments()) await writer.segment(segment, signal);
  await writer.flush();
  return { bytes: plan.length, externalBytes: layout.bytes };
}

/**
 * The model as one array, weights included.
 * @throws SQ2016 when that would be 2 GiB or more
 */
export async function modelBytes(model: OnnxModel, signal?: AbortSignal): Promise<Uint8Array> {
  const plan = await planModel(model, new Map(), signal);
  const bytes = new Uint8Array(plan.length);
  let at = 0;
  const writer = new Writer({
    async write(piece) {
      bytes.set(piece, at);
      at += piece.length;
    },
  });
  for (const segment of plan.segments()) await writer.segment(segment, signal);
  await writer.flush();
  return bytes;
}

async function planModel(
  { proto, graph, tensors }: OnnxModel,
  targets: ReadonlyMap<TensorProto, ExternalTarget>,
  signal: AbortSignal | undefined,
): Promise<WritePlan> {
  const message: ModelProto = proto.graph === graph ? proto : { ...proto, graph };
  const plan = await WritePlan.of(message, tensors, targets, signal);
  if (plan.length > maxModelBytes) {
    const size = (plan.length / 2 ** 30).toFixed(2);
    throw modelError(
      "modelTooLarge",
      `The model would have ${size} GiB in one file, and 2 GiB is the most it may have`,
    );
  }
  return plan;
}

/** Gives every large initializer, in subgraphs too, its place in the external file. */
async function layOut(
  model: OnnxModel,
  external: ExternalOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<{ targets: Map<TensorProto, ExternalTarget>; bytes: number }> {
  const targets = new Map<TensorProto, ExternalTarget>();
  if (!external) return { targets, bytes: 0 };
  const { location, minBytes = defaultMinBytes } = external;
  const problem = locationProblem(location);
  if (problem) throw modelError("unsafeLocation", `The external file's name ${JSON.stringify(location)} ${problem}`);
  let end = 0;
  for (const tensor of initializers(model.graph)) {
    signal?.throwIfAborted();
    if (!movable(tensor, model.tensors, minBytes)) continue;
    const data = await model.tensors.raw(tensor);
    const alignment = data.byteLength >= mappedBytes ? mappedAlignment : smallAlignment;
    const offset = Math.ceil(end / alignment) * alignment;
    targets.set(tensor, { location, offset, data });
    end = offset + data.byteLength;
  }
  return { targets, bytes: end };
}

/** Strings have no raw form, and no runtime reads empty external data. */
function movable(tensor: TensorProto, store: TensorStore, minBytes: number): boolean {
  const type = elementType(tensor.dataType);
  return type !== undefined && type.bits > 0 && store.byteLength(tensor) >= Math.max(minBytes, 1);
}

function* initializers(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const node of graph.node) {
    for (const attribute of node.attribute)
      for (const inner of attributeGraphs(attribute)) yield* initializers(inner.graph);
  }
}

/** Gathers small segments, so that a sink sees few writes, and copies large ones in pieces. */
class Writer {
  private readonly sink: ByteSink;
  private readonly onWritten: ((bytes: number) => void) | undefined;
  private pending = new Uint8Array(maxWindowBytes);
  private used = 0;
  private written = 0;

  constructor(sink: ByteSink, onWritten?: (bytes: number) => void) {
    this.sink = sink;
    this.onWritten = onWritten;
  }

  async segment(segment: Segment, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (segment instanceof Uint8Array) return this.write(segment);
    await this.copy(segment, signal);
  }

  /** Zeros up to a position in the file. */
  async pad(to: number): Promise<void> {
    const missing = to - this.written - this.used;
    if (missing > 0) await this.write(new Uint8Array(missing));
  }

  async flush(): Promise<void> {
    if (this.used === 0) return;
    const bytes = this.pending.subarray(0, this.used);
    // The sink may keep what it is given.
    this.pending = new Uint8Array(maxWindowBytes);
    this.used = 0;
    await this.emit(bytes);
  }

  private async copy(segment: CopySegment, signal: AbortSignal | undefined): Promise<void> {
    for (let at = 0; at < segment.length; at += pieceBytes) {
      signal?.throwIfAborted();
      await this.write(await segment.read(at, Math.min(at + pieceBytes, segment.length), signal));
    }
  }

  private async write(bytes: Uint8Array): Promise<void> {
    if (this.used + bytes.length > this.pending.length) await this.flush();
    if (bytes.length > this.pending.length) return this.emit(bytes);
    this.pending.set(bytes, this.used);
    this.used += bytes.length;
  }

  private async emit(bytes: Uint8Array): Promise<void> {
    await this.sink.write(bytes);
    this.written += bytes.length;
    this.onWritten?.(this.written);
  }
}
