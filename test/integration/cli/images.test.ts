import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openNpz } from "../../../src/core/data/npz.ts";
import type { Plan } from "../../../src/core/plan/types.ts";
import { openFileSource } from "../../../src/node/files.ts";
import { png } from "../../support/png.ts";
import { examples, json, readJson, sigmaquant, useProgram, workspace } from "./support.ts";

useProgram();

const side = 28;

/** The first images of one of the example's sets as PNG files: in folders of their classes, or all in one. */
async function writeImages(set: string, count: number, folder: string, how: "classes" | "flat"): Promise<string> {
  const source = await openFileSource(path.join(examples, set));
  const file = await openNpz(source, set);
  const rows = async (name: string) => (await (await file.open(name)).rows(0, count)).data;
  const pixels = (await rows("input")) as Uint8Array;
  const labels = (await rows("labels")) as BigInt64Array;
  await source.close();
  for (let index = 0; index < count; index++) {
    const own = how === "flat" ? folder : path.join(folder, String(labels[index]));
    mkdirSync(own, { recursive: true });
    const samples = pixels.subarray(index * side * side, (index + 1) * side * side);
    writeFileSync(path.join(own, `${index}.png`), png({ width: side, height: side, samples }));
  }
  return folder;
}

interface Result {
  readonly accuracy?: Plan["accuracy"];
  readonly layers: Plan["layers"];
  readonly notes: readonly string[];
  readonly evaluation?: { readonly float: { readonly top1?: number }; readonly quantized: { readonly top1?: number } };
}

interface Evaluated {
  readonly float: { readonly top1: number; readonly loss: number };
  readonly quantized: { readonly top1: number; readonly loss: number };
  readonly agreement: number;
}

describe("images in folders", () => {
  let folder = "";
  let model = "";
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-images-"));
    // Plans are written beside the model.
    model = path.join(folder, "mobilenetv2.onnx");
    for (const name of ["mobilenetv2.onnx", "preprocess.json"]) {
      copyFileSync(path.join(examples, name), path.join(folder, name));
    }
    await writeImages("evaluation.npz", 2000, path.join(folder, "classes"), "classes");
    await writeImages("calibration.npz", 512, path.join(folder, "flat"), "flat");
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const fast = ["--strategy", "uniform:4", "--recovery", "none", "--activation-range", "minmax", "--threads", "1"];
  const quantize = (calibration: string, evaluation: string, name: string) => {
    const sets = ["--calibration", calibration, "--evaluation", evaluation, "--samples", "32", "--bits", "4,8"];
    return json<Result>(["quantize", model, ...sets, ...fast, "-o", path.join(folder, `${name}.onnx`)]);
  };

  it("give the example the accuracy that its arrays give it, exactly", async () => {
    const calibration = path.join(examples, "calibration.npz");
    const arrays = await quantize(calibration, path.join(examples, "evaluation.npz"), "arrays");
    const images = await quantize(path.join(folder, "flat"), path.join(folder, "classes"), "images");
    expect([arrays.ended.code, images.ended.code]).toEqual([0, 0]);
    const { evaluation, accuracy, notes, layers } = images.value;
    expect(evaluation?.float.top1).toBe(0.933);
    expect(evaluation?.quantized.top1).toBe(arrays.value.evaluation?.quantized.top1);
    expect(accuracy).toEqual(arrays.value.accuracy);
    expect(layers.map(({ weightBits }) => weightBits)).toEqual(arrays.value.layers.map(({ weightBits }) => weightBits));
    expect(notes.join("\n")).toContain("Labels are the numbers that the folders are named by");
    expect(notes.join("\n")).toContain("the shorter side is scaled to 28");
    expect(readJson<Plan>(path.join(folder, "mobilenetv2.sigmaquant.json")).accuracy).toEqual(accuracy);
  }, 180_000);

  it("are compared with a quantized model as arrays are", async () => {
    const args = ["evaluate", model, path.join(folder, "arrays.onnx"), "--threads", "1", "--evaluation"];
    const arrays = await json<Evaluated>([...args, path.join(examples, "evaluation.npz")]);
    const images = await json<Evaluated>([...args, path.join(folder, "classes")]);
    expect(images.value.float.top1).toBe(0.933);
    expect(images.value.quantized.top1).toBe(arrays.value.quantized.top1);
    expect(images.value.agreement).toBe(arrays.value.agreement);
    // The same figures, added up in another order.
    expect(images.value.float.loss).toBeCloseTo(arrays.value.float.loss, 12);
    expect(images.value.quantized.loss).toBeCloseTo(arrays.value.quantized.loss, 12);
  }, 120_000);
});

describe("folders that are no samples", () => {
  it("end with a code, the file and what to do", async () => {
    const work = await workspace();
    const set = path.join(work.folder, "set");
    const analyze = (more: readonly string[] = []) =>
      sigmaquant(["analyze", work.model, "--calibration", set, ...more]);
    mkdirSync(path.join(set, "cat"), { recursive: true });
    const empty = await analyze();
    expect(empty.code).toBe(2);
    expect(empty.stderr).toMatch(/set: The folder has neither images nor ONNX test data.*\[SQ4060 image-folder\]/);
    writeFileSync(path.join(set, "cat/a.png"), "no image");
    const damaged = await analyze();
    expect([damaged.code, damaged.stderr]).toEqual([2, expect.stringMatching(/a\.png: .* \[SQ4061 image-damaged\]/)]);
    rmSync(path.join(set, "cat"), { recursive: true });
    symlinkSync(work.folder, path.join(set, "cat"));
    const link = await analyze();
    expect([link.code, link.stderr]).toEqual([2, expect.stringMatching(/cat: .* \[SQ4064 image-link\]/)]);
  });
});
