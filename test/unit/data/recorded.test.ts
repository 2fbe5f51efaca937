import { describe, expect, it } from "vitest";
import type { Batch, Dataset } from "../../../src/core/data/dataset.ts";
import { RecordedDataset, recordedRuns, recordingOf } from "../../../src/core/data/recorded.ts";
import { encodeRun, findRuns } from "../../../src/core/data/runRecords.ts";
import { syntheticDataset } from "../../../src/core/data/synthetic.ts";
import type { ByteSource, ValueInfo } from "../../../src/core/ports.ts";

const inMemory = (bytes: Uint8Array): ByteSource => ({
  size: bytes.length,
  read: async (at, length) => bytes.subarray(at, at + length),
});

/** A set of 10 samples for these inputs. */
function made(dims: Readonly<Record<string, ValueInfo["dims"]>>): Dataset {
  const inputs = Object.entries(dims).map(([name, d]): ValueInfo => ({ name, type: "float32", dims: d }));
  const shapes = new Map(
    inputs.map(({ name, dims: d }) => [name, d.map((dim) => (typeof dim === "number" ? dim : 1))]),
  );
  return syntheticDataset(inputs, shapes, 10, 1);
}

/** The set as a worker has it: recorded in runs of `size`, as bytes and back. */
async function recorded(dataset: Dataset, size: number): Promise<Dataset> {
  const recording = await recordingOf(dataset, dataset.samples);
  const parts: Uint8Array[] = [];
  for await (const run of recordedRuns(dataset, recording, size)) parts.push(...encodeRun("recovery", run));
  const runs = await findRuns(inMemory(Buffer.concat(parts)));
  return new RecordedDataset(
    "hash",
    recording,
    runs.map(({ samples }) => samples),
    async (i) => (await runs[i]?.read()) as Batch,
  );
}

async function batches(dataset: Dataset, size: number): Promise<readonly Batch[]> {
  const all: Batch[] = [];
  for (let at = 0; at < dataset.samples; at += all.at(-1)?.samples ?? 1) all.push(await dataset.batch(at, size));
  return all;
}

describe("a recorded set", () => {
  it.each([
    ["one input with an open batch", { x: ["N", 3] }],
    ["several", { x: ["N", 2, 2], y: [null, 5] }],
    ["a fixed batch, of which the last run is not full", { x: [4, 3] }],
    ["a batch of one", { x: [1, 3] }],
    ["a sample that is a whole input", { x: ["N", 3], state: [2, 1, 4] }],
  ] as const)("gives the very runs that the set gives, however it was recorded: %s", async (_, dims) => {
    const dataset = made(dims);
    for (const kept of [1, 3, 4, 10]) {
      const again = await recorded(dataset, kept);
      expect(again.samples).toBe(dataset.samples);
      for (const size of [1, 2, 3, 7, 10, 64]) expect(await batches(again, size)).toEqual(await batches(dataset, size));
    }
  });
});

describe("records of runs", () => {
  const run = (): Batch & { weights: Float64Array } => ({
    feeds: {
      a: { type: "float32", dims: [2, 1], data: Float32Array.of(1, Number.NaN) },
      b: { type: "int64", dims: [2], data: BigInt64Array.of(-1n, 2n ** 60n) },
    },
    samples: 1,
    repeated: 1,
    labels: Int32Array.of(3, -1),
    weights: Float64Array.of(0, 1 / 3),
  });
  const bytes = Buffer.concat([...encodeRun("sweep", run()), ...encodeRun("recovery", run())]);

  it("come back to the last bit", async () => {
    const found = await findRuns(inMemory(bytes));
    expect(found.map(({ kind }) => kind)).toEqual(["sweep", "recovery"]);
    expect(await found[1]?.read()).toEqual(run());
  });

  it("that are cut anywhere are refused, or are fewer", async () => {
    for (let at = 1; at < bytes.length; at++) {
      const found = await findRuns(inMemory(bytes.subarray(0, at))).catch((error: unknown) => error);
      if (found instanceof Error) expect(found).toBeInstanceOf(RangeError);
      else expect((found as readonly unknown[]).length).toBe(1);
    }
  });

  it.each([
    ["an unknown kind", { kind: "run", samples: 1, feeds: [] }],
    ["an unknown type", { kind: "sweep", samples: 1, feeds: [{ name: "a", type: "code", dims: [1] }] }],
    [
      "a type that every object has",
      { kind: "sweep", samples: 1, feeds: [{ name: "a", type: "toString", dims: [1] }] },
    ],
    ["a negative size", { kind: "sweep", samples: 1, feeds: [{ name: "a", type: "int8", dims: [-1] }] }],
    ["an endless size", { kind: "sweep", samples: 1, feeds: [{ name: "a", type: "int8", dims: [2 ** 50, 2 ** 50] }] }],
    ["no samples, which would go on for ever", { kind: "sweep", samples: 0, feeds: [] }],
  ])("with %s are refused", async (_, header) => {
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    await expect(findRuns(inMemory(Buffer.concat([length, text])))).rejects.toThrow(RangeError);
  });
});
