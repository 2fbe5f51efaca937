import { create } from "@bufbuild/protobuf";
import { AttributeProtoSchema, TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import {
  attribute,
  findAttribute,
  floatAttribute,
  floatsAttribute,
  intAttribute,
  intsAttribute,
  node,
  setAttribute,
  stringAttribute,
  stringsAttribute,
  tensor,
  tensorAttribute,
  valueInfo,
} from "../../../src/core/onnx/build.ts";
import { TensorStore } from "../../../src/core/onnx/tensors.ts";
import { refusal } from "../../support/onnx/errors.ts";

const store = new TensorStore();

async function values(
  dataType: number,
  dims: readonly number[],
  data: Parameters<typeof tensor>[4],
): Promise<unknown[]> {
  return [...(await store.read(tensor(store, "t", dataType, dims, data)))];
}

describe("tensor", () => {
  it("holds the values of a typed array, small and large", async () => {
    for (const count of [3, 1000]) {
      const data = Float32Array.from({ length: count }, (_, i) => i - 1.5);
      expect(await values(T.FLOAT, [count], data)).toEqual(Array.from(data));
    }
    expect(await values(T.INT64, [2], BigInt64Array.of(-5n, 2n ** 62n))).toEqual([-5n, 2n ** 62n]);
    expect(await values(T.FLOAT16, [], Uint16Array.of(0x3c00))).toEqual([0x3c00]);
  });

  it("takes a part of a larger buffer", async () => {
    const whole = Float32Array.of(1, 2, 3, 4);
    expect(await values(T.FLOAT, [2], whole.subarray(1, 3))).toEqual([2, 3]);
  });

  it("packs 4- and 2-bit elements, the first in the lowest bits", async () => {
    const packed = tensor(store, "t", T.INT4, [3], Int8Array.of(-8, 7, -1));
    expect(Array.from(packed.rawData)).toEqual([0x78, 0x0f]);
    expect(await values(T.INT4, [3], Int8Array.of(-8, 7, -1))).toEqual([-8, 7, -1]);
    expect(await values(T.UINT4, [2, 2], Uint8Array.of(1, 15, 0, 9))).toEqual([1, 15, 0, 9]);
    expect(await values(T.INT2, [5], Int8Array.of(-2, 1, 0, -1, 1))).toEqual([-2, 1, 0, -1, 1]);
    expect(await values(T.UINT2, [4], Uint8Array.of(3, 2, 1, 0))).toEqual([3, 2, 1, 0]);
  });

  it("packs any number of elements into the fewest bytes", async () => {
    const two = tensor(store, "t", T.INT2, [5], Int8Array.of(-2, -1, 0, 1, -1));
    expect(Array.from(two.rawData)).toEqual([0b01_00_11_10, 0b11]);
    const four = tensor(store, "t", T.INT4, [4], Int8Array.of(1, -2, -8, 7));
    expect(Array.from(four.rawData)).toEqual([0xe1, 0x78]);
  });

  it("packs a single element, of which only its own bits are kept", async () => {
    expect(tensor(store, "t", T.INT4, [1], Int8Array.of(-1)).rawData).toEqual(Uint8Array.of(0x0f));
    expect(await values(T.INT2, [], Int8Array.of(-2))).toEqual([-2]);
  });

  it("takes packed bytes as they are", async () => {
    expect(await values(T.INT4, [4], Uint8Array.of(0x78, 0x0f))).toEqual([-8, 7, -1, 0]);
  });

  it("refuses data that do not fit the dimensions", async () => {
    for (const [type, dims, data] of [
      [T.FLOAT, [3], Float32Array.of(1, 2)],
      [T.INT4, [5], Int8Array.of(1, 2)],
      [T.FLOAT, [0], Float32Array.of(1)],
    ] as const) {
      const error = await refusal((async () => tensor(store, "t", type, dims, data))());
      expect(error.code).toBe("SQ2019");
    }
  });
});

describe("attributes", () => {
  const all = node("Op", [], [], {
    attributes: [
      attribute.int("i", -3),
      attribute.ints("ints", [1, 2n ** 40n]),
      attribute.float("f", 0.1),
      attribute.floats("fs", [0.1, 2]),
      attribute.string("s", "é"),
      attribute.strings("ss", ["a", ""]),
      attribute.tensor("t", tensor(store, "t", T.INT8, [1], Int8Array.of(1))),
      create(AttributeProtoSchema, { name: "ref", refAttrName: "parameter" }),
    ],
  });

  it("give back what they were made of; floats as the file holds them", () => {
    expect(intAttribute(all, "i", 0)).toBe(-3);
    expect(intsAttribute(all, "ints")).toEqual([1, 2 ** 40]);
    expect(floatAttribute(all, "f", 0)).toBe(Math.fround(0.1));
    expect(floatsAttribute(all, "fs")).toEqual([Math.fround(0.1), 2]);
    expect(stringAttribute(all, "s", "")).toBe("é");
    expect(stringsAttribute(all, "ss")).toEqual(["a", ""]);
    expect(tensorAttribute(all, "t")?.name).toBe("t");
  });

  it("that are missing, or a function's parameter, are the fallback", () => {
    for (const name of ["none", "ref"]) {
      expect(intAttribute(all, name, 7)).toBe(7);
      expect(floatAttribute(all, name, 7)).toBe(7);
      expect(stringAttribute(all, name, "x")).toBe("x");
      expect(intsAttribute(all, name)).toBeUndefined();
      expect(floatsAttribute(all, name)).toBeUndefined();
      expect(stringsAttribute(all, name)).toBeUndefined();
    }
  });

  it("replace one of the same name", () => {
    const changed = node("Op", ["x", ""], ["y"], { name: "n", domain: "d", attributes: [attribute.int("a", 1)] });
    setAttribute(changed, attribute.int("a", 2));
    setAttribute(changed, attribute.int("b", 3));
    expect(changed.attribute.map((a) => [a.name, a.i])).toEqual([
      ["a", 2n],
      ["b", 3n],
    ]);
    expect(findAttribute(changed, "c")).toBeUndefined();
  });
});

describe("valueInfo", () => {
  it("declares fixed, named and open dimensions, or none", () => {
    const type = valueInfo("x", T.FLOAT, [2, "batch", null]).type?.value;
    const dims = type?.case === "tensorType" ? type.value.shape?.dim.map((d) => d.value.value) : [];
    expect(dims).toEqual([2n, "batch", undefined]);
    const unknown = valueInfo("x", T.FLOAT).type?.value;
    expect(unknown?.case === "tensorType" && unknown.value.shape).toBeUndefined();
  });
});
