import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";
import { modelInputs } from "../../../src/core/model/inputs.ts";
import { writeModel } from "../../../src/core/onnx/write.ts";
import { measureLayers } from "../../../src/core/pipeline/analysis.ts";
import { CandidateWeights, roundToNearest } from "../../../src/core/pipeline/candidates.ts";
import { prepareModel } from "../../../src/core/pipeline/prepare.ts";
import { atomicWriteAll } from "../../../src/node/files.ts";
import { openModelFile } from "../../../src/node/openModel.ts";
import { openSamples } from "../../../src/node/openSamples.ts";
import { createOrtInference } from "../../../src/node/ortInference.ts";
import { blobOf, putBlob } from "../../../src/queue/blobs.ts";
import { jobsInQueue } from "../../../src/queue/submit.ts";
import { newFolder, type Queue, startQueue, usePrograms } from "./support.ts";

usePrograms();

const resnet8 = path.join(root, "test/fixtures/models/resnet8.onnx");
const calibration = path.join(root, "examples/calibration.npz");
const inference = createOrtInference();

/**
 * Opens a model and finds all about it, as commands do, and has its layers measured by a queue.
 * @param change what another program does when all is prepared, and nothing is sent yet
 */
async function measure(model: string, queue: Queue, change: () => void): Promise<unknown> {
  const file = await openModelFile(model);
  onTestFinished(() => file.close());
  const found = await prepareModel(file.model, { path: model, inference });
  const dataset = await openSamples(calibration, modelInputs(file.model), found.shapes);
  onTestFinished(() => dataset.close());
  const weights = new CandidateWeights(found, roundToNearest);
  const running = { batch: 16, threads: 1 };
  const jobs = jobsInQueue(
    {
      url: queue.url,
      model: { file, dims: {}, inputs: {}, equalize: false, requantize: false },
      methods: new Set(),
      calibration: dataset,
      ...running,
    },
    () => undefined,
  );
  const settings = { ...running, inference, samples: 16, bits: () => [4] as const };
  return measureLayers(
    found,
    weights,
    dataset,
    {
      ...settings,
      elsewhere: (...sweep) => {
        change();
        return jobs(...sweep);
      },
    },
    () => undefined,
  );
}

/** The same bytes but for one in the middle, among the weights. */
function edited(file: string): Buffer {
  const bytes = readFileSync(file);
  const middle = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  return bytes;
}

/** Nothing of a sweep is on the server. */
async function isEmpty(queue: Queue): Promise<boolean> {
  return (await queue.keys("*")).length === 0;
}

describe("a model that is sent to a queue", () => {
  it("is the one that was prepared: a file that was written since ends the run in SQ1005, and nothing is sent", async () => {
    const model = path.join(newFolder("edited-"), "model.onnx");
    copyFileSync(resnet8, model);
    const queue = await startQueue();
    const edit = () => writeFileSync(model, edited(model));
    await expect(measure(model, queue, edit)).rejects.toMatchObject({ code: "SQ1005", place: { file: model } });
    expect(await isEmpty(queue)).toBe(true);
  });

  it("is not one that took its place, even with the same bytes", async () => {
    const folder = newFolder("replaced-");
    const model = path.join(folder, "model.onnx");
    const other = path.join(folder, "other.onnx");
    copyFileSync(resnet8, model);
    copyFileSync(resnet8, other);
    const queue = await startQueue();
    await expect(measure(model, queue, () => renameSync(other, model))).rejects.toMatchObject({ code: "SQ1005" });
    expect(await isEmpty(queue)).toBe(true);
  });

  it("has the data beside it that were there when it was prepared", async () => {
    const folder = newFolder("data-");
    const [model, data] = [path.join(folder, "model.onnx"), path.join(folder, "weights/w.bin")];
    mkdirSync(path.dirname(data));
    const whole = await openModelFile(resnet8);
    await atomicWriteAll([model, data], async ([sink, beside]) => {
      if (!sink || !beside) throw new Error("no sinks");
      await writeModel(whole.model, sink, { external: { location: "weights/w.bin", sink: beside } });
    });
    await whole.close();
    const queue = await startQueue();
    const edit = () => writeFileSync(data, edited(data));
    await expect(measure(model, queue, edit)).rejects.toMatchObject({ code: "SQ1005", place: { file: data } });
    expect(await isEmpty(queue)).toBe(true);
  });
});

describe("bytes that are sent to a queue", () => {
  it("are not taken for what they were hashed as when they are others by then, of the same length even", async () => {
    const { redis } = await startQueue();
    const blob = await blobOf([Buffer.from("before")]);
    const changed = putBlob(
      redis,
      blob,
      () => [Buffer.from("behind")],
      () => undefined,
    );
    await expect(changed).rejects.toMatchObject({ code: "SQ1005" });
    const again = await putBlob(
      redis,
      blob,
      () => [Buffer.from("before")],
      () => undefined,
    );
    // It was not there.
    expect(again).toBe(true);
  });
});
