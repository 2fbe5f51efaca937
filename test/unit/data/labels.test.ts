import { describe, expect, it } from "vitest";
import { memoryArray } from "../../../src/core/data/arrays.ts";
import { readLabels } from "../../../src/core/data/labels.ts";
import type { Tensor } from "../../../src/core/ports.ts";
import { failure, tensor } from "./support.ts";

const read = (labels: Tensor) => readLabels(memoryArray(labels), { file: "set.npz", item: "labels" });

describe("labels", () => {
  it.each([
    ["int64 [samples]", tensor("int64", [3], BigInt64Array.of(2n, 0n, 9n))],
    ["uint8 [samples, 1]", tensor("uint8", [3, 1], Uint8Array.of(2, 0, 9))],
    ["float32 of whole numbers", tensor("float32", [3], Float32Array.of(2, 0, 9))],
    ["float16 of whole numbers", tensor("float16", [3], Uint16Array.of(0x4000, 0, 0x4880))],
  ])("of %s are class indices", async (_, labels) => {
    expect(await read(labels)).toEqual(Int32Array.of(2, 0, 9));
  });

  it("that are one-hot become class indices", async () => {
    const rows = Float32Array.of(0, 1, 0, 1, 0, 0, 0, 0, 1);
    expect(await read(tensor("float32", [3, 3], rows))).toEqual(Int32Array.of(1, 0, 2));
  });

  it("of more rows than are read at once are all read", async () => {
    const data = Int32Array.from({ length: 10_000 }, (_, index) => index % 7);
    expect(await read(tensor("int32", [10_000], data))).toEqual(data);
  });

  it.each([
    ["soft labels", tensor("float32", [1, 2], Float32Array.of(0.5, 0.5)), "one-hot"],
    ["two classes at once", tensor("uint8", [1, 2], Uint8Array.of(1, 1)), "one-hot"],
    ["no class at all", tensor("uint8", [1, 2], Uint8Array.of(0, 0)), "one-hot"],
    ["negative indices", tensor("int32", [2], Int32Array.of(0, -1)), "sample 1 is -1"],
    ["fractions", tensor("float32", [1], Float32Array.of(1.5)), "1.5"],
    ["NaN", tensor("float32", [1], Float32Array.of(Number.NaN)), "NaN"],
    ["text", tensor("string", [1], ["cat"]), "string[1]"],
    ["a mask for every pixel", tensor("uint8", [1, 2, 2], Uint8Array.of(0, 0, 0, 0)), "uint8[1, 2, 2]"],
    ["a single number", tensor("int32", [], Int32Array.of(1)), "int32[]"],
  ])("that are %s are refused, with the reason", async (_, labels, said) => {
    const error = await failure(() => read(labels));
    expect(error.code).toBe("SQ4034");
    expect(error.message).toContain(said);
  });
});
