import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, TensorProto_DataType as T, TensorProto_DataLocation, TensorProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { attribute, node, tensor } from "../../../src/core/onnx/build.ts";
import { pieceBytes } from "../../../src/core/onnx/limits.ts";
import { readModel } from "../../../src/core/onnx/read.ts";
import { TensorStore } from "../../../src/core/onnx/tensors.ts";
import { modelBytes, writeModel } from "../../../src/core/onnx/write.ts";
import type { Progress } from "../../../src/core/ports.ts";
import * as wire from "../../support/onnx/encode.ts";
import { refusal, slugOf } from "../../support/onnx/errors.ts";
import { everything, floats, many } from "../../support/onnx/everything.ts";
import { graphOf, modelOf, readBytes } from "../../support/onnx/models.ts";
import { checkingSink, countingSource, memorySink, stampEvery, stampedSource } from "../../support/onnx/sources.ts";

const gib = 2 ** 30;

/** A model with external uint8 tensors of the given sizes, all in one file that is never made whole. */
async function hugeModel(sizes: readonly number[]) {
  let at = 0;
  const initializers = sizes.map((size, i) => {
    const made = create(TensorProtoSchema, {
      name: `w${i}`,
      dataType: T.UINT8,
      dims: [BigInt(size)],
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: [
        { key: "location", value: "in.bin" },
        { key: "offset", value: `${at}` },
      ],
    });
    at += size;
    return made;
  });
  const file = toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, graph: graphOf({ initializers }) }),
  );
  const data = stampedSource(at);
  return { data, model: await readBytes(file, async () => data) };
}

describe("a model of more than 2 GiB", () => {
  it("is refused as one file before anything is written", async () => {
    const { model, data } = await hugeModel([1.5 * gib, gib]);
    const sink = memorySink();
    const error = await refusal(writeModel(model, sink));
    expect(error.code).toBe("SQ2016");
    expect(error.message).toContain("2.50 GiB");
    expect(await slugOf(modelBytes(model))).toBe("model-too-large");
    expect(sink.writes).toEqual([]);
    expect(data.bytesRead()).toBe(0);
  });

  it("goes to an external file byte by byte, in pieces of 4 MiB", async () => {
    const sizes = [1.25 * gib, gib + 4096];
    const { model, data } = await hugeModel(sizes);
    const stamps: number[] = [];
    let largest = 0;
    const out = checkingSink((piece, at) => {
      largest = Math.max(largest, piece.length);
      const view = new DataView(piece.buffer, piece.byteOffset, piece.length);
      for (let p = Math.ceil(at / stampEvery) * stampEvery; p + 8 <= at + piece.length; p += stampEvery)
        stamps.push(view.getFloat64(p - at) - p);
    });
    const file = memorySink();
    const result = await writeModel(model, file, { external: { location: "out.bin", sink: out } });
    expect(result.externalBytes).toBe((sizes[0] as number) + (sizes[1] as number));
    expect(out.size()).toBe(result.externalBytes);
    // The second tensor starts on a boundary, so that both files have the same layout here.
    expect(stamps.length).toBe(Math.ceil(result.externalBytes / stampEvery));
    expect(new Set(stamps)).toEqual(new Set([0]));
    expect(largest).toBeLessThanOrEqual(pieceBytes);
    expect(Math.max(...data.reads.map((read) => read.length))).toBeLessThanOrEqual(pieceBytes);
    expect(result.bytes).toBeLessThan(500);
    const entries = fromBinary(ModelProtoSchema, file.bytes()).graph?.initializer[1]?.externalData;
    expect(Object.fromEntries(entries?.map(({ key, value }) => [key, value]) ?? [])).toEqual({
      location: "out.bin",
      offset: `${sizes[0]}`,
      length: `${sizes[1]}`,
    });
  });
});

describe("writing to an external file", () => {
  it("moves large initializers of all graphs, and nothing else", async () => {
    const inner = graphOf({ nodes: [node("Identity", ["deep"], ["out"])], initializers: [floats("deep", many)] });
    const constant = node("Constant", [], ["c"], { attributes: [attribute.tensor("value", floats("c", many))] });
    const text = create(TensorProtoSchema, {
      name: "texts",
      dataType: T.STRING,
      dims: [1n],
      stringData: [new Uint8Array(5000)],
    });
    const empty = create(TensorProtoSchema, { name: "empty", dataType: T.FLOAT, dims: [0n] });
    const model = modelOf({
      nodes: [constant, node("If", ["x"], ["y"], { attributes: [attribute.graph("then_branch", inner)] })],
      initializers: [floats("large", many), floats("small", 4), text, empty],
    });
    const [file, data] = [memorySink(), memorySink()];
    await writeModel(model, file, { external: { location: "d", sink: data } });
    const { graph } = fromBinary(ModelProtoSchema, file.bytes());
    const moved = (tensors?: readonly { name: string; dataLocation: number; rawData: Uint8Array }[]) =>
      tensors?.filter((t) => t.dataLocation === TensorProto_DataLocation.EXTERNAL).map((t) => t.name);
    expect(moved(graph?.initializer)).toEqual(["large"]);
    expect(moved(graph?.node[1]?.attribute[0]?.g?.initializer)).toEqual(["deep"]);
    expect(graph?.node[0]?.attribute[0]?.t?.rawData.length).toBe(4 * many);
    expect(data.bytes().length).toBe(8 * many);
  });

  it("puts small data on 64 bytes and mapped data on 64 KiB", async () => {
    const sizes = [2 ** 20, 1500, 2 ** 20 + 1, 3000];
    const store = new TensorStore();
    const initializers = sizes.map((size, i) =>
      tensor(store, `t${i}`, T.UINT8, [size], new Uint8Array(size).fill(i + 1)),
    );
    const [file, data] = [memorySink(), memorySink()];
    await writeModel(modelOf({ initializers, tensors: store }), file, { external: { location: "d", sink: data } });
    const offsets = fromBinary(ModelProtoSchema, file.bytes()).graph?.initializer.map((t) =>
      Number(t.externalData[1]?.value),
    );
    expect(offsets?.map((offset, i) => offset % ((sizes[i] as number) >= 2 ** 20 ? 65_536 : 64))).toEqual([0, 0, 0, 0]);
    for (const [i, offset] of offsets?.entries() ?? []) {
      const stored = data.bytes().subarray(offset, offset + (sizes[i] as number));
      expect(new Set(stored)).toEqual(new Set([i + 1]));
    }
  });

  it("moves what is as large as it is told to", async () => {
    const model = modelOf({ initializers: [floats("w", 4), floats("v", 3)] });
    const data = memorySink();
    await writeModel(model, memorySink(), { external: { location: "d", sink: data, minBytes: 16 } });
    expect(data.bytes().length).toBe(16);
  });

  it("leaves the model in memory as it was", async () => {
    const model = await readBytes(toBinary(ModelProtoSchema, everything()));
    const before = toBinary(ModelProtoSchema, model.proto);
    await writeModel(model, memorySink(), { external: { location: "d", sink: memorySink() } });
    expect(Buffer.compare(toBinary(ModelProtoSchema, model.proto), before)).toBe(0);
  });

  it("can be read back through the new file, which then can be written inline again", async () => {
    const original = toBinary(ModelProtoSchema, everything());
    const [file, data] = [memorySink(), memorySink()];
    await writeModel(await readBytes(original), file, { external: { location: "d", sink: data } });
    const again = await readBytes(file.bytes(), async () => countingSource(data.bytes()));
    const written = await modelBytes(again);
    expect(Buffer.compare(toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, written)), original)).toBe(0);
  });

  it("refuses a name outside the model's folder before anything is written", async () => {
    const [file, data] = [memorySink(), memorySink()];
    const writing = writeModel(modelOf({ initializers: [floats("w", many)] }), file, {
      external: { location: "../d", sink: data },
    });
    expect(await slugOf(writing)).toBe("unsafe-external-path");
    expect(file.writes.length + data.writes.length).toBe(0);
  });
});

describe("writing", () => {
  it("tells how far it is, over both files, ending at the whole", async () => {
    const seen: Progress[] = [];
    const store = new TensorStore();
    const size = 3 * pieceBytes;
    const initializers = [tensor(store, "w", T.UINT8, [size], new Uint8Array(size))];
    const { bytes, externalBytes } = await writeModel(modelOf({ initializers, tensors: store }), memorySink(), {
      external: { location: "d", sink: memorySink() },
      onProgress: (progress) => seen.push(progress),
    });
    const done = seen.map((progress) => progress.done);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(seen.length).toBeGreaterThanOrEqual(4);
    expect(seen.at(-1)).toEqual({ stage: "write", done: bytes + externalBytes, total: bytes + externalBytes });
  });

  it("stops in the middle of a tensor when it is told to", async () => {
    const store = new TensorStore();
    const size = 8 * pieceBytes;
    const initializers = [tensor(store, "w", T.UINT8, [size], new Uint8Array(size))];
    const stop = new AbortController();
    const sink = checkingSink((_, at) => {
      if (at > pieceBytes) stop.abort(new Error("enough"));
    });
    const writing = writeModel(modelOf({ initializers, tensors: store }), sink, { signal: stop.signal });
    await expect(writing).rejects.toThrow("enough");
    expect(sink.size()).toBeLessThan(size);
  });

  it("copies large data of a file without holding them", async () => {
    const size = 3 * pieceBytes;
    const head = wire.join(wire.number(1, size), wire.number(2, T.UINT8), wire.claim(9, size));
    const file = wire.modelFile(
      wire.claim(wire.graph.initializer, head.length + size, wire.join(head, new Uint8Array(size))),
    );
    const source = countingSource(file);
    const model = await readModel(source);
    source.reads.length = 0;
    await writeModel(model, memorySink());
    expect(Math.max(...source.reads.map((read) => read.length))).toBe(pieceBytes);
    expect(source.bytesRead()).toBe(size);
  });

  it("passes on what the sink says", async () => {
    const full = { write: () => Promise.reject(new Error("disk full")) };
    await expect(writeModel(modelOf({}), full)).rejects.toThrow("disk full");
  });
});
