import { describe, expect, it } from "vitest";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import type { Measurement } from "../../../src/core/sensitivity/types.ts";
import type { QueuedJob, SweepDescription } from "../../../src/queue/description.ts";
import { isQueuedJob, isSweepDescription, isWireError, resultOf, wireResult } from "../../../src/queue/guards.ts";
import { jobIdOf } from "../../../src/queue/submitted.ts";

const sha256 = "0".repeat(64);
const blob = { sha256, bytes: 10 };
const job: QueuedJob = { sweep: blob, layer: "conv", bits: [2, 4] };
const description: SweepDescription = {
  model: {
    files: [
      { path: "m.onnx", sha256, bytes: 5 },
      { path: "weights/w.bin", sha256, bytes: 5 },
    ],
    dims: { batch: 1 },
    inputs: { sr: [16000] },
    equalize: true,
    requantize: false,
    memory: 2 ** 30,
    blockSize: 32,
  },
  samples: blob,
  rows: ["input"],
  recovery: ["bias", "gptq"],
  batch: 64,
  threads: 2,
};
const model = (more: object) => ({ ...description, model: { ...description.model, ...more } });
const file = (path: string) => [{ path, sha256, bytes: 5 }];

describe("a job out of the queue", () => {
  it("is taken", () => {
    expect(isQueuedJob(job)).toBe(true);
  });

  it.each([
    ["a path for a hash", { ...job, sweep: { sha256: "../../x", bytes: 1 } }],
    ["an endless description", { ...job, sweep: { sha256, bytes: 2 ** 40 } }],
    ["no bits", { ...job, bits: [] }],
    ["bits that there are not", { ...job, bits: [64] }],
    ["an endless name", { ...job, layer: "x".repeat(100_000) }],
    ["a text", "job"],
  ])("is not taken with %s", (_, value) => {
    expect(isQueuedJob(value)).toBe(false);
  });

  it("has one name, which another has not", () => {
    expect(jobIdOf({ ...job })).toBe(jobIdOf(job));
    const others: readonly QueuedJob[] = [
      { ...job, bits: [2] },
      { ...job, layer: "fc" },
    ];
    expect(new Set([job, ...others].map(jobIdOf)).size).toBe(3);
  });
});

describe("the description of a sweep", () => {
  it("is taken, also after a journey as JSON", () => {
    expect(isSweepDescription(JSON.parse(JSON.stringify(description)))).toBe(true);
  });

  it.each([
    ["no file", model({ files: [] })],
    ["a file above its folder", model({ files: file("../m.onnx") })],
    ["a file at the root", model({ files: file("/etc/passwd") })],
    ["a file on a drive", model({ files: file("C:\\m.onnx") })],
    ["two files of one name", model({ files: [...file("m.onnx"), ...file("m.onnx")] })],
    ["a file of a petabyte", model({ files: [{ path: "m", sha256, bytes: 1e15 }] })],
    ["a size that is none", model({ dims: { batch: -1 } })],
    ["a value that is none", model({ inputs: { sr: ["rm"] } })],
    ["a method that there is not", { ...description, recovery: ["train"] }],
    ["no threads", { ...description, threads: 0 }],
    ["a million threads", { ...description, threads: 1e6 }],
    ["no samples", { ...description, samples: undefined }],
  ])("is not taken with %s", (_, value) => {
    expect(isSweepDescription(value)).toBe(false);
  });
});

describe("a result out of the queue", () => {
  const values = [
    [2, { nmse: 0.5, kl: 0.25 }],
    [4, { nmse: 0.1 }],
  ];

  it("is of the job that was asked for", () => {
    expect([...(resultOf({ values }, job)?.values ?? [])]).toEqual(values);
  });

  it("may hold figures that are no numbers, which JSON has not", () => {
    const measured = { nmse: Number.POSITIVE_INFINITY, kl: Number.NaN };
    const wire = wireResult({
      values: new Map<Bits, Measurement>([
        [2, measured],
        [4, { nmse: 0.1 }],
      ]),
    });
    expect(resultOf(JSON.parse(JSON.stringify(wire)), job)?.values.get(2)).toEqual(measured);
  });

  it.each([
    ["lacks bits", { values: values.slice(1) }],
    ["has others", { values: [...values, [8, { nmse: 0 }]] }],
    ["has a text for a figure", { values: [[2, { nmse: "0" }], values[1]] }],
    ["has more than figures", { values: [[2, { nmse: 0, code: "x" }], values[1]] }],
    ["is none", null],
  ])("is not taken when it %s", (_, value) => {
    expect(resultOf(value, job)).toBeUndefined();
  });
});

describe("an error out of the queue", () => {
  it("is taken with its code", () => {
    expect(isWireError({ message: "m", code: "SQ6005", slug: "s", remedy: "r", place: { item: "conv" } })).toBe(true);
  });

  it.each([
    { message: "m", code: "HACK" },
    { message: "m", place: { item: {} } },
    { message: "x".repeat(100_000) },
    { code: "SQ6005" },
  ])("is not taken otherwise (%#)", (value) => {
    expect(isWireError(value)).toBe(false);
  });
});
