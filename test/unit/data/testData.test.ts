import { create, toBinary } from "@bufbuild/protobuf";
import { TensorProto_DataType as T, type TensorProto, TensorProto_DataLocation, TensorProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { readTensorProto } from "../../../src/core/data/tensorProto.ts";
import { openTestData } from "../../../src/core/data/testData.ts";
import type { TensorData, ValueInfo } from "../../../src/core/ports.ts";
import { bytesOf, failure, input, tensor } from "./support.ts";

type Fields = Partial<Omit<TensorProto, "$typeName" | "$unknown" | "segment">>;

const pb = (fields: Fields) => toBinary(TensorProtoSchema, create(TensorProtoSchema, fields));
const read = (fields: Fields) => readTensorProto(pb(fields), { file: "input_0.pb" });

describe("a tensor in a .pb file", () => {
  const cases: readonly (readonly [string, T, Fields, Exclude<TensorData, readonly string[]>])[] = [
    ["float32", T.FLOAT, { floatData: [1.5, -2] }, Float32Array.of(1.5, -2)],
    ["float64", T.DOUBLE, { doubleData: [0.1, 2] }, Float64Array.of(0.1, 2)],
    ["int64", T.INT64, { int64Data: [-1n, 2n ** 40n] }, BigInt64Array.of(-1n, 2n ** 40n)],
    ["uint64", T.UINT64, { uint64Data: [1n, 2n ** 63n] }, BigUint64Array.of(1n, 2n ** 63n)],
    ["uint32", T.UINT32, { uint64Data: [1n, 2n ** 32n - 1n] }, Uint32Array.of(1, 2 ** 32 - 1)],
    ["int32", T.INT32, { int32Data: [-1, 7] }, Int32Array.of(-1, 7)],
    ["int8", T.INT8, { int32Data: [-128, 127] }, Int8Array.of(-128, 127)],
    ["uint8", T.UINT8, { int32Data: [0, 255] }, Uint8Array.of(0, 255)],
    ["int16", T.INT16, { int32Data: [-32768, 1] }, Int16Array.of(-32768, 1)],
    ["uint16", T.UINT16, { int32Data: [65535, 1] }, Uint16Array.of(65535, 1)],
    ["float16", T.FLOAT16, { int32Data: [0x3c00, 0xc000] }, Uint16Array.of(0x3c00, 0xc000)],
    ["bool", T.BOOL, { int32Data: [1, 0] }, Uint8Array.of(1, 0)],
  ];

  it.each(cases)("of %s is read from its typed field and from raw bytes", (type, dataType, typed, data) => {
    const wanted = { name: "x", tensor: tensor(type as ValueInfo["type"] as "bool", [2], data) };
    expect(read({ name: "x", dataType, dims: [2n], ...typed })).toEqual(wanted);
    expect(read({ name: "x", dataType, dims: [2n], rawData: bytesOf(data).slice() })).toEqual(wanted);
  });

  it("of text is read", () => {
    const stringData = ["ä", "b"].map((text) => new TextEncoder().encode(text));
    expect(read({ dataType: T.STRING, dims: [2n], stringData }).tensor.data).toEqual(["ä", "b"]);
  });

  it("can have no axis and no element", () => {
    expect(read({ dataType: T.FLOAT, floatData: [3] }).tensor).toEqual(tensor("float32", [], Float32Array.of(3)));
    expect(read({ dataType: T.FLOAT, dims: [0n, 4n] }).tensor.data).toEqual(new Float32Array(0));
  });

  it.each<readonly [string, Fields]>([
    ["fewer values than its shape", { dataType: T.FLOAT, dims: [3n], floatData: [1] }],
    ["more bytes than its shape", { dataType: T.FLOAT, dims: [1n], rawData: new Uint8Array(8) }],
    ["bytes that are no whole number of values", { dataType: T.FLOAT, dims: [1n], rawData: new Uint8Array(5) }],
    ["a shape that no memory holds", { dataType: T.FLOAT, dims: [2n ** 40n, 2n ** 40n], floatData: [1] }],
    ["a negative axis", { dataType: T.FLOAT, dims: [-1n], floatData: [1] }],
    ["17 axes", { dataType: T.FLOAT, dims: new Array<bigint>(17).fill(1n), floatData: [1] }],
    ["no type", { dims: [1n], floatData: [1] }],
    ["a type that has no numbers here", { dataType: T.BFLOAT16, dims: [1n], int32Data: [1] }],
    ["its values elsewhere", { dataType: T.FLOAT, dims: [1n], dataLocation: TensorProto_DataLocation.EXTERNAL }],
  ])("with %s is SQ4041", async (_, fields) => {
    const error = await failure(() => read(fields));
    expect(error.code).toBe("SQ4041");
    expect(error.place.file).toBe("input_0.pb");
  });

  it("that is no tensor is SQ4041", async () => {
    for (const bytes of [Uint8Array.of(0xff, 0xff), new TextEncoder().encode("hello"), new Uint8Array(0)]) {
      expect((await failure(() => readTensorProto(bytes, {}))).code).toBe("SQ4041");
    }
  });
});

describe("ONNX test data as a set", () => {
  const named = (data: Float32Array, dims: readonly number[], name = "") => ({
    name,
    tensor: tensor("float32", dims, data),
  });
  const options = { name: "folder", hash: "h" };

  it("joins runs of one batch each, so that they can run together", async () => {
    const sets = [0, 1, 2].map((run) => ({ name: `${run}`, inputs: [named(Float32Array.of(run, run + 10), [1, 2])] }));
    const set = await openTestData(sets, [input(["n", 2])], options);
    expect(set.samples).toBe(3);
    expect((await set.batch(1, 2)).feeds.input).toEqual(tensor("float32", [2, 2], Float32Array.of(1, 11, 2, 12)));
  });

  it("keeps runs of different shapes apart", async () => {
    const sets = [
      { name: "0", inputs: [named(Float32Array.of(1, 2, 3), [1, 3])] },
      { name: "1", inputs: [named(Float32Array.of(4, 5, 6, 7), [2, 2])] },
    ];
    const set = await openTestData(sets, [input(["n", "length"])], options);
    expect(set.samples).toBe(2);
    expect((await set.batch(0, 8)).feeds.input).toEqual(tensor("float32", [1, 3], Float32Array.of(1, 2, 3)));
    expect((await set.batch(1, 8)).feeds.input).toEqual(tensor("float32", [2, 2], Float32Array.of(4, 5, 6, 7)));
    const second = set.pick(Uint32Array.of(1), "second");
    expect((await second.batch(0, 1)).feeds.input?.dims).toEqual([2, 2]);
    expect(second.hash).not.toBe(set.hash);
    expect((await failure(() => set.batch(2, 1))).code).toBe("SQ4036");
  });

  it("runs a batch of several samples as the model takes it", async () => {
    const sets = [{ name: "0", inputs: [named(Float32Array.of(1, 2, 3, 4), [4, 1])] }];
    const fixed = await openTestData(sets, [input([4, 1])], options);
    expect(await fixed.batch(0, 1)).toMatchObject({ samples: 4, feeds: { input: { dims: [4, 1] } } });
    const open = await openTestData(sets, [input([null, 1])], options);
    expect((await open.batch(0, 1)).feeds.input?.dims).toEqual([4, 1]);
  });

  it("takes tensors by their names where they have the inputs', else in order", async () => {
    const inputs = [input([null, 1], "float32", "a"), input([null, 1], "float32", "b")];
    const one = Float32Array.of(1);
    const two = Float32Array.of(2);
    const byName = [{ name: "0", inputs: [named(two, [1, 1], "b"), named(one, [1, 1], "a")] }];
    expect((await (await openTestData(byName, inputs, options)).batch(0, 1)).feeds.a?.data).toEqual(one);
    const byOrder = [{ name: "0", inputs: [named(two, [1, 1]), named(one, [1, 1])] }];
    expect((await (await openTestData(byOrder, inputs, options)).batch(0, 1)).feeds.a?.data).toEqual(two);
  });

  it("has a tensor for every input, or says which files are missing", async () => {
    const inputs = [input([null, 1], "float32", "a"), input([null, 1], "float32", "b")];
    const sets = [{ name: "0", inputs: [named(Float32Array.of(1), [1, 1])] }];
    const error = await failure(() => openTestData(sets, inputs, options));
    expect(error.code).toBe("SQ4040");
    expect(error.remedy).toContain("input_1.pb for b");
    expect((await failure(() => openTestData([], inputs, options))).code).toBe("SQ4040");
  });

  it("has to suit the model", async () => {
    const sets = [{ name: "0", inputs: [named(Float32Array.of(1, 2), [1, 2])] }];
    expect((await failure(() => openTestData(sets, [input([null, 3])], options))).code).toBe("SQ4031");
  });
});
