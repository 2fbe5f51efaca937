import { TensorProto_DataType as T, type TensorProto } from "onnx-buf";
import { describe, expect, it } from "vitest";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { modelBytes, writeModel } from "../../../src/core/onnx/write.ts";
import { type ElementCase, elementCases, repeated } from "../../support/onnx/elements.ts";
import * as wire from "../../support/onnx/encode.ts";
import { graph, join, tensorField } from "../../support/onnx/encode.ts";
import { slugOf } from "../../support/onnx/errors.ts";
import { readBytes } from "../../support/onnx/models.ts";
import { memorySink } from "../../support/onnx/sources.ts";

/** Inside the message and outside it; odd, so that packed types end in the middle of a byte. */
const counts = [1, 7, 20_001];

function tensorFile(dims: number, type: number, ...data: readonly Uint8Array[]): Uint8Array {
  const head = [wire.number(tensorField.dims, dims), wire.number(tensorField.dataType, type), wire.bytes(8, "t")];
  return wire.modelFile(wire.bytes(graph.initializer, ...head, ...data));
}

const forms: Readonly<Record<string, (c: ElementCase, count: number) => Uint8Array>> = {
  raw_data: (c, count) => wire.bytes(tensorField.rawData, c.raw(count)),
  "the typed field, packed": (c, count) => wire.bytes(c.field, ...c.entries(count)),
  "the typed field, unpacked": (c, count) =>
    join(...c.entries(count).flatMap((e) => [wire.tag(c.field, c.wireType), e])),
  "the typed field, by turns packed and unpacked": (c, count) => {
    const entries = c.entries(count);
    const half = Math.floor(entries.length / 2);
    const alone = entries.slice(half, half + 3).flatMap((e) => [wire.tag(c.field, c.wireType), e]);
    return join(
      wire.bytes(c.field, ...entries.slice(0, half)),
      ...alone,
      wire.bytes(c.field, ...entries.slice(half + 3)),
    );
  },
};

async function open(file: Uint8Array): Promise<{ model: OnnxModel; tensor: TensorProto }> {
  const model = await readBytes(file);
  return { model, tensor: model.graph.initializer[0] as TensorProto };
}

describe.each(elementCases)("$name", (c) => {
  describe.each(Object.entries(forms))("in %s", (_, form) => {
    it.each(counts)("reads %i elements in their own type", async (count) => {
      const { model, tensor } = await open(tensorFile(count, c.type, form(c, count)));
      expect([...(await model.tensors.read(tensor))]).toEqual(repeated(c.native, count));
      expect(model.tensors.byteLength(tensor)).toBe(c.raw(count).length);
    });

    it.each(counts)("reads any range of %i elements as float32", async (count) => {
      const { model, tensor } = await open(tensorFile(count, c.type, form(c, count)));
      if (c.floats === undefined) {
        expect(await slugOf(model.tensors.readFloat32(tensor))).toBe("unsupported-element-type");
        return;
      }
      const all = repeated(c.floats, count);
      expect(Array.from(await model.tensors.readFloat32(tensor))).toEqual(all);
      const last = count - 1;
      for (const [from, length] of [
        [last, 1],
        [Math.floor(count / 2), Math.ceil(count / 3)],
        [0, 1],
        [last, 0],
      ] as const) {
        const part = await model.tensors.readFloat32(tensor, from, length);
        expect(Array.from(part)).toEqual(all.slice(from, from + length));
      }
    });

    it("keeps its values through a file, inline and external", async () => {
      const count = 20_001;
      const { model } = await open(tensorFile(count, c.type, form(c, count)));
      const again = await open(await modelBytes(model));
      expect([...(await again.model.tensors.read(again.tensor))]).toEqual(repeated(c.native, count));
      const [file, data] = [memorySink(), memorySink()];
      await writeModel(model, file, { external: { location: "d", sink: data } });
      expect(Buffer.compare(data.bytes(), c.raw(count))).toBe(0);
    });

    it("is refused when an element is missing or too many", async () => {
      for (const count of counts) {
        // Elements below a byte share one, so that a byte's worth of them has to be missing.
        const step = c.entries(8).length === 8 ? 1 : 8;
        for (const wrong of [count + step, count > step ? count - step : count + 2 * step]) {
          const opened = readBytes(tensorFile(count, c.type, form(c, wrong)));
          const read = opened.then((m) => m.tensors.read(m.graph.initializer[0] as TensorProto));
          expect(await slugOf(read)).toBe("truncated-tensor");
        }
      }
    });
  });
});

describe("types without numbers", () => {
  it("keeps texts, large and small, and refuses to read them as numbers", async () => {
    for (const length of [3, 3000]) {
      const texts = ["a".repeat(length), "", "é"].map((text) => wire.bytes(tensorField.stringData, text));
      const { model, tensor } = await open(tensorFile(3, T.STRING, ...texts));
      expect(await slugOf(model.tensors.read(tensor))).toBe("unsupported-element-type");
      expect(await slugOf(model.tensors.readFloat32(tensor))).toBe("unsupported-element-type");
      const again = await open(await modelBytes(model));
      expect(again.model.tensors.byteLength(again.tensor)).toBe(model.tensors.byteLength(tensor));
    }
  });

  it("copies complex numbers and refuses to read them", async () => {
    for (const [type, field, width] of [
      [T.COMPLEX64, 4, 8],
      [T.COMPLEX128, 10, 16],
    ] as const) {
      for (const count of [2, 500]) {
        const data = Uint8Array.from({ length: count * width }, (_, i) => i % 100);
        const { model, tensor } = await open(tensorFile(count, type, wire.bytes(field, data)));
        expect(await slugOf(model.tensors.read(tensor))).toBe("unsupported-element-type");
        const raw = await model.tensors.raw(tensor);
        expect(Buffer.compare(await raw.read(0, raw.byteLength), data)).toBe(0);
      }
    }
  });

  it("keeps element types that are newer than this program", async () => {
    const { model, tensor } = await open(
      tensorFile(9, 99, wire.bytes(tensorField.rawData, new Uint8Array(3000).fill(4))),
    );
    expect(await slugOf(model.tensors.read(tensor))).toBe("unsupported-element-type");
    const again = await open(await modelBytes(model));
    expect(again.model.tensors.byteLength(again.tensor)).toBe(3000);
  });
});
