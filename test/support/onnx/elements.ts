import { TensorProto_DataType as T } from "onnx-buf";
import * as wire from "./encode.ts";
import { tensorField } from "./encode.ts";

/** How one element type is stored, and what values are read from it. Values repeat to any length. */
export interface ElementCase {
  readonly name: string;
  readonly type: number;
  /** raw_data of `count` elements. */
  readonly raw: (count: number) => Uint8Array;
  readonly field: number;
  /** Values of the typed field for `count` elements, each encoded alone, without its tag. */
  readonly entries: (count: number) => readonly Uint8Array[];
  /** Wire type of one value of the typed field. */
  readonly wireType: 0 | 1 | 5;
  /** What `read` gives; bigint for 64-bit integers. */
  readonly native: readonly (number | bigint)[];
  /** What `readFloat32` gives; undefined for types without numbers. */
  readonly floats?: readonly number[];
}

function cycle<V>(values: readonly V[], count: number): V[] {
  return Array.from({ length: count }, (_, i) => values[i % values.length] as V);
}

interface Simple {
  readonly name: string;
  readonly type: number;
  readonly field: number;
  /** Bytes of one element in raw_data. */
  readonly width: number;
  /** Stored patterns as raw_data has them: unsigned, little-endian. */
  readonly patterns: readonly bigint[];
  readonly native: readonly (number | bigint)[];
  readonly floats?: readonly number[];
  /** How a pattern is written as a varint of the typed field; patterns as they are without it. */
  readonly varint?: (pattern: bigint) => bigint;
}

function little(pattern: bigint, width: number): Uint8Array {
  return Uint8Array.from({ length: width }, (_, i) => Number((pattern >> BigInt(8 * i)) & 0xffn));
}

function simple(given: Simple): ElementCase {
  const { name, type, field, width, patterns, native, floats, varint = (p: bigint) => p } = given;
  const fixed = field === tensorField.floatData || field === tensorField.doubleData;
  return {
    name,
    type,
    field,
    wireType: fixed ? (width === 4 ? 5 : 1) : 0,
    raw: (count) => wire.join(...cycle(patterns, count).map((p) => little(p, width))),
    entries: (count) =>
      cycle(patterns, count).map((p) => (fixed ? little(p, width) : Uint8Array.from(wire.varint(varint(p))))),
    native,
    ...(floats && { floats }),
  };
}

/** Integers below a byte: several elements share a byte and an entry, the first in the lowest bits. */
function packed(name: string, type: number, bits: 2 | 4, native: readonly number[]): ElementCase {
  const raw = (count: number) => {
    const out = new Uint8Array(Math.ceil((count * bits) / 8));
    for (const [i, value] of cycle(native, count).entries()) {
      const at = Math.floor((i * bits) / 8);
      out[at] = (out[at] as number) | ((value & (2 ** bits - 1)) << ((i * bits) % 8));
    }
    return out;
  };
  return {
    name,
    type,
    field: tensorField.int32Data,
    wireType: 0,
    raw,
    entries: (count) => Array.from(raw(count), (byte) => Uint8Array.from(wire.varint(byte))),
    native,
    floats: native,
  };
}

/** Negative numbers of int32_data take ten bytes: they are extended to 64 bits. */
const signed = (bits: number) => (pattern: bigint) => BigInt.asIntN(bits, pattern);

const { floatData, doubleData, int32Data, int64Data, uint64Data } = tensorField;
const float8 = { field: int32Data, width: 1, patterns: [0x00n, 0x3cn, 0xffn], native: [0, 0x3c, 0xff] };

/** Values as their patterns: IEEE 754, two's complement. */
export const elementCases: readonly ElementCase[] = [
  simple({
    name: "float32",
    type: T.FLOAT,
    field: floatData,
    width: 4,
    patterns: [0n, 0x3f800000n, 0xc0200000n, 0x7f800000n, 0x00000001n],
    native: [0, 1, -2.5, Number.POSITIVE_INFINITY, 2 ** -149],
    floats: [0, 1, -2.5, Number.POSITIVE_INFINITY, 2 ** -149],
  }),
  simple({
    name: "float64",
    type: T.DOUBLE,
    field: doubleData,
    width: 8,
    // 0.1 is not a float32: it is rounded to the nearest.
    patterns: [0x3fb999999999999an, 0xc004000000000000n, 0x7ff0000000000000n],
    native: [0.1, -2.5, Number.POSITIVE_INFINITY],
    floats: [Math.fround(0.1), -2.5, Number.POSITIVE_INFINITY],
  }),
  simple({
    name: "float16",
    type: T.FLOAT16,
    field: int32Data,
    width: 2,
    patterns: [0x3c00n, 0xc100n, 0x7bffn, 0x0001n, 0xfc00n, 0x8000n],
    native: [0x3c00, 0xc100, 0x7bff, 0x0001, 0xfc00, 0x8000],
    floats: [1, -2.5, 65504, 2 ** -24, Number.NEGATIVE_INFINITY, -0],
  }),
  simple({
    name: "bfloat16",
    type: T.BFLOAT16,
    field: int32Data,
    width: 2,
    patterns: [0x3f80n, 0xc020n, 0x7f7fn, 0x0001n],
    native: [0x3f80, 0xc020, 0x7f7f, 0x0001],
    floats: [1, -2.5, (2 - 2 ** -7) * 2 ** 127, 2 ** -133],
  }),
  simple({
    name: "int8",
    type: T.INT8,
    field: int32Data,
    width: 1,
    patterns: [0x80n, 0xffn, 0n, 0x7fn],
    native: [-128, -1, 0, 127],
    floats: [-128, -1, 0, 127],
    varint: signed(8),
  }),
  simple({
    name: "uint8",
    type: T.UINT8,
    field: int32Data,
    width: 1,
    patterns: [0n, 0x80n, 0xffn],
    native: [0, 128, 255],
    floats: [0, 128, 255],
  }),
  simple({
    name: "int16",
    type: T.INT16,
    field: int32Data,
    width: 2,
    patterns: [0x8000n, 0xffffn, 0x7fffn],
    native: [-32768, -1, 32767],
    floats: [-32768, -1, 32767],
    varint: signed(16),
  }),
  simple({
    name: "uint16",
    type: T.UINT16,
    field: int32Data,
    width: 2,
    patterns: [0x8000n, 0xffffn, 1n],
    native: [32768, 65535, 1],
    floats: [32768, 65535, 1],
  }),
  simple({
    name: "int32",
    type: T.INT32,
    field: int32Data,
    width: 4,
    patterns: [0x80000000n, 0xffffffffn, 0x7fffffffn, 16777217n],
    native: [-(2 ** 31), -1, 2 ** 31 - 1, 16777217],
    floats: [-(2 ** 31), -1, 2 ** 31, 16777216],
    varint: signed(32),
  }),
  simple({
    name: "uint32",
    type: T.UINT32,
    field: uint64Data,
    width: 4,
    patterns: [0x80000000n, 0xffffffffn, 3n],
    native: [2 ** 31, 2 ** 32 - 1, 3],
    floats: [2 ** 31, 2 ** 32, 3],
  }),
  simple({
    name: "int64",
    type: T.INT64,
    field: int64Data,
    width: 8,
    patterns: [1n << 63n, (1n << 64n) - 1n, (1n << 63n) - 1n, 0x1_0000_0001n],
    native: [-(2n ** 63n), -1n, 2n ** 63n - 1n, 2n ** 32n + 1n],
    floats: [-(2 ** 63), -1, 2 ** 63, 2 ** 32],
  }),
  simple({
    name: "uint64",
    type: T.UINT64,
    field: uint64Data,
    width: 8,
    patterns: [1n << 63n, (1n << 64n) - 1n, 5n],
    native: [2n ** 63n, 2n ** 64n - 1n, 5n],
    floats: [2 ** 63, 2 ** 64, 5],
  }),
  simple({
    name: "bool",
    type: T.BOOL,
    field: int32Data,
    width: 1,
    patterns: [1n, 0n, 1n],
    native: [1, 0, 1],
    floats: [1, 0, 1],
  }),
  packed("int4", T.INT4, 4, [-8, 7, -1, 0, 3]),
  packed("uint4", T.UINT4, 4, [0, 15, 8, 7, 1]),
  packed("int2", T.INT2, 2, [-2, 1, -1, 0, 1]),
  packed("uint2", T.UINT2, 2, [0, 3, 2, 1, 3]),
  simple({ ...float8, name: "float8e4m3fn", type: T.FLOAT8E4M3FN }),
  simple({ ...float8, name: "float8e4m3fnuz", type: T.FLOAT8E4M3FNUZ }),
  simple({ ...float8, name: "float8e5m2", type: T.FLOAT8E5M2 }),
  simple({ ...float8, name: "float8e5m2fnuz", type: T.FLOAT8E5M2FNUZ }),
  simple({ ...float8, name: "float8e8m0", type: T.FLOAT8E8M0 }),
];

export function repeated(values: readonly (number | bigint)[], count: number): (number | bigint)[] {
  return cycle(values, count);
}
