import { copyFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { create } from "@bufbuild/protobuf";
import {
  TensorProto_DataType as T,
  type TensorProto,
  TensorProtoSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { describe, expect, it } from "vitest";
import { attribute, node, valueInfo } from "../../../src/core/onnx/build.ts";
import type { InferenceSession, SessionOptions, Tensor } from "../../../src/core/ports.ts";
import { createOrtInference } from "../../../src/node/ortInference.ts";
import { failure, tensor } from "../../unit/data/support.ts";
import { type ModelParts, modelOf, resnet8, tempFolder } from "./support.ts";

const inference = createOrtInference();

async function open(parts: ModelParts, options: Partial<SessionOptions> = {}): Promise<InferenceSession> {
  return inference.open(modelOf(parts), { optimization: "all", ...options });
}

function constant(name: string, dataType: T, dims: readonly number[], data: ArrayBufferView): TensorProto {
  const rawData = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  return create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt), rawData });
}

const value = (name: string, type: T, dims: readonly (number | string)[]): ValueInfoProto =>
  valueInfo(name, type, dims);

const sequenceOfFloats = create(TypeProtoSchema, {
  value: {
    case: "sequenceType",
    value: { elemType: { value: { case: "tensorType", value: { elemType: T.FLOAT } } } },
  },
});

/** A model that gives back its input. */
const identity = (type: T, dims: readonly (number | string)[], opset = 13): ModelParts => ({
  nodes: [node("Identity", ["x"], ["y"])],
  inputs: [value("x", type, dims)],
  outputs: [value("y", type, dims)],
  opset,
});

describe("values go in and come out as they are", () => {
  it.each<readonly [string, T, Tensor]>([
    ["float32", T.FLOAT, tensor("float32", [2, 1], Float32Array.of(1.5, -0))],
    ["float64", T.DOUBLE, tensor("float64", [1], Float64Array.of(0.1))],
    ["float16 as bit patterns", T.FLOAT16, tensor("float16", [3], Uint16Array.of(0x3c00, 0x8001, 0x7c00))],
    ["int8", T.INT8, tensor("int8", [2], Int8Array.of(-128, 127))],
    ["uint8", T.UINT8, tensor("uint8", [2], Uint8Array.of(0, 255))],
    ["int16", T.INT16, tensor("int16", [2], Int16Array.of(-32768, 1))],
    ["uint16", T.UINT16, tensor("uint16", [2], Uint16Array.of(65535, 1))],
    ["int32", T.INT32, tensor("int32", [2], Int32Array.of(-(2 ** 31), 1))],
    ["uint32", T.UINT32, tensor("uint32", [2], Uint32Array.of(2 ** 32 - 1, 1))],
    ["int64", T.INT64, tensor("int64", [2], BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n))],
    ["uint64", T.UINT64, tensor("uint64", [1], BigUint64Array.of(2n ** 64n - 1n))],
    ["bool", T.BOOL, tensor("bool", [3], Uint8Array.of(1, 0, 1))],
    ["text", T.STRING, tensor("string", [2], ["ä", ""])],
    ["a scalar", T.FLOAT, tensor("float32", [], Float32Array.of(7))],
    ["nothing", T.FLOAT, tensor("float32", [0, 3], new Float32Array(0))],
  ])("%s", async (_, type, given) => {
    const session = await open(identity(type, given.dims));
    expect((await session.run({ x: given })).y).toEqual(given);
    await session.close();
  });

  it("from the middle of a larger array too", async () => {
    const session = await open(identity(T.FLOAT, [2]));
    const part = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    expect((await session.run({ x: tensor("float32", [2], part) })).y?.data).toEqual(Float32Array.of(2, 3));
    await session.close();
  });
});

describe("a session", () => {
  it("tells types and dimensions of inputs and outputs: numbers, names, or nothing", async () => {
    const session = await open({
      nodes: [node("Identity", ["x"], ["y"]), node("NonZero", ["x"], ["z"])],
      inputs: [value("x", T.FLOAT16, ["batch", 3])],
      outputs: [value("y", T.FLOAT16, ["batch", 3]), value("z", T.INT64, [2, ""])],
    });
    expect(session.inputs).toEqual([{ name: "x", type: "float16", dims: ["batch", 3] }]);
    expect(session.outputs).toEqual([
      { name: "y", type: "float16", dims: ["batch", 3] },
      { name: "z", type: "int64", dims: [2, null] },
    ]);
    await session.close();
  });

  it("puts values for named dimensions into the model", async () => {
    const session = await open(identity(T.FLOAT, ["batch", "width"]), { dims: { batch: 2, other: 9 } });
    expect(session.inputs[0]?.dims).toEqual([2, "width"]);
    expect(session.outputs[0]?.dims).toEqual([2, "width"]);
    const wrong = { x: tensor("float32", [3, 1], new Float32Array(3)) };
    expect((await failure(() => session.run(wrong))).code).toBe("SQ6006");
    await session.close();
    const file = path.join(tempFolder(), "m.onnx");
    copyFileSync(resnet8, file);
    const fromFile = await inference.open({ path: file }, { optimization: "disabled", dims: { batch: 5, N: 5 } });
    expect(fromFile.outputs[0]?.dims[0]).toBe(5);
    await fromFile.close();
  });

  it("computes and gives only the outputs that are asked for", async () => {
    const session = await open({
      nodes: [node("Neg", ["x"], ["y"]), node("Abs", ["x"], ["z"])],
      inputs: [value("x", T.FLOAT, [1])],
      outputs: [value("y", T.FLOAT, [1]), value("z", T.FLOAT, [1])],
    });
    const feeds = { x: tensor("float32", [1], Float32Array.of(-2)) };
    expect(await session.run(feeds, ["z"])).toEqual({ z: tensor("float32", [1], Float32Array.of(2)) });
    expect(Object.keys(await session.run(feeds))).toEqual(["y", "z"]);
    await session.close();
  });

  it("leaves outputs that are no tensors out, and runs", async () => {
    const session = await open({
      nodes: [node("SequenceConstruct", ["x"], ["s"]), node("Neg", ["x"], ["y"])],
      inputs: [value("x", T.FLOAT, [1])],
      outputs: [create(ValueInfoProtoSchema, { name: "s", type: sequenceOfFloats }), value("y", T.FLOAT, [1])],
    });
    expect(session.outputs[0]).toEqual({ name: "s", type: "unknown", dims: [] });
    const result = await session.run({ x: tensor("float32", [1], Float32Array.of(-2)) });
    expect(result).toEqual({ y: tensor("float32", [1], Float32Array.of(2)) });
    await session.close();
  });

  it("without optimization tells the shapes of values that the file does not declare", async () => {
    const parts: ModelParts = {
      nodes: [
        node("Transpose", ["x"], ["t"], { attributes: [attribute.ints("perm", [1, 0])] }),
        node("Transpose", ["t"], ["y"], { attributes: [attribute.ints("perm", [1, 0])] }),
      ],
      inputs: [value("x", T.FLOAT, [2, 3])],
      outputs: [valueInfo("t", T.FLOAT), valueInfo("y", T.FLOAT)],
    };
    const session = await open(parts, { optimization: "disabled" });
    expect(session.outputs.map(({ dims }) => dims)).toEqual([
      [3, 2],
      [2, 3],
    ]);
    await session.close();
  });

  it("waits for its runs when it is closed, and refuses later ones", async () => {
    const session = await open(identity(T.FLOAT, [1]));
    const feeds = { x: tensor("float32", [1], Float32Array.of(3)) };
    const running = session.run(feeds);
    await Promise.all([session.close(), session.close()]);
    expect((await running).y?.data).toEqual(Float32Array.of(3));
    expect((await failure(() => session.run(feeds))).code).toBe("SQ6008");
  });

  it("of one model can be open beside others", async () => {
    const sessions = await Promise.all([1, 2, 3].map((n) => open(identity(T.FLOAT, [n]), { threads: 1 })));
    const results = await Promise.all(
      sessions.map((session, i) => session.run({ x: tensor("float32", [i + 1], new Float32Array(i + 1).fill(i)) })),
    );
    expect(results.map(({ y }) => y?.dims)).toEqual([[1], [2], [3]]);
    await Promise.all(sessions.map((session) => session.close()));
  });
});

describe("8-bit convolution made exact", () => {
  it("has no saturated sum on any processor", async () => {
    // u8 activations of 255 by s8 weights of 127, 64 channels: pairs of products exceed 16 bits, which AVX2 alone saturates.
    const [inputs, outputs] = [64, 8];
    const weights = Int8Array.from({ length: outputs * inputs * 9 }, (_, index) => (index % 3 === 0 ? -128 : 127));
    const scale = (name: string, by: number) => constant(name, T.FLOAT, [], Float32Array.of(by));
    const session = await open(
      {
        nodes: [
          node("QuantizeLinear", ["x", "one", "zero"], ["q"]),
          node("DequantizeLinear", ["q", "one", "zero"], ["d"]),
          node("DequantizeLinear", ["w", "one", "wzero"], ["wd"]),
          node("Conv", ["d", "wd"], ["c"]),
          node("QuantizeLinear", ["c", "wide", "zero"], ["cq"]),
          node("DequantizeLinear", ["cq", "wide", "zero"], ["y"]),
        ],
        inputs: [value("x", T.FLOAT, [1, inputs, 5, 5])],
        outputs: [value("y", T.FLOAT, [1, outputs, 3, 3])],
        initializers: [
          constant("w", T.INT8, [outputs, inputs, 3, 3], weights),
          constant("zero", T.UINT8, [], Uint8Array.of(0)),
          constant("wzero", T.INT8, [], Int8Array.of(0)),
          scale("one", 1),
          scale("wide", 32_768),
        ],
      },
      { exactInt8: true },
    );
    const x = Float32Array.from({ length: inputs * 25 }, (_, index) => 255 - (index % 7));
    const { y } = await session.run({ x: tensor("float32", [1, inputs, 5, 5], x) });
    const wanted = new Float32Array(outputs * 9);
    for (let o = 0; o < outputs; o++) {
      for (let at = 0; at < 9; at++) {
        let sum = 0;
        for (let c = 0; c < inputs; c++) {
          for (let k = 0; k < 9; k++) {
            const pixel = (Math.floor(at / 3) + Math.floor(k / 3)) * 5 + (at % 3) + (k % 3);
            sum += (x[c * 25 + pixel] as number) * (weights[(o * inputs + c) * 9 + k] as number);
          }
        }
        wanted[o * 9 + at] = Math.min(255, Math.max(0, Math.round(sum / 32_768))) * 32_768;
      }
    }
    expect(y?.data).toEqual(wanted);
    await session.close();
  });
});

describe("what goes wrong", () => {
  it("with the file is told as for any file", async () => {
    const folder = tempFolder();
    const options = { optimization: "all" } as const;
    expect((await failure(() => inference.open({ path: path.join(folder, "missing") }, options))).code).toBe("SQ1001");
    expect((await failure(() => inference.open({ path: folder }, options))).code).toBe("SQ1003");
    const text = path.join(folder, "a.onnx");
    writeFileSync(text, "no model");
    const error = await failure(() => inference.open({ path: text }, options));
    expect(error).toMatchObject({ code: "SQ6004", place: { file: text } });
    expect(error.remedy).toContain(".onnx file");
  });

  it.each<readonly [string, ModelParts | Uint8Array, RegExp, RegExp]>([
    ["no bytes", new Uint8Array(0), /refuses/, /export it again/],
    ["bytes of something else", new TextEncoder().encode("PK no model"), /Protobuf/i, /\.onnx file/],
    [
      "an operator that does not exist",
      { ...identity(T.FLOAT, [1]), nodes: [node("Frobnicate", ["x"], ["y"])] },
      /Frobnicate/,
      /custom operators/,
    ],
    ["an opset of the future", identity(T.FLOAT, [1], 99), /99/, /older opset/],
    ["a format of the future", { ...identity(T.FLOAT, [1]), irVersion: 99 }, /99/, /older opset/],
    ["a type that nothing computes with", identity(T.COMPLEX64, [1]), /complex64/, /float32/],
    ["an input of no numbers", identity(T.BFLOAT16, [1]), /Unsupported data type/, /float32/],
    [
      "shapes that contradict each other",
      {
        nodes: [node("MatMul", ["x", "x"], ["y"])],
        inputs: [value("x", T.FLOAT, [2, 3])],
        outputs: [value("y", T.FLOAT, [2, 3])],
      },
      /dimension/i,
      /./,
    ],
  ])("with a model that has %s is SQ6004, short and with a remedy", async (_, parts, said, remedy) => {
    const bytes = parts instanceof Uint8Array ? parts : modelOf(parts);
    const error = await failure(() => inference.open(bytes, { optimization: "all" }));
    expect(error.code).toBe("SQ6004");
    expect(error.message).toMatch(said);
    expect(error.remedy).toMatch(remedy);
    expect(error.message.length).toBeLessThan(360);
    expect(error.message).not.toMatch(/onnxruntime_src|\.cc:\d|\.h:\d|::|\[ONNXRuntimeError\]/);
  });

  it.each<readonly [string, Readonly<Record<string, Tensor>>, RegExp]>([
    ["is missing", {}, /input x is missing/],
    ["has another type", { x: tensor("int32", [2], Int32Array.of(1, 2)) }, /takes float32, but was given int32/],
    ["has another rank", { x: tensor("float32", [1, 2], Float32Array.of(1, 2)) }, /Got: 2 Expected: 1/],
    ["has another size", { x: tensor("float32", [3], Float32Array.of(1, 2, 3)) }, /Got: 3 Expected: 2/],
    ["has too few values", { x: tensor("float32", [2], Float32Array.of(1)) }, /\[2\] but 1 elements/],
  ])("with an input that %s is SQ6006", async (_, feeds, said) => {
    const session = await open(identity(T.FLOAT, [2]));
    const error = await failure(() => session.run(feeds));
    expect(error.code).toBe("SQ6006");
    expect(error.message).toMatch(said);
    await session.close();
  });

  it("inside a run is SQ6007, names the node and leaves the runtime's internals out", async () => {
    const session = await open({
      nodes: [node("Reshape", ["x", "shape"], ["y"], { name: "head/reshape" })],
      inputs: [value("x", T.FLOAT, ["n"])],
      outputs: [value("y", T.FLOAT, ["a", "b"])],
      initializers: [constant("shape", T.INT64, [2], BigInt64Array.of(2n, 2n))],
    });
    const error = await failure(() => session.run({ x: tensor("float32", [3], new Float32Array(3)) }));
    expect(error.code).toBe("SQ6007");
    expect(error.place.item).toBe("head/reshape");
    expect(error.message).toMatch(/^A Reshape node failed while running: /);
    expect(error.message).toMatch(/cannot be reshaped/);
    expect(error.message).not.toMatch(/onnxruntime|\.h:\d|::/);
    await session.close();
  });

  it("for want of memory is SQ6005", async () => {
    const session = await open({
      nodes: [node("Expand", ["x", "shape"], ["y"])],
      inputs: [value("x", T.FLOAT, [1]), value("shape", T.INT64, [2])],
      outputs: [value("y", T.FLOAT, ["a", "b"])],
    });
    const feeds = {
      x: tensor("float32", [1], Float32Array.of(1)),
      shape: tensor("int64", [2], BigInt64Array.of(2n ** 22n, 2n ** 22n)),
    };
    expect((await failure(() => session.run(feeds))).code).toBe("SQ6005");
    await session.close();
  });

  it("with external data says where they belong", async () => {
    const folder = tempFolder();
    const file = path.join(folder, "m.onnx");
    const weight = create(TensorProtoSchema, {
      name: "w",
      dataType: T.FLOAT,
      dims: [1n],
      dataLocation: 1,
      externalData: [{ key: "location", value: "m.data" }] as never,
    });
    const parts = { ...identity(T.FLOAT, [1]), nodes: [node("Add", ["x", "w"], ["y"])], initializers: [weight] };
    writeFileSync(file, modelOf(parts));
    const error = await failure(() => inference.open({ path: file }, { optimization: "all" }));
    expect(error.remedy).toContain("beside the model");
    writeFileSync(path.join(folder, "moved"), new Uint8Array(Float32Array.of(2).buffer));
    renameSync(path.join(folder, "moved"), path.join(folder, "m.data"));
    const session = await inference.open({ path: file }, { optimization: "all" });
    const { y } = await session.run({ x: tensor("float32", [1], Float32Array.of(1)) });
    expect(y?.data).toEqual(Float32Array.of(3));
    await session.close();
    expect(readFileSync(file).length).toBeGreaterThan(0);
  });
});
