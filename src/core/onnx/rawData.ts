import type { TensorProto } from "onnx-buf";
import type { ByteSource } from "../ports.ts";
import { rawBytesOf } from "./dims.ts";
import { elementType, elementTypeName, fieldWidth } from "./elementTypes.ts";
import { modelError } from "./errors.ts";
import { type ExternalFiles, externalPlace, isExternal } from "./external.ts";
import { FieldReader } from "./fieldReader.ts";
import { dataFields, type Payload, rawRun } from "./payload.ts";
import { placeOf, readExactly } from "./window.ts";

/** A tensor's data as raw_data would hold them, wherever they are. */
export interface RawData {
  readonly byteLength: number;
  /** Bytes `from` up to `to`. The result may be a view of the tensor's own memory: not to be written to. */
  read(from: number, to: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** For data that lie in one piece in a file. */
  readonly place?: { readonly source: ByteSource; readonly at: number; readonly name: string };
}

/**
 * Finds a tensor's data: given in memory, external, raw_data, or a typed field, in this order (as ONNX Runtime does).
 * @throws SQ2004 when their length does not fit the dimensions, SQ2011 to SQ2013 for external data, SQ2017 without any
 */
export async function locate(
  tensor: TensorProto,
  payload: Payload | undefined,
  files: ExternalFiles,
  file: string | undefined,
): Promise<RawData> {
  const expected = rawBytesOf(tensor, file);
  if (payload?.kind === "memory") return inMemory(tensor, payload.bytes, expected, file);
  if (isExternal(tensor)) return external(tensor, expected, files, file);
  if (payload) return inFile(tensor, payload, expected);
  if (tensor.rawData.length > 0) return inMemory(tensor, tensor.rawData, expected, file);
  const typed = inlineField(tensor);
  return inMemory(tensor, typed, expected, file);
}

function inMemory(
  tensor: TensorProto,
  bytes: Uint8Array,
  expected: number | undefined,
  file: string | undefined,
): RawData {
  checkLength(tensor, bytes.length, expected, file);
  return { byteLength: bytes.length, read: async (from, to) => bytes.subarray(from, to) };
}

async function external(
  tensor: TensorProto,
  expected: number | undefined,
  files: ExternalFiles,
  file: string | undefined,
): Promise<RawData> {
  const { location, offset, length } = externalPlace(tensor, file);
  if (length !== undefined) checkLength(tensor, length, expected, file);
  const source = await files.source(location, tensor.name);
  const byteLength = expected ?? length ?? Math.max(0, source.size - offset);
  if (offset + byteLength > source.size) {
    const message = `The tensor's data end at byte ${offset + byteLength} of a file that has ${source.size}`;
    throw modelError("externalTruncated", message, { file: location, item: tensor.name });
  }
  return {
    byteLength,
    read: (from, to) => readExactly(source, offset + from, to - from, location),
    place: { source, at: offset, name: location },
  };
}

function inFile(tensor: TensorProto, payload: Payload & { kind: "file" }, expected: number | undefined): RawData {
  const { source, file, runs } = payload;
  const raw = rawRun(runs);
  if (raw) {
    checkLength(tensor, raw.length, expected, file, raw.at);
    return {
      byteLength: raw.length,
      read: (from, to) => readExactly(source, raw.at + from, to - from, file),
      place: { source, at: raw.at, name: file ?? "" },
    };
  }
  const type = elementType(tensor.dataType);
  if (type === undefined || expected === undefined) {
    throw modelError("unsupportedElements", `${elementTypeName(tensor.dataType)} has no bytes to read`, {
      item: tensor.name,
    });
  }
  const own = runs.filter((run) => run.field === dataFields[type.field]);
  if (own.length === 0 && expected > 0) throw noData(tensor, file);
  const reader = new FieldReader({
    source,
    runs: own,
    width: fieldWidth[type.field],
    entryBytes: type.entryBytes,
    entries: expected / type.entryBytes,
    tensor: tensor.name,
    ...(file !== undefined && { file }),
  });
  const size = type.entryBytes;
  return {
    byteLength: expected,
    read: async (from, to, signal) => {
      const first = Math.floor(from / size);
      const bytes = await reader.read(first, Math.ceil(to / size), signal);
      return bytes.subarray(from - first * size, to - first * size);
    },
  };
}

/** Typed values held in the message, as raw bytes. */
function inlineField(tensor: TensorProto): Uint8Array {
  const type = elementType(tensor.dataType);
  const bytesOf = (array: { buffer: ArrayBuffer }) => new Uint8Array(array.buffer);
  switch (type?.field) {
    case "floatData":
      return bytesOf(Float32Array.from(tensor.floatData));
    case "doubleData":
      return bytesOf(Float64Array.from(tensor.doubleData));
    case "int64Data":
      return bytesOf(BigInt64Array.from(tensor.int64Data));
    case "uint64Data":
      if (type.entryBytes === 8) return bytesOf(BigUint64Array.from(tensor.uint64Data));
      return bytesOf(Uint32Array.from(tensor.uint64Data, (value) => Number(BigInt.asUintN(32, value))));
    case "int32Data":
      if (type.entryBytes === 1) return Uint8Array.from(tensor.int32Data);
      return bytesOf(type.entryBytes === 2 ? Uint16Array.from(tensor.int32Data) : Int32Array.from(tensor.int32Data));
    case "stringData":
      throw modelError("unsupportedElements", "Numbers were asked of a tensor of strings", { item: tensor.name });
    default:
      return new Uint8Array(0);
  }
}

/** @throws SQ2004 or SQ2017 */
export function checkLength(
  tensor: TensorProto,
  found: number,
  expected: number | undefined,
  file: string | undefined,
  at?: number,
): void {
  if (expected === undefined || found === expected) return;
  if (found === 0) throw noData(tensor, file);
  const type = elementTypeName(tensor.dataType);
  const message = `The tensor has ${found} bytes of data where ${type} [${tensor.dims.join(", ")}] needs ${expected}`;
  const place =
    at === undefined ? { ...(file !== undefined && { file }), item: tensor.name } : placeOf(file, at, tensor.name);
  throw modelError("truncatedTensor", message, place);
}

export function noData(tensor: TensorProto, file: string | undefined) {
  const shape = `${elementTypeName(tensor.dataType)} [${tensor.dims.join(", ")}]`;
  return modelError("noData", `The tensor ${shape} has no data`, {
    ...(file !== undefined && { file }),
    item: tensor.name,
  });
}
