import { mkdtemp, readFile, rm, stat, unlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { discoverLayers } from "../../../src/core/model/discover.ts";
import { raiseOpset } from "../../../src/core/onnx/opset.ts";
import { readModel } from "../../../src/core/onnx/read.ts";
import { writeModel } from "../../../src/core/onnx/write.ts";
import { atomicWrite, atomicWriteAll } from "../../../src/node/files.ts";
import { openModelFile } from "../../../src/node/openModel.ts";
import { slugOf } from "../../support/onnx/errors.ts";
import { chainFile } from "../../support/onnx/generated.ts";
import { countingSource, stampedSource } from "../../support/onnx/sources.ts";
import { distance, inference, noisy } from "../../support/ortRun.ts";

const models = [
  ["test/fixtures/models/resnet8.onnx", [2, 3, 32, 32]],
  ["examples/mobilenetv2.onnx", [2, 1, 28, 28]],
] as const;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "sigmaquant-onnx-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function outputOf(file: string, dims: readonly number[]) {
  const session = await inference.open({ path: file }, { optimization: "all" });
  try {
    const [input] = session.inputs;
    const shape = input?.dims.map((dim, i) => (typeof dim === "number" ? dim : (dims[i] as number))) ?? [];
    const results = await session.run({ [input?.name ?? ""]: noisy(shape) });
    return results[session.outputs[0]?.name ?? ""];
  } finally {
    await session.close();
  }
}

describe.each(models)("%s", (original, dims) => {
  it("gives the same in ONNX Runtime when it is written again, inline and with external data", async () => {
    const expected = await outputOf(original, dims);
    const { model, close } = await openModelFile(original);
    const inline = path.join(folder, "inline.onnx");
    await atomicWrite(inline, (sink) => writeModel(model, sink));
    expect(distance(await outputOf(inline, dims), expected)).toBe(0);
    const [file, data] = [path.join(folder, "external.onnx"), path.join(folder, "external.onnx.data")];
    await atomicWriteAll([file, data], ([sink, dataSink]) => {
      if (!sink || !dataSink) throw new Error("two files, two sinks");
      return writeModel(model, sink, { external: { location: "external.onnx.data", sink: dataSink } });
    });
    await close();
    expect((await stat(data)).size).toBeGreaterThan((await stat(file)).size);
    expect(distance(await outputOf(file, dims), expected)).toBe(0);
    const again = await openModelFile(file);
    const back = path.join(folder, "back.onnx");
    await atomicWrite(back, (sink) => writeModel(again.model, sink));
    await again.close();
    expect(Buffer.compare(await readFile(back), await readFile(inline))).toBe(0);
    await unlink(data);
    const without = await openModelFile(file);
    const weight = without.model.graph.initializer.find((tensor) => tensor.externalData.length > 0);
    expect(weight && (await slugOf(without.model.tensors.readFloat32(weight)))).toBe("missing-external-data");
    await writeFile(data, new Uint8Array(10));
    expect(weight && (await slugOf(without.model.tensors.readFloat32(weight)))).toBe("truncated-external-data");
    await without.close();
  });

  it("gives the same in ONNX Runtime in opset 25", async () => {
    const { model, close } = await openModelFile(original);
    expect(raiseOpset(model, 25).blockers).toEqual([]);
    const raised = path.join(folder, "raised.onnx");
    await atomicWrite(raised, (sink) => writeModel(model, sink));
    await close();
    expect(distance(await outputOf(raised, dims), await outputOf(original, dims))).toBeLessThan(1e-4);
  });
});

describe("a large model", () => {
  it("of 10,000 nodes is read once, in some thirty pieces", async () => {
    const file = chainFile(10_000);
    const source = countingSource(file);
    const model = await readModel(source);
    expect(model.graph.node.length).toBe(10_000);
    expect(source.reads.length).toBeLessThan(50);
    expect(source.bytesRead()).toBeLessThan(1.05 * file.length + 10_000);
    expect((await discoverLayers(model)).layers.length).toBe(3334);
  }, 30_000);

  it("with 3 GB of external data is opened and listed by its graph alone", async () => {
    const each = 4 * 1600 * 1600;
    const file = chainFile(900, each);
    const data = stampedSource(300 * each);
    const source = countingSource(file);
    let opened = 0;
    const model = await readModel(source, {
      openExternal: async () => {
        opened++;
        return data;
      },
    });
    const { layers } = await discoverLayers(model);
    expect(layers.length).toBe(300);
    expect(layers.reduce((sum, layer) => sum + layer.floatBytes, 0)).toBe(300 * each);
    expect(opened).toBe(0);
    expect(source.bytesRead()).toBeLessThan(1.05 * file.length + 10_000);
    const [last] = model.graph.initializer.slice(-1);
    expect(last && (await model.tensors.readFloat32(last, 5, 3)).length).toBe(3);
    expect(data.reads).toEqual([{ at: 299 * each + 20, length: 12 }]);
  });
});
