import { create } from "@bufbuild/protobuf";
import { TensorProto_DataType as T, TensorProto_DataLocation, TensorProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { ExternalFiles } from "../../../src/core/onnx/external.ts";
import { TensorStore } from "../../../src/core/onnx/tensors.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import type { ByteSource } from "../../../src/core/ports.ts";
import { refusal, slugOf } from "../../support/onnx/errors.ts";
import { floats, many } from "../../support/onnx/everything.ts";
import { modelOf, readBytes } from "../../support/onnx/models.ts";
import { countingSource, syntheticSource } from "../../support/onnx/sources.ts";

function externalTensor(offset: number) {
  return create(TensorProtoSchema, {
    name: "w",
    dataType: T.UINT8,
    dims: [10n],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      { key: "location", value: "d" },
      { key: "offset", value: `${offset}` },
    ],
  });
}

const withFile = () => new TensorStore({ files: new ExternalFiles(async () => syntheticSource(1000)) });

describe("data given to a tensor", () => {
  it("replace what it had: external data, typed data, data in the file", async () => {
    const store = withFile();
    const given = Uint8Array.of(9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const external = externalTensor(0);
    const typed = create(TensorProtoSchema, { dataType: T.UINT8, dims: [10n], int32Data: Array(10).fill(1) });
    for (const tensor of [external, typed]) {
      await store.read(tensor);
      store.set(tensor, given);
      expect([...(await store.read(tensor))]).toEqual([...given]);
      expect([tensor.externalData, tensor.int32Data, tensor.dataLocation]).toEqual([[], [], 0]);
    }
    const model = await readBytes(await modelBytes(modelOf({ initializers: [floats("w", many)] })));
    const [inFile] = model.graph.initializer as [ReturnType<typeof floats>];
    await model.tensors.read(inFile);
    model.tensors.set(inFile, new Uint8Array(4 * many));
    expect(Math.max(...(await model.tensors.readFloat32(inFile)))).toBe(0);
  });

  it("must have the length that the dimensions need", async () => {
    const store = new TensorStore({ file: "m.onnx" });
    const error = await refusal((async () => store.set(floats("w", 3), new Uint8Array(11)))());
    expect(error.code).toBe("SQ2019");
    expect(error.place).toEqual({ file: "m.onnx", item: "w" });
  });
});

describe("data that were found once", () => {
  it("are found anew when the tensor's dimensions, type or place are changed", async () => {
    const store = withFile();
    const tensor = externalTensor(0);
    const first = [...(await store.read(tensor))];
    tensor.externalData = externalTensor(100).externalData;
    expect([...(await store.read(tensor))]).not.toEqual(first);
    tensor.dims = [4n];
    expect((await store.read(tensor)).length).toBe(4);
    tensor.dataType = T.FLOAT;
    expect((await store.read(tensor)).length).toBe(4);
    tensor.dims = [2000n];
    expect(await slugOf(store.read(tensor))).toBe("truncated-external-data");
  });
});

describe("data read in pieces", () => {
  /** Three pieces and a bit. */
  const length = 13 * 2 ** 20;
  const tensor = () => {
    const made = externalTensor(0);
    made.dataType = T.FLOAT;
    made.dims = [BigInt(length / 4)];
    return made;
  };

  it("are all there, from the first element on or from a later one", async () => {
    const data = new Float32Array(length / 4).map((_, i) => i);
    const store = new TensorStore({
      files: new ExternalFiles(async () => countingSource(new Uint8Array(data.buffer))),
    });
    expect(
      Buffer.compare(new Uint8Array((await store.readFloat32(tensor())).buffer), new Uint8Array(data.buffer)),
    ).toBe(0);
    expect((await store.readFloat32(tensor(), 7, 2 ** 21))[2 ** 20]).toBe(7 + 2 ** 20);
  });

  it("leave no read under way when one fails", async () => {
    let underWay = 0;
    const source: ByteSource = {
      size: length,
      async read(at, count) {
        underWay++;
        await new Promise((resolve) => setTimeout(resolve, at === 0 ? 0 : 5));
        underWay--;
        if (at === 2 ** 22) throw new Error("a bad block");
        return new Uint8Array(count);
      },
    };
    const store = new TensorStore({ files: new ExternalFiles(async () => source) });
    await expect(store.readFloat32(tensor())).rejects.toThrow("a bad block");
    expect(underWay).toBe(0);
    const stop = new AbortController();
    const stopped = store.readFloat32(tensor(), 0, length / 4, stop.signal);
    stop.abort(new Error("enough"));
    await expect(stopped).rejects.toThrow("enough");
    expect(underWay).toBe(0);
  });
});

describe("the fingerprint of a tensor", () => {
  it("tells data in files apart by their place, and is missing for data in memory", async () => {
    const store = withFile();
    const places = [0, 10, 10].map((offset) => store.fingerprint(externalTensor(offset)));
    expect(places[1]).toBe(places[2]);
    expect(places[0]).not.toBe(places[1]);
    const model = await readBytes(
      await modelBytes(modelOf({ initializers: [floats("a", many), floats("b", many), floats("c", 1)] })),
    );
    const [a, b, c] = model.graph.initializer.map((tensor) => model.tensors.fingerprint(tensor));
    expect(a).not.toBe(b);
    expect(a).toContain("m.onnx");
    expect(c).toBeUndefined();
    const [first] = model.graph.initializer as [ReturnType<typeof floats>];
    model.tensors.set(first, new Uint8Array(4 * many));
    expect(model.tensors.fingerprint(first)).toBeUndefined();
  });
});

describe("byteLength", () => {
  it("is that of raw_data for numbers, and what the file has for texts", () => {
    const store = new TensorStore();
    const of = (dataType: number, dims: bigint[], more = {}) =>
      store.byteLength(create(TensorProtoSchema, { dataType, dims, ...more }));
    expect(of(T.INT4, [3n, 3n])).toBe(5);
    expect(of(T.UINT2, [5n])).toBe(2);
    expect(of(T.DOUBLE, [])).toBe(8);
    expect(of(T.FLOAT, [7n, 0n])).toBe(0);
    expect(of(T.COMPLEX128, [2n])).toBe(32);
    expect(of(T.STRING, [2n], { stringData: [new Uint8Array(3), new Uint8Array(4)] })).toBe(7);
  });
});
