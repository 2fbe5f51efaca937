import { copyFileSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { TensorProto_DataType, TensorProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import type { Dataset } from "../../../src/core/data/dataset.ts";
import type { InferenceSession } from "../../../src/core/ports.ts";
import { openDataset } from "../../../src/node/openData.ts";
import { createOrtInference } from "../../../src/node/ortInference.ts";
import { failure, input, npy, zip } from "../../unit/data/support.ts";
import { examples, resnet8, tempFolder } from "./support.ts";

const pixels = [input([null, 2])];
const twoByTwo = npy("|u1", "(2, 2)", Uint8Array.of(1, 2, 3, 4));

async function rows(set: Dataset): Promise<readonly number[]> {
  const { feeds } = await set.batch(0, set.samples);
  return Array.from(feeds.input?.data as Float32Array);
}

/** Fraction of samples whose most likely class is their label. */
async function top1(session: InferenceSession, set: Dataset): Promise<number> {
  const [output = { name: "" }] = session.outputs;
  let right = 0;
  for (let at = 0; at < set.samples; ) {
    const { feeds, labels, samples } = await set.batch(at, 250);
    const logits = (await session.run(feeds))[output.name]?.data as Float32Array;
    const classes = logits.length / samples;
    for (let row = 0; row < samples; row++) {
      const scores = logits.subarray(row * classes, (row + 1) * classes);
      if (scores.indexOf(Math.max(...scores)) === labels?.[row]) right++;
    }
    at += samples;
  }
  return right / set.samples;
}

describe("the example's samples", () => {
  it.each([
    ["ResNet-8", resnet8, 0.936],
    ["the example's MobileNetV2", path.join(examples, "mobilenetv2.onnx"), 0.933],
  ])("give %s the accuracy that it is documented with", async (_, model, accuracy) => {
    const session = await createOrtInference().open({ path: model }, { optimization: "all" });
    const set = await openDataset(path.join(examples, "evaluation.npz"), session.inputs);
    expect(set).toMatchObject({ samples: 2000, hasLabels: true, synthetic: false, notes: [] });
    expect(await top1(session, set)).toBeCloseTo(accuracy, 10);
    await set.close();
    await session.close();
  });
});

describe("samples in a file", () => {
  it("are scaled by the preprocess.json beside them, or by another one", async () => {
    const folder = tempFolder();
    const file = path.join(folder, "set.npy");
    writeFileSync(file, twoByTwo);
    const plain = await openDataset(file, pixels);
    expect(await rows(plain)).toEqual([1, 2, 3, 4]);
    expect(plain.notes.join()).toContain("unscaled");
    const other = path.join(tempFolder(), "other.json");
    writeFileSync(other, '{ "scale": 10 }');
    const scaled = await openDataset(file, pixels, { preprocess: other });
    expect(await rows(scaled)).toEqual([10, 20, 30, 40]);
    writeFileSync(path.join(folder, "preprocess.json"), '{ "mean": 1 /* of all */ }');
    const shifted = await openDataset(file, pixels);
    expect(await rows(shifted)).toEqual([0, 1, 2, 3]);
    expect(await rows(await openDataset(file, pixels, { preprocess: other }))).toEqual([10, 20, 30, 40]);
    expect(new Set([plain.hash, scaled.hash, shifted.hash]).size).toBe(3);
    await Promise.all([plain, scaled, shifted].map((set) => set.close()));
  });

  it("have the same hash for the same bytes in another place, and another for other bytes", async () => {
    const folder = tempFolder();
    const files = ["a.npy", "b.npy", "c.npz"].map((name) => path.join(folder, name));
    const [a = "", b = "", c = ""] = files;
    writeFileSync(a, twoByTwo);
    copyFileSync(a, b);
    writeFileSync(c, zip([{ name: "input.npy", content: twoByTwo, deflate: true }]));
    const sets = await Promise.all(files.map((file) => openDataset(file, pixels)));
    expect(await Promise.all(sets.map(rows))).toEqual(new Array(3).fill([1, 2, 3, 4]));
    const [first, second, third] = sets.map(({ hash }) => hash);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    await Promise.all(sets.map((set) => set.close()));
  });

  it("that are changed while they are used end in SQ1005", async () => {
    const file = path.join(tempFolder(), "set.npy");
    writeFileSync(file, twoByTwo);
    utimesSync(file, 1e9, 1e9);
    const set = await openDataset(file, pixels);
    writeFileSync(file, npy("|u1", "(2, 2)", Uint8Array.of(5, 6, 7, 8)));
    expect((await failure(() => set.batch(0, 1))).code).toBe("SQ1005");
    await set.close();
  });

  it("of a kind that is not read are SQ4038, and the remedy says what is", async () => {
    const folder = tempFolder();
    for (const name of ["set.csv", "cat.png", "set"]) {
      const file = path.join(folder, name);
      writeFileSync(file, "x");
      const error = await failure(() => openDataset(file, pixels));
      expect(error.code).toBe("SQ4038");
      for (const kind of [".npz", ".npy", "folder of JPEG or PNG images", "input_0.pb", "test_data_set_0"])
        expect(error.remedy).toContain(kind);
    }
  });

  it("that are missing, broken or beside a broken preprocess.json say so, with the file", async () => {
    const folder = tempFolder();
    const missing = path.join(folder, "missing.npz");
    expect((await failure(() => openDataset(missing, pixels))).code).toBe("SQ1001");
    const file = path.join(folder, "set.NPZ");
    writeFileSync(file, "PK");
    const broken = await failure(() => openDataset(file, pixels));
    expect([broken.code, broken.place.file]).toEqual(["SQ4010", file]);
    writeFileSync(path.join(folder, "set.npy"), twoByTwo);
    writeFileSync(path.join(folder, "preprocess.json"), '{ "scale": 0 }');
    const error = await failure(() => openDataset(path.join(folder, "set.npy"), pixels));
    expect(error.code).toBe("SQ4021");
    expect(error.place).toMatchObject({ file: path.join(folder, "preprocess.json"), line: 1, column: 12 });
    const given = { preprocess: path.join(folder, "none.json") };
    expect((await failure(() => openDataset(path.join(folder, "set.npy"), pixels, given))).code).toBe("SQ1001");
  });

  it("are not opened after a signal", async () => {
    const signal = AbortSignal.abort(new Error("stopped"));
    await expect(openDataset(path.join(examples, "evaluation.npz"), pixels, {}, signal)).rejects.toThrow("stopped");
  });
});

describe("a folder of ONNX test data", () => {
  const pb = (values: readonly number[]) => {
    const dims = [1n, BigInt(values.length)];
    return toBinary(
      TensorProtoSchema,
      create(TensorProtoSchema, { dataType: TensorProto_DataType.FLOAT, dims, floatData: [...values] }),
    );
  };

  it("is one run, or has folders of runs, in the order of their numbers", async () => {
    const folder = tempFolder();
    for (const run of [0, 1, 2, 10]) {
      const own = path.join(folder, `test_data_set_${run}`);
      mkdirSync(own);
      writeFileSync(path.join(own, "input_0.pb"), pb([run, -run]));
      writeFileSync(path.join(own, "output_0.pb"), "not read");
    }
    const all = await openDataset(folder, pixels);
    expect(await rows(all)).toEqual([0, -0, 1, -1, 2, -2, 10, -10]);
    const one = await openDataset(path.join(folder, "test_data_set_2"), pixels);
    expect(await rows(one)).toEqual([2, -2]);
    expect(one.hash).not.toBe(all.hash);
    writeFileSync(path.join(folder, "test_data_set_10", "input_0.pb"), pb([10, 9]));
    expect((await openDataset(folder, pixels)).hash).not.toBe(all.hash);
  });

  it("gives inputs in the order of their numbers, not of their names", async () => {
    const folder = tempFolder();
    const inputs = Array.from({ length: 11 }, (_, index) => input([null, 1], "float32", `in${index}`));
    for (const [index] of inputs.entries()) writeFileSync(path.join(folder, `input_${index}.pb`), pb([index]));
    const { feeds } = await (await openDataset(folder, inputs)).batch(0, 1);
    const values = inputs.map(({ name }) => Number(feeds[name]?.data[0]));
    expect(values).toEqual(inputs.map((_, index) => index));
  });

  it("with a broken tensor is SQ4041 at its file", async () => {
    const folder = tempFolder();
    const file = path.join(folder, "input_0.pb");
    writeFileSync(file, "hello");
    const broken = await failure(() => openDataset(folder, pixels));
    expect([broken.code, broken.place.file]).toEqual(["SQ4041", file]);
    expect(readFileSync(file, "utf8")).toBe("hello");
  });
});
