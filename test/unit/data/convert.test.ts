import { describe, expect, it } from "vitest";
import { castData, convertRows } from "../../../src/core/data/convert.ts";
import { concatRows, sliceRows } from "../../../src/core/data/elements.ts";
import { halfToNumber, numberToHalf } from "../../../src/core/data/half.ts";
import { failure, tensor } from "./support.ts";

const place = { file: "set.npz", item: "input" };

describe("half precision", () => {
  it("survives the way to numbers and back, every one of its 65,536 patterns", () => {
    for (let pattern = 0; pattern < 65_536; pattern++) {
      const value = halfToNumber(pattern);
      if (Number.isNaN(value)) expect(Number.isNaN(halfToNumber(numberToHalf(value)))).toBe(true);
      else expect(numberToHalf(value)).toBe(pattern);
    }
  });

  it.each([
    [1, 0x3c00],
    [-2, 0xc000],
    [65_504, 0x7bff],
    [65_519, 0x7bff],
    [65_520, 0x7c00],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.0001, 0x0001],
    [2 ** -14 * (1 - 2 ** -11), 0x0400],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [Number.NEGATIVE_INFINITY, 0xfc00],
  ])("rounds %d to nearest, ties to even", (value, pattern) => expect(numberToHalf(value)).toBe(pattern));
});

describe("numbers in another type", () => {
  it("are the same between integers where they fit, and an error where they don't", async () => {
    expect(castData(Uint8Array.of(0, 200), "uint8", "int64", place)).toEqual(BigInt64Array.of(0n, 200n));
    expect(castData(BigInt64Array.of(-3n, 7n), "int64", "int32", place)).toEqual(Int32Array.of(-3, 7));
    const error = await failure(() => castData(Uint8Array.of(0, 200), "uint8", "int8", place));
    expect(error.code).toBe("SQ4032");
    expect(error.message).toContain("200");
    expect((await failure(() => castData(Int8Array.of(-1), "int8", "uint64", place))).code).toBe("SQ4032");
    expect((await failure(() => castData(BigUint64Array.of(2n ** 63n), "uint64", "int64", place))).code).toBe("SQ4032");
  });

  it("are rounded between floats", () => {
    expect(castData(Float64Array.of(0.1), "float64", "float32", place)).toEqual(Float32Array.of(0.1));
    expect(castData(Float32Array.of(1, 0.5), "float32", "float16", place)).toEqual(Uint16Array.of(0x3c00, 0x3800));
    expect(castData(Uint16Array.of(0x3c00), "float16", "float64", place)).toEqual(Float64Array.of(1));
    expect(castData(BigInt64Array.of(-5n), "int64", "float32", place)).toEqual(Float32Array.of(-5));
  });

  it("become 0 and 1 as booleans", () => {
    expect(castData(Uint8Array.of(0, 255, 3), "uint8", "bool", place)).toEqual(Uint8Array.of(0, 1, 1));
  });
});

describe("rows as a model's input", () => {
  const preprocess = { scale: 1 / 255, mean: [0.5, 0.25], std: [0.5, 2], layout: "NCHW" as const };
  const expected = (value: number, channel: number) =>
    channel === 0 ? (value / 255 - 0.5) / 0.5 : (value / 255 - 0.25) / 2;

  it("are normalized by channel: (x * scale - mean) / std", () => {
    const rows = tensor("uint8", [2, 2, 1, 2], Uint8Array.of(0, 255, 10, 20, 1, 2, 3, 4));
    const channels = { axis: "first", move: false } as const;
    const result = convertRows(rows, { type: "float32", normalize: preprocess, channels, rowDims: [2, 1, 2] }, place);
    expect(result.dims).toEqual([2, 2, 1, 2]);
    const wanted = [0, 255, 10, 20, 1, 2, 3, 4].map((value, index) => expected(value, Math.floor(index / 2) % 2));
    expect(result.data).toEqual(Float32Array.from(wanted));
  });

  it("have their channels moved from last to first, each normalized with its own numbers", () => {
    // Two pixels of two channels: (1, 2), (3, 4).
    const rows = tensor("uint8", [1, 1, 2, 2], Uint8Array.of(1, 2, 3, 4));
    const conversion = { type: "float32", channels: { axis: "last", move: true }, rowDims: [2, 1, 2] } as const;
    expect(convertRows(rows, conversion, place)).toEqual(tensor("float32", [1, 2, 1, 2], Float32Array.of(1, 3, 2, 4)));
    const scaled = convertRows(rows, { ...conversion, normalize: { ...preprocess, layout: "NHWC" } }, place);
    const wanted = [expected(1, 0), expected(3, 0), expected(2, 1), expected(4, 1)];
    expect(scaled.data).toEqual(Float32Array.from(wanted));
  });

  it("have their channels moved from first to last, and normalized where they end up", () => {
    const rows = tensor("int16", [1, 2, 1, 2], Int16Array.of(1, 2, 300, 400));
    const conversion = { type: "float64", channels: { axis: "first", move: true }, rowDims: [1, 2, 2] } as const;
    expect(convertRows(rows, conversion, place).data).toEqual(Float64Array.of(1, 300, 2, 400));
    const scaled = convertRows(rows, { ...conversion, normalize: preprocess }, place);
    expect(scaled.data).toEqual(Float64Array.of(expected(1, 0), expected(300, 1), expected(2, 0), expected(400, 1)));
  });

  it("can be halves", () => {
    const rows = tensor("uint8", [1, 1, 1, 2], Uint8Array.of(0, 255));
    const normalize = { scale: 1 / 255, mean: [0], std: [0.5], layout: "NCHW" as const };
    const channels = { axis: "first", move: false } as const;
    const result = convertRows(rows, { type: "float16", normalize, channels, rowDims: [1, 1, 2] }, place);
    expect(result.data).toEqual(Uint16Array.of(0, 0x4000));
  });

  it("do not change the array they come from", () => {
    const data = Uint8Array.of(1, 2, 3, 4);
    const channels = { axis: "last", move: true } as const;
    convertRows(tensor("uint8", [1, 1, 2, 2], data), { type: "uint8", channels, rowDims: [2, 1, 2] }, place);
    expect(data).toEqual(Uint8Array.of(1, 2, 3, 4));
  });
});

describe("rows", () => {
  it("are sliced and joined along axis 0, text too", () => {
    const numbers = tensor("int32", [3, 2], Int32Array.of(1, 2, 3, 4, 5, 6));
    expect(concatRows([sliceRows(numbers, 2, 1), sliceRows(numbers, 0, 2)])).toEqual(
      tensor("int32", [3, 2], Int32Array.of(5, 6, 1, 2, 3, 4)),
    );
    const texts = tensor("string", [2], ["a", "b"]);
    expect(concatRows([sliceRows(texts, 1, 1), texts]).data).toEqual(["b", "a", "b"]);
  });
});
