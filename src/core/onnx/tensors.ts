import type { TensorProto } from "onnx-buf";
import { isNumeric, type NumericData, toFloat32, toTyped } from "./convert.ts";
import { elementsOf, rawBytesOf } from "./dims.ts";
import { elementType, elementTypeName } from "./elementTypes.ts";
import { modelError } from "./errors.ts";
import { ExternalFiles, externalPlace, isExternal } from "./external.ts";
import { maxInlinePayload, maxReadBytes, pieceBytes } from "./limits.ts";
import { type Payload, rawRun } from "./payload.ts";
import { locate, type RawData } from "./rawData.ts";

/**
 * Tensors' data, beside their messages. A tensor of a read model has its data elided when they are large; they are read
 * from the file, in bounded pieces, when asked for. Whatever is read is checked against the dimensions.
 */
export class TensorStore {
  /** The model's file, for messages. */
  readonly file: string | undefined;
  private readonly files: ExternalFiles;
  private readonly payloads = new WeakMap<TensorProto, Payload>();
  private readonly located = new WeakMap<TensorProto, { readonly key: string; readonly data: RawData }>();

  constructor(
    options: {
      readonly files?: ExternalFiles;
      readonly file?: string;
      readonly payloads?: Iterable<[TensorProto, Payload]>;
    } = {},
  ) {
    this.file = options.file;
    this.files = options.files ?? new ExternalFiles();
    for (const [tensor, payload] of options.payloads ?? []) this.payloads.set(tensor, payload);
  }

  /**
   * Elements by the dimensions; 1 for a scalar.
   * @throws SQ2007, SQ2008 for impossible dimensions
   */
  elements(tensor: TensorProto): number {
    return elementsOf(tensor, this.file);
  }

  /** Bytes as raw_data holds them (4- and 2-bit types packed); for strings and unknown types, as many as the file has. */
  byteLength(tensor: TensorProto): number {
    const expected = rawBytesOf(tensor, this.file);
    if (expected !== undefined) return expected;
    const payload = this.payloads.get(tensor);
    if (payload?.kind === "memory") return payload.bytes.length;
    if (isExternal(tensor)) return externalPlace(tensor, this.file).length ?? 0;
    if (payload) return rawRun(payload.runs)?.length ?? payload.runs.reduce((sum, run) => sum + run.length, 0);
    return tensor.rawData.length + tensor.stringData.reduce((sum, text) => sum + text.length, 0);
  }

  /**
   * All elements in the native element type: float16 and bfloat16 as Uint16Array patterns, int4 and int2 unpacked to
   * Int8Array, uint4 and uint2 to Uint8Array, bool as Uint8Array, 8- and 4-bit floats as their stored bytes.
   * @throws SQ2014 for strings, complex and unknown types, SQ2015 above 2 GiB, and what `raw` throws
   */
  async read(tensor: TensorProto, signal?: AbortSignal): Promise<NumericData> {
    const elements = this.elements(tensor);
    const type = elementType(tensor.dataType);
    if (type === undefined || type.bits === 0 || type.bits > 64 || type.name === "complex64")
      throw this.unsupported(tensor);
    const data = await this.raw(tensor);
    if (Math.max(data.byteLength, type.bits < 8 ? elements : 0) > maxReadBytes) {
      throw modelError("tensorTooLarge", `The tensor has ${data.byteLength} bytes`, this.place(tensor));
    }
    const bytes = new Uint8Array(data.byteLength);
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      signal?.throwIfAborted();
      bytes.set(await data.read(at, Math.min(at + pieceBytes, bytes.length), signal), at);
    }
    const typed = toTyped(tensor.dataType, bytes, elements);
    if (typed === undefined) throw this.unsupported(tensor);
    return typed;
  }

  /**
   * Elements `from` up to `from + count` in row-major order, converted to float32 (rounded to nearest). Reads only that
   * range from the file, in pieces of at most 4 MiB; typed integer fields are scanned from the last remembered position.
   * @throws SQ2014 for types that are no real numbers, SQ2015 above 2 GiB, RangeError when the range is outside
   */
  async readFloat32(tensor: TensorProto, from = 0, count?: number, signal?: AbortSignal): Promise<Float32Array> {
    const elements = this.elements(tensor);
    const length = count ?? elements - from;
    if (from < 0 || length < 0 || from + length > elements) {
      throw new RangeError(`elements ${from} to ${from + length} of ${elements} in ${tensor.name}`);
    }
    const type = elementType(tensor.dataType);
    if (type === undefined || !isNumeric(tensor.dataType)) throw this.unsupported(tensor);
    if (length * 4 > maxReadBytes) {
      throw modelError("tensorTooLarge", `${length} elements of the tensor were asked for at once`, this.place(tensor));
    }
    const data = await this.raw(tensor);
    const out = new Float32Array(length);
    const step = Math.floor((pieceBytes * 8) / type.bits);
    const firstByte = (at: number) => Math.floor(((from + at) * type.bits) / 8);
    const piece = (at: number) => {
      const end = Math.min(at + step, length);
      return data.read(firstByte(at), Math.ceil(((from + end) * type.bits) / 8), signal);
    };
    // A piece ahead, so that the disk and this thread work at once; a decoder's positions are of one read at a time.
    const isAhead = data.place !== undefined;
    let next = isAhead && length > 0 ? piece(0) : undefined;
    try {
      for (let at = 0; at < length; at += step) {
        signal?.throwIfAborted();
        const bytes = await (next ?? piece(at));
        next = isAhead && at + step < length ? piece(at + step) : undefined;
        const skip = from + at - Math.floor((firstByte(at) * 8) / type.bits);
        toFloat32(tensor.dataType, bytes, skip, out.subarray(at, Math.min(at + step, length)));
      }
    } finally {
      // One that is not waited for any more must not be an error that nobody takes; and its file may be closed after this.
      await next?.catch(() => {});
    }
    return out;
  }

  /**
   * Gives a tensor its data: raw, little-endian, packed for 4- and 2-bit types. They replace whatever it had. The bytes
   * are kept, not copied.
   * @throws SQ2019 when the length does not fit the dimensions
   */
  set(tensor: TensorProto, bytes: Uint8Array): void {
    const expected = rawBytesOf(tensor, this.file);
    if (expected !== undefined && bytes.length !== expected) {
      const shape = `${elementTypeName(tensor.dataType)} [${tensor.dims.join(", ")}]`;
      throw modelError(
        "payloadMismatch",
        `${bytes.length} bytes were given for ${shape}, which needs ${expected}`,
        this.place(tensor),
      );
    }
    clearData(tensor);
    this.located.delete(tensor);
    if (bytes.length <= maxInlinePayload) {
      tensor.rawData = new Uint8Array(bytes);
      this.payloads.delete(tensor);
    } else {
      this.payloads.set(tensor, { kind: "memory", bytes });
    }
  }

  /** Lets a copy of a tensor's message have the same data. */
  share(from: TensorProto, to: TensorProto): void {
    const payload = this.payloads.get(from);
    if (payload) this.payloads.set(to, payload);
    const located = this.located.get(from);
    if (located) this.located.set(to, located);
  }

  /** The data outside the message, if any; for writing. */
  payload(tensor: TensorProto): Payload | undefined {
    return this.payloads.get(tensor);
  }

  /**
   * The data as raw_data would hold them, wherever they are; for reading and copying in pieces.
   * @throws SQ2004 when their length does not fit the dimensions, SQ2010 to SQ2013 for external data, SQ2017 without any
   */
  async raw(tensor: TensorProto): Promise<RawData> {
    const payload = this.payloads.get(tensor);
    // Only what is outside the message is remembered (a decoder's positions, an open file), and only while it fits.
    if (!payload && !isExternal(tensor)) return locate(tensor, payload, this.files, this.file);
    const entries = tensor.externalData.map((entry) => `${entry.key}=${entry.value}`).join();
    const key = `${tensor.dataType}[${tensor.dims.join()}]${tensor.dataLocation}${entries}`;
    const known = this.located.get(tensor);
    if (known?.key === key) return known.data;
    const data = await locate(tensor, payload, this.files, this.file);
    this.located.set(tensor, { key, data });
    return data;
  }

  /** The place of data that are still in a file, as a text that changes with it; undefined for data in memory. */
  fingerprint(tensor: TensorProto): string | undefined {
    const payload = this.payloads.get(tensor);
    if (payload?.kind === "memory") return undefined;
    if (isExternal(tensor)) {
      const { location, offset, length } = externalPlace(tensor, this.file);
      return `${location}:${offset}:${length ?? this.byteLength(tensor)}`;
    }
    if (!payload) return undefined;
    return payload.runs.map((run) => `${payload.file ?? ""}:${run.field}:${run.at}:${run.length}`).join();
  }

  private unsupported(tensor: TensorProto) {
    return modelError(
      "unsupportedElements",
      `${elementTypeName(tensor.dataType)} has no numbers to read`,
      this.place(tensor),
    );
  }

  private place(tensor: TensorProto) {
    return { ...(this.file !== undefined && { file: this.file }), item: tensor.name };
  }
}

/** Takes all data, and their external place, out of a tensor's message. */
export function clearData(tensor: TensorProto): void {
  tensor.floatData = [];
  tensor.int32Data = [];
  tensor.stringData = [];
  tensor.int64Data = [];
  tensor.doubleData = [];
  tensor.uint64Data = [];
  tensor.externalData = [];
  // Fields with presence: without the own property they are absent.
  Reflect.deleteProperty(tensor, "rawData");
  Reflect.deleteProperty(tensor, "dataLocation");
}
