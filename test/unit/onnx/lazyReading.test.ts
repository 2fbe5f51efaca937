import { TensorProto_DataType as T, type TensorProto } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { node } from "../../../src/core/onnx/build.ts";
import { maxWindowBytes, minWindowBytes, pieceBytes } from "../../../src/core/onnx/limits.ts";
import { readModel } from "../../../src/core/onnx/read.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import * as wire from "../../support/onnx/encode.ts";
import { refusal } from "../../support/onnx/errors.ts";
import { modelOf } from "../../support/onnx/models.ts";
import { type CountingSource, countingSource, syntheticByte } from "../../support/onnx/sources.ts";

/** A file of parts in memory and payloads that are made when read: large files cost nothing. */
function fileOf(parts: readonly (Uint8Array | number)[]): CountingSource & { readonly payloads: readonly number[] } {
  const places: { at: number; part: Uint8Array | number }[] = [];
  let size = 0;
  for (const part of parts) {
    places.push({ at: size, part });
    size += typeof part === "number" ? part : part.length;
  }
  const make = (at: number, length: number) => {
    const out = new Uint8Array(length);
    for (const place of places) {
      const partSize = typeof place.part === "number" ? place.part : place.part.length;
      const from = Math.max(at, place.at);
      const to = Math.min(at + length, place.at + partSize);
      for (let p = from; p < to; p++) {
        out[p - at] =
          typeof place.part === "number" ? syntheticByte(p - place.at) : (place.part[p - place.at] as number);
      }
    }
    return out;
  };
  const payloads = places.filter(({ part }) => typeof part === "number").map(({ at }) => at);
  return Object.assign(countingSource({ size, make }), { payloads });
}

/** A model whose graph has a uint8 tensor of each size, raw. */
function modelWith(sizes: readonly number[]): CountingSource & { readonly payloads: readonly number[] } {
  const heads = sizes.map((size, i) => {
    const fields = wire.join(
      wire.number(wire.tensorField.dims, size),
      wire.number(wire.tensorField.dataType, T.UINT8),
      wire.bytes(wire.tensorField.name, `t${i}`),
      wire.claim(wire.tensorField.rawData, size),
    );
    return wire.claim(wire.graph.initializer, fields.length + size, fields);
  });
  const body = heads.reduce((sum, head, i) => sum + head.length + (sizes[i] as number), 0);
  const start = wire.join(wire.number(wire.model.irVersion, 8), wire.claim(wire.model.graph, body));
  return fileOf([start, ...heads.flatMap((head, i) => [head, sizes[i] as number])]);
}

describe("opening a model", () => {
  it("reads no weight: a hundred of 64 MiB cost one small read each", async () => {
    const source = modelWith(Array(100).fill(64 * 2 ** 20));
    const model = await readModel(source);
    expect(model.graph.initializer.length).toBe(100);
    // The head of the file is looked at once more, to tell what kind of file it is.
    expect(source.reads.length).toBeLessThanOrEqual(102);
    expect(source.bytesRead()).toBeLessThanOrEqual(103 * minWindowBytes);
    for (const at of source.payloads) expect(source.touched(at + 2 * minWindowBytes, 63 * 2 ** 20)).toBe(false);
  });

  it("reads many small tensors in few pieces", async () => {
    const source = modelWith(Array(2000).fill(3000));
    await readModel(source);
    expect(source.reads.length).toBeLessThanOrEqual(2 + Math.ceil(source.size / maxWindowBytes) + 8);
  });

  it("never reads more than a window at once, and nothing twice but the head", async () => {
    const nodes = Array.from({ length: 5000 }, (_, i) => node("Relu", [`v${i}`], [`v${i + 1}`], { name: `relu ${i}` }));
    const source = countingSource(await modelBytes(modelOf({ nodes })));
    await readModel(source);
    expect(Math.max(...source.reads.map((read) => read.length))).toBeLessThanOrEqual(maxWindowBytes);
    // A part that lies across the end of a window is taken up again by the next one.
    expect(source.bytesRead()).toBeLessThan(source.size * 1.05 + 2 * minWindowBytes);
  });

  it("finds a tensor's data among fields in any order", async () => {
    const fields = [
      wire.bytes(wire.tensorField.rawData, new Uint8Array(5000).fill(9)),
      wire.bytes(wire.tensorField.name, "n".repeat(2000)),
      wire.number(wire.tensorField.dims, 5000),
      wire.number(wire.tensorField.dataType, T.UINT8),
    ];
    const model = await readModel(countingSource(wire.modelFile(wire.bytes(wire.graph.initializer, ...fields))));
    const [tensor] = model.graph.initializer as [TensorProto];
    expect(tensor.name.length).toBe(2000);
    expect(tensor.rawData.length).toBe(0);
    expect(new Set<unknown>([...(await model.tensors.read(tensor))])).toEqual(new Set([9]));
  });

  it("stops when it is told to", async () => {
    const stop = new AbortController();
    const bytes = wire.modelFile(
      ...Array(2000).fill(wire.bytes(wire.graph.initializer, wire.bytes(8, "x".repeat(1500)))),
    );
    const source = countingSource(bytes);
    const stopping = {
      ...source,
      read: (at: number, length: number) => {
        if (at > bytes.length / 2) stop.abort(new Error("enough"));
        return source.read(at, length);
      },
    };
    await expect(readModel(stopping, { signal: stop.signal })).rejects.toThrow("enough");
    expect(source.bytesRead()).toBeLessThan(bytes.length);
  });

  it("says so when the file is cut while it is read", async () => {
    const source = modelWith([5000, 5000, 500_000, 6000]);
    const cut = {
      size: source.size,
      read: async (at: number, length: number) => (await source.read(at, length)).slice(0, 300),
    };
    const error = await refusal(readModel(cut, { file: "cut.onnx" }));
    expect(error.slug).toBe("file-cut-short");
    expect(error.place.file).toBe("cut.onnx");
  });

  it("keeps copies of what a source hands out as views", async () => {
    const tensor = [1, 2].map((value) =>
      wire.bytes(
        wire.graph.initializer,
        wire.number(1, 4),
        wire.number(2, T.UINT8),
        wire.bytes(9, Array(4).fill(value)),
      ),
    );
    const file = Buffer.from(wire.modelFile(...tensor));
    const model = await readModel({ size: file.length, read: async (at, length) => file.subarray(at, at + length) });
    file.fill(255);
    const read = await Promise.all(model.graph.initializer.map((message) => model.tensors.read(message)));
    expect(read.map((values) => [...values])).toEqual([Array(4).fill(1), Array(4).fill(2)]);
  });
});

describe("reading a tensor's data", () => {
  it("reads only the range that is asked for", async () => {
    const source = modelWith([2 ** 31 + 1000]);
    const model = await readModel(source);
    const [tensor] = model.graph.initializer as [TensorProto];
    source.reads.length = 0;
    const from = 2 ** 31;
    const part = await model.tensors.readFloat32(tensor, from, 5);
    expect(Array.from(part)).toEqual([0, 1, 2, 3, 4].map((i) => syntheticByte(from + i)));
    expect(source.bytesRead()).toBe(5);
  });

  it("reads a large tensor in bounded pieces", async () => {
    const size = 2 * pieceBytes + 17;
    const source = modelWith([size]);
    const model = await readModel(source);
    source.reads.length = 0;
    const values = await model.tensors.readFloat32(model.graph.initializer[0] as TensorProto);
    expect(values.length).toBe(size);
    expect(values[size - 1]).toBe(syntheticByte(size - 1));
    expect(Math.max(...source.reads.map((read) => read.length))).toBeLessThanOrEqual(pieceBytes);
    expect(source.bytesRead()).toBe(size);
  });

  it("does not take a tensor of more than 2 GiB whole", async () => {
    const model = await readModel(modelWith([2 ** 31]));
    const [tensor] = model.graph.initializer as [TensorProto];
    expect((await refusal(model.tensors.read(tensor))).slug).toBe("tensor-too-large");
    expect((await refusal(model.tensors.readFloat32(tensor))).slug).toBe("tensor-too-large");
  });

  it("goes on from where it was in packed integers, and does not scan them again", async () => {
    const count = 400_000;
    const data = Uint8Array.from({ length: count }, (_, i) => i % 100);
    const tensor = wire.bytes(
      wire.graph.initializer,
      wire.number(1, count),
      wire.number(2, T.INT32),
      wire.bytes(5, data),
    );
    const source = countingSource(wire.modelFile(tensor));
    const model = await readModel(source);
    const [message] = model.graph.initializer as [TensorProto];
    source.reads.length = 0;
    const step = 10_000;
    for (let from = 0; from < count; from += step) {
      const part = await model.tensors.readFloat32(message, from, step);
      expect(part[step - 1]).toBe((from + step - 1) % 100);
    }
    // Forty ranges, each from the last remembered position: far from forty times the whole.
    expect(source.bytesRead()).toBeLessThan(40 * (65_536 + maxWindowBytes));
  });

  it("stops between pieces when it is told to", async () => {
    const source = modelWith([3 * pieceBytes]);
    const model = await readModel(source);
    source.reads.length = 0;
    const stop = new AbortController();
    const reading = model.tensors.readFloat32(model.graph.initializer[0] as TensorProto, 0, undefined, stop.signal);
    stop.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
    expect(source.bytesRead()).toBeLessThan(3 * pieceBytes);
  });

  it("refuses a range outside the tensor", async () => {
    const model = await readModel(modelWith([5000]));
    const [tensor] = model.graph.initializer as [TensorProto];
    for (const [from, count] of [
      [-1, 2],
      [4999, 2],
      [0, 5001],
      [0, -1],
    ] as const)
      await expect(model.tensors.readFloat32(tensor, from, count)).rejects.toThrow(RangeError);
  });
});
