import { TensorProto_DataType as T } from "onnx-buf";
import type { TensorData } from "../ports.ts";

export type NumericData = Exclude<TensorData, readonly string[]>;

/**
 * Raw little-endian data as a typed array of the element type (ONNX runs on little-endian machines alone, and so do
 * typed arrays there). 16-bit floats are their patterns, 4- and 2-bit integers are unpacked, bool is 0 or 1, 8-bit floats
 * and float4 are their bytes as stored.
 * @returns undefined for types without a typed array (string, complex, unknown)
 */
export function toTyped(dataType: number, raw: Uint8Array, elements: number): NumericData | undefined {
  switch (dataType) {
    case T.UINT4:
    case T.UINT2:
      return unpackUnsigned(raw, dataType === T.UINT4 ? 4 : 2, 0, elements);
    case T.INT4:
    case T.INT2:
      return unpackSigned(raw, dataType === T.INT4 ? 4 : 2, 0, elements);
    default: {
      // Fresh memory: aligned for any element type, and the caller's own.
      return view(dataType, fresh(raw));
    }
  }
}

/** A copy of the bytes, also of a Buffer's (whose slice() would be a view). */
function fresh(raw: Uint8Array): ArrayBuffer {
  return new Uint8Array(raw).buffer;
}

function view(dataType: number, buffer: ArrayBuffer): NumericData | undefined {
  switch (dataType) {
    case T.FLOAT:
      return new Float32Array(buffer);
    case T.DOUBLE:
      return new Float64Array(buffer);
    case T.INT8:
      return new Int8Array(buffer);
    case T.UINT8:
    case T.BOOL:
    case T.FLOAT8E4M3FN:
    case T.FLOAT8E4M3FNUZ:
    case T.FLOAT8E5M2:
    case T.FLOAT8E5M2FNUZ:
    case T.FLOAT8E8M0:
    case T.FLOAT4E2M1:
      return new Uint8Array(buffer);
    case T.INT16:
      return new Int16Array(buffer);
    case T.UINT16:
    case T.FLOAT16:
    case T.BFLOAT16:
      return new Uint16Array(buffer);
    case T.INT32:
      return new Int32Array(buffer);
    case T.UINT32:
      return new Uint32Array(buffer);
    case T.INT64:
      return new BigInt64Array(buffer);
    case T.UINT64:
      return new BigUint64Array(buffer);
    default:
      return undefined;
  }
}

/** @param skip elements to leave out at the start of `raw` */
function unpackUnsigned(raw: Uint8Array, bits: 2 | 4, skip: number, elements: number): Uint8Array {
  const out = new Uint8Array(elements);
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  for (let i = 0; i < elements; i++) {
    const at = i + skip;
    out[i] = ((raw[Math.floor(at / perByte)] as number) >>> ((at % perByte) * bits)) & mask;
  }
  return out;
}

function unpackSigned(raw: Uint8Array, bits: 2 | 4, skip: number, elements: number): Int8Array {
  const unsigned = unpackUnsigned(raw, bits, skip, elements);
  const out = new Int8Array(unsigned.buffer);
  const shift = 32 - bits;
  for (let i = 0; i < elements; i++) out[i] = ((out[i] as number) << shift) >> shift;
  return out;
}

/** Packs 4- or 2-bit integers, the first in the lowest bits of a byte (onnx.proto, TensorProto.raw_data). */
export function packBits(values: ArrayLike<number>, bits: 2 | 4): Uint8Array {
  const perByte = 8 / bits;
  const out = new Uint8Array(Math.ceil(values.length / perByte));
  const whole = Math.floor(values.length / perByte);
  if (bits === 4) packPairs(values, whole, out);
  else packFours(values, whole, out);
  const mask = (1 << bits) - 1;
  for (let i = whole * perByte; i < values.length; i++) {
    out[whole] = (out[whole] as number) | (((values[i] as number) & mask) << ((i % perByte) * bits));
  }
  return out;
}

/** Whole bytes of 4-bit integers; a byte at a time is eight times as fast as an integer at a time. */
function packPairs(values: ArrayLike<number>, bytes: number, out: Uint8Array): void {
  for (let at = 0, i = 0; at < bytes; at++, i += 2) {
    out[at] = ((values[i] as number) & 15) | ((values[i + 1] as number) << 4);
  }
}

function packFours(values: ArrayLike<number>, bytes: number, out: Uint8Array): void {
  for (let at = 0, i = 0; at < bytes; at++, i += 4) {
    out[at] =
      ((values[i] as number) & 3) |
      (((values[i + 1] as number) & 3) << 2) |
      (((values[i + 2] as number) & 3) << 4) |
      ((values[i + 3] as number) << 6);
  }
}

/** Types that `toFloat32` converts. */
export function isNumeric(dataType: number): boolean {
  return numeric.has(dataType);
}

const numeric = new Set<number>([
  T.FLOAT,
  T.DOUBLE,
  T.FLOAT16,
  T.BFLOAT16,
  T.BOOL,
  T.INT8,
  T.UINT8,
  T.INT16,
  T.UINT16,
  T.INT32,
  T.UINT32,
  T.INT64,
  T.UINT64,
  T.INT4,
  T.UINT4,
  T.INT2,
  T.UINT2,
]);

/**
 * Converts raw data of any numeric type to float32 into `out`, rounding to nearest.
 * @param skip elements to leave out at the start of `raw` (packed types start on byte boundaries)
 */
export function toFloat32(dataType: number, raw: Uint8Array, skip: number, out: Float32Array): void {
  const elements = out.length;
  switch (dataType) {
    case T.FLOAT:
      new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(raw.subarray(4 * skip, 4 * (skip + elements)));
      return;
    case T.FLOAT16: {
      const patterns = new Uint16Array(fresh(raw));
      const table = halfTable();
      for (let i = 0; i < elements; i++) out[i] = table[patterns[i] as number] as number;
      return;
    }
    case T.BFLOAT16: {
      const patterns = new Uint16Array(fresh(raw));
      const bits = new Uint32Array(out.buffer, out.byteOffset, elements);
      for (let i = 0; i < elements; i++) bits[i] = (patterns[i] as number) << 16;
      return;
    }
    case T.INT64:
    case T.UINT64: {
      const words = new Uint32Array(fresh(raw));
      const signed = dataType === T.INT64;
      for (let i = 0; i < elements; i++) {
        const high = words[2 * i + 1] as number;
        out[i] = (signed ? high | 0 : high) * 2 ** 32 + (words[2 * i] as number);
      }
      return;
    }
    case T.INT4:
    case T.INT2:
      out.set(unpackSigned(raw, dataType === T.INT4 ? 4 : 2, skip, elements));
      return;
    case T.UINT4:
    case T.UINT2:
      out.set(unpackUnsigned(raw, dataType === T.UINT4 ? 4 : 2, skip, elements));
      return;
    default:
      out.set(view(dataType, fresh(raw)) as Exclude<NumericData, BigInt64Array | BigUint64Array>);
  }
}

let halves: Float32Array | undefined;

/** All 65,536 half-precision numbers (IEEE 754 binary16), made on first use: a look-up is the fastest conversion. */
function halfTable(): Float32Array {
  if (halves) return halves;
  halves = new Float32Array(65_536);
  for (let bits = 0; bits < 65_536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >>> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    halves[bits] =
      exponent === 31
        ? fraction
          ? Number.NaN
          : sign * Number.POSITIVE_INFINITY
        : sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
  }
  return halves;
}
