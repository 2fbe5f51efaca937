import { create, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, TensorProto_DataType as T, TensorProto_DataLocation, TensorProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { SigmaQuantError } from "../../../src/core/errors.ts";
import { locationProblem } from "../../../src/core/onnx/external.ts";
import { copyModel, type OnnxModel } from "../../../src/core/onnx/model.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import type { ByteSource, OpenExternal } from "../../../src/core/ports.ts";
import { refusal, slugOf } from "../../support/onnx/errors.ts";
import { graphOf, readBytes } from "../../support/onnx/models.ts";
import { countingSource, syntheticByte, syntheticSource } from "../../support/onnx/sources.ts";

function external(name: string, elements: number, entries: Readonly<Record<string, string>>) {
  return create(TensorProtoSchema, {
    name,
    dataType: T.UINT8,
    dims: [BigInt(elements)],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  });
}

/** A model file whose only tensor has these external-data entries. */
function fileWith(entries: Readonly<Record<string, string>>, elements = 10): Uint8Array {
  const graph = graphOf({ initializers: [external("w", elements, entries)] });
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, graph }));
}

async function readFirst(model: OnnxModel): Promise<number[]> {
  const [tensor] = model.graph.initializer;
  return tensor ? Array.from(await model.tensors.readFloat32(tensor)) : [];
}

const folder =
  (files: Readonly<Record<string, ByteSource>>): OpenExternal =>
  async (location) => {
    const file = files[location];
    if (file === undefined) throw new Error(`ENOENT: ${location}`);
    return file;
  };

const tenFrom = (start: number) => Array.from({ length: 10 }, (_, i) => syntheticByte(start + i));

describe("external data", () => {
  it("are read from their offset, which may be beyond 4 GiB", async () => {
    for (const offset of [0, 4096, 5 * 2 ** 32]) {
      const data = syntheticSource(offset + 100);
      const model = await readBytes(
        fileWith({ location: "w.bin", offset: `${offset}`, length: "10" }),
        folder({ "w.bin": data }),
      );
      expect(data.bytesRead()).toBe(0);
      expect(await readFirst(model)).toEqual(tenFrom(offset));
      expect(data.reads).toEqual([{ at: offset, length: 10 }]);
    }
  });

  it("start at 0 without an offset, and are as long as the dimensions say without a length", async () => {
    const model = await readBytes(fileWith({ location: "w.bin" }), folder({ "w.bin": syntheticSource(1000) }));
    expect(await readFirst(model)).toEqual(tenFrom(0));
  });

  it("are opened once for all tensors of a file, and for copies of the model", async () => {
    const graph = graphOf({
      initializers: [0, 10, 20].map((offset) => external(`w${offset}`, 10, { location: "w.bin", offset: `${offset}` })),
    });
    let opened = 0;
    const model = await readBytes(toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph })), async () => {
      opened++;
      return syntheticSource(100);
    });
    for (const copy of [model, copyModel(model)])
      for (const [i, tensor] of copy.graph.initializer.entries())
        expect([...(await copy.tensors.read(tensor))]).toEqual(tenFrom(10 * i));
    expect(opened).toBe(1);
  });

  it("that are missing are an error that names the file, until they are there", async () => {
    const files: Record<string, ByteSource> = {};
    const model = await readBytes(fileWith({ location: "sub/w.bin" }), folder(files));
    const error = await refusal(readFirst(model));
    expect(error.code).toBe("SQ2011");
    expect(error.message).toContain("sub/w.bin");
    files["sub/w.bin"] = syntheticSource(10);
    expect(await readFirst(model)).toEqual(tenFrom(0));
  });

  it("keep the error of whoever opens them, when a user can read it", async () => {
    const own = new SigmaQuantError("SQ1003", "denied", "No permission", { remedy: "Ask for it" });
    const model = await readBytes(fileWith({ location: "w.bin" }), () => Promise.reject(own));
    expect(await refusal(readFirst(model))).toBe(own);
  });

  it("cannot be read where there is no way to open files, but the model opens", async () => {
    const model = await readBytes(fileWith({ location: "w.bin" }));
    expect(model.tensors.byteLength(model.graph.initializer[0] as never)).toBe(10);
    expect(await slugOf(readFirst(model))).toBe("missing-external-data");
  });

  it("that end too early are an error that names file and tensor", async () => {
    const model = await readBytes(
      fileWith({ location: "w.bin", offset: "95" }),
      folder({ "w.bin": syntheticSource(100) }),
    );
    const error = await refusal(readFirst(model));
    expect(error.code).toBe("SQ2012");
    expect(error.place).toMatchObject({ file: "w.bin", item: "w" });
  });

  it("must have the length that the dimensions need", async () => {
    expect(await slugOf(readBytes(fileWith({ location: "w.bin", length: "9" })))).toBe("truncated-tensor");
  });

  it("become inline when the model is written as one file", async () => {
    const model = await readBytes(
      fileWith({ location: "w.bin", offset: "7" }),
      folder({ "w.bin": syntheticSource(100) }),
    );
    const again = await readBytes(await modelBytes(model));
    expect(again.graph.initializer[0]?.externalData).toEqual([]);
    expect(await readFirst(again)).toEqual(tenFrom(7));
    expect(model.graph.initializer[0]?.externalData.length).toBe(2);
  });

  it.each([
    [{}, "no location"],
    [{ location: "w.bin", offset: "-1" }, "offset"],
    [{ location: "w.bin", offset: "1e3" }, "offset"],
    [{ location: "w.bin", length: "0x10" }, "length"],
    [{ location: "w.bin", length: "9007199254740993" }, "length"],
    [{ location: "w.bin", offset: `${"9".repeat(5000)}` }, "offset"],
  ])("with entries %j are refused when the model is opened", async (entries, what) => {
    const error = await refusal(readBytes(fileWith(entries as Record<string, string>)));
    expect(error.code).toBe("SQ2013");
    expect(error.message).toContain(what);
    expect(error.message.length).toBeLessThan(200);
  });

  it.each([
    "/etc/passwd",
    "\\\\server\\share",
    "../w.bin",
    "a/../../w.bin",
    "a\\..\\..\\w.bin",
    "C:\\w.bin",
    "c:w.bin",
    "https://example.org/w.bin",
    "file:///etc/passwd",
    "a\u0000b",
    "a\nb",
    "",
    "x".repeat(5000),
    "NUL",
    "sub/con.bin",
    "COM1",
  ])("outside the model's folder are refused when the model is opened: %j", async (location) => {
    let opened = false;
    const error = await refusal(
      readBytes(fileWith({ location }), async () => {
        opened = true;
        return countingSource(new Uint8Array(10));
      }),
    );
    expect(error.code).toBe("SQ2010");
    expect(opened).toBe(false);
  });

  it.each(["w.bin", "./w.bin", "sub/w.bin", "..w.bin", "w..bin", "onnx::MatMul_12", "console.bin", "ü/重み.data"])(
    "inside the model's folder may have any name: %j",
    (location) => {
      expect(locationProblem(location)).toBeUndefined();
    },
  );
});
