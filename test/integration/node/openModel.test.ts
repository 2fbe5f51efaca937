import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { writeModel } from "../../../src/core/onnx/write.ts";
import { atomicWriteAll } from "../../../src/node/files.ts";
import { type ModelFile, openModelFile } from "../../../src/node/openModel.ts";
import { createOrtInference } from "../../../src/node/ortInference.ts";
import { failure } from "../../unit/data/support.ts";
import { resnet8, tempFolder } from "./support.ts";

/** ResNet-8 with its weights in a file of their own, by our own writer. */
async function writeExternal(folder: string, location = "m.data"): Promise<string> {
  const target = path.join(folder, "m.onnx");
  const source = await openModelFile(resnet8);
  await atomicWriteAll([target, path.join(folder, location)], ([sink, data]) => {
    if (!sink || !data) throw new Error("no sinks");
    return writeModel(source.model, sink, { external: { location, sink: data } });
  });
  await source.close();
  return target;
}

async function weights({ model }: ModelFile): Promise<readonly number[]> {
  const sums: number[] = [];
  for (const tensor of model.graph.initializer) {
    sums.push((await model.tensors.readFloat32(tensor)).reduce((sum, value) => sum + value, 0));
  }
  return sums;
}

/** Reads all weights here, and loads the model in ONNX Runtime. */
async function bothRead(file: string): Promise<{ readonly here: string; readonly there: boolean }> {
  const session = await createOrtInference()
    .open({ path: file }, { optimization: "all" })
    .catch(() => undefined);
  await session?.close();
  const model = await openModelFile(file);
  try {
    await weights(model);
    return { here: "read", there: session !== undefined };
  } catch (error) {
    const { code } = await failure(() => Promise.reject(error));
    return { here: code, there: session !== undefined };
  } finally {
    await model.close();
  }
}

describe("a model in a file", () => {
  it("has its graph at once and its weights when they are asked for", async () => {
    const file = await openModelFile(resnet8);
    expect(file.path).toBe(resnet8);
    expect(file.bytes).toBe(readFileSync(resnet8).length);
    expect(file.model.graph.node.length).toBeGreaterThan(10);
    const all = await weights(file);
    expect(all.length).toBeGreaterThan(10);
    expect(all.every(Number.isFinite)).toBe(true);
    await file.close();
    await expect(weights(file)).rejects.toThrow();
  });

  it("with its weights in another file has the same weights", async () => {
    const file = await openModelFile(await writeExternal(tempFolder()));
    const inline = await openModelFile(resnet8);
    expect(file.bytes).toBeLessThan(inline.bytes / 4);
    expect(await weights(file)).toEqual(await weights(inline));
    await Promise.all([file.close(), inline.close()]);
  });

  it("that is changed while it is open ends in SQ1005, not in other weights", async () => {
    const copy = path.join(tempFolder(), "m.onnx");
    copyFileSync(resnet8, copy);
    utimesSync(copy, 1e9, 1e9);
    const file = await openModelFile(copy);
    const bytes = readFileSync(copy);
    bytes.fill(0, bytes.length / 2);
    writeFileSync(copy, bytes);
    expect((await failure(() => weights(file))).code).toBe("SQ1005");
    await file.close();
  });

  it("closes the file when it is no model", async () => {
    const file = path.join(tempFolder(), "m.onnx");
    writeFileSync(file, "<!doctype html>");
    const error = await failure(() => openModelFile(file));
    expect(error.code).toBe("SQ2002");
    expect(error.place.file).toBe(file);
    expect((await failure(() => openModelFile(`${file}.missing`))).code).toBe("SQ1001");
  });

  it("stops at a signal", async () => {
    const signal = AbortSignal.abort(new Error("stopped"));
    await expect(openModelFile(resnet8, { signal })).rejects.toThrow("stopped");
  });
});

describe("external data are read where ONNX Runtime reads them", () => {
  it("beside the model and below it", async () => {
    const folder = tempFolder();
    expect(await bothRead(await writeExternal(folder))).toEqual({ here: "read", there: true });
    mkdirSync(path.join(folder, "deep"));
    expect(await bothRead(await writeExternal(folder, "deep/m.data"))).toEqual({ here: "read", there: true });
  });

  it("through a link to a file below the model's folder", async () => {
    const folder = tempFolder();
    const model = await writeExternal(folder);
    mkdirSync(path.join(folder, "deep"));
    renameSync(path.join(folder, "m.data"), path.join(folder, "deep", "other"));
    symlinkSync(path.join("deep", "other"), path.join(folder, "m.data"));
    expect(await bothRead(model)).toEqual({ here: "read", there: true });
  });

  it("through links of both files into one folder, as download caches keep them", async () => {
    const folder = tempFolder();
    const [blobs, shown] = [path.join(folder, "blobs"), path.join(folder, "snapshot")];
    mkdirSync(blobs);
    mkdirSync(shown);
    await writeExternal(blobs);
    renameSync(path.join(blobs, "m.onnx"), path.join(blobs, "1a2b"));
    renameSync(path.join(blobs, "m.data"), path.join(blobs, "3c4d"));
    symlinkSync("../blobs/1a2b", path.join(shown, "m.onnx"));
    symlinkSync("../blobs/3c4d", path.join(shown, "m.data"));
    expect(await bothRead(path.join(shown, "m.onnx"))).toEqual({ here: "read", there: true });
  });

  it("beside a link to the model", async () => {
    const folder = tempFolder();
    const [real, shown] = [path.join(folder, "real"), path.join(folder, "shown")];
    mkdirSync(real);
    mkdirSync(shown);
    await writeExternal(real);
    symlinkSync("../real/m.onnx", path.join(shown, "m.onnx"));
    renameSync(path.join(real, "m.data"), path.join(shown, "m.data"));
    expect(await bothRead(path.join(shown, "m.onnx"))).toEqual({ here: "read", there: true });
  });

  it("but not through a link out of the model's folder: SQ2010", async () => {
    const folder = tempFolder();
    const inside = path.join(folder, "inside");
    mkdirSync(inside);
    const model = await writeExternal(inside);
    renameSync(path.join(inside, "m.data"), path.join(folder, "m.data"));
    symlinkSync("../m.data", path.join(inside, "m.data"));
    expect(await bothRead(model)).toEqual({ here: "SQ2010", there: false });
    // Nor where the folder on the way is the link.
    const other = path.join(folder, "other");
    mkdirSync(other);
    const deep = path.join(folder, "deep");
    mkdirSync(deep);
    symlinkSync("../deep", path.join(other, "way"));
    expect(await bothRead(await writeExternal(other, "way/m.data"))).toEqual({ here: "SQ2010", there: false });
  });

  it("nor by a path that climbs out: SQ2010 when the model is opened", async () => {
    const folder = tempFolder();
    const inside = path.join(folder, "inside");
    mkdirSync(inside);
    const model = await writeExternal(inside);
    const bytes = readFileSync(model);
    // "m.data" and "../m.d" have one length, so the message stays well-formed.
    const patched = Buffer.from(bytes.toString("latin1").replaceAll("m.data", "../m.d"), "latin1");
    writeFileSync(model, patched);
    renameSync(path.join(inside, "m.data"), path.join(folder, "m.d"));
    expect((await failure(() => openModelFile(model))).code).toBe("SQ2010");
  });

  it("missing, cut off or a folder, they end in an error of their own", async () => {
    const folder = tempFolder();
    const model = await writeExternal(folder);
    const data = path.join(folder, "m.data");
    truncateSync(data, 100);
    expect(await bothRead(model)).toEqual({ here: "SQ2012", there: false });
    renameSync(data, `${data}.moved`);
    expect(await bothRead(model)).toEqual({ here: "SQ2011", there: false });
    mkdirSync(data);
    expect(await bothRead(model)).toEqual({ here: "SQ1003", there: false });
  });
});
