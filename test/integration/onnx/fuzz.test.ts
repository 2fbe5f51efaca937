import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { type Random, random } from "../../../src/core/data/random.ts";
import { SigmaQuantError } from "../../../src/core/errors.ts";
import { discoverLayers } from "../../../src/core/model/discover.ts";
import { raiseOpset } from "../../../src/core/onnx/opset.ts";
import { readModel } from "../../../src/core/onnx/read.ts";
import { allTensors } from "../../../src/core/onnx/walk.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import { countingSource } from "../../support/onnx/sources.ts";

const roundsPerFile = 250;

type Mutation = (bytes: Uint8Array, at: number, dice: Random) => Uint8Array;

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  return new Uint8Array(
    Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(Math.min(bytes.length, at + remove))]),
  );
}

const mutations: Readonly<Record<string, Mutation>> = {
  bit: (bytes, at, dice) => splice(bytes, at, 1, Uint8Array.of((bytes[at] as number) ^ (1 << dice.below(8)))),
  byte: (bytes, at, dice) => splice(bytes, at, 1, Uint8Array.of(dice.below(256))),
  extreme: (bytes, at, dice) => splice(bytes, at, 1, Uint8Array.of([0, 0x7f, 0x80, 0xff][dice.below(4)] as number)),
  hugeNumber: (bytes, at, dice) => splice(bytes, at, 1, new Uint8Array(1 + dice.below(12)).fill(0xff)),
  removed: (bytes, at, dice) => splice(bytes, at, 1 + dice.below(20), new Uint8Array(0)),
  inserted: (bytes, at, dice) =>
    splice(
      bytes,
      at,
      0,
      Uint8Array.from({ length: 1 + dice.below(20) }, () => dice.below(256)),
    ),
  repeated: (bytes, at, dice) => splice(bytes, at, 0, bytes.subarray(at, at + 1 + dice.below(200))),
  cut: (bytes, at) => bytes.subarray(0, at),
  several: (bytes, at, dice) => {
    const out = bytes.slice();
    for (let i = 0; i < 8; i++) out[(at + dice.below(300)) % out.length] = dice.below(256);
    return out;
  },
};

/** Places outside the large weights: changes in those cannot be noticed. */
async function structure(bytes: Uint8Array): Promise<number[]> {
  const model = await readModel(countingSource(bytes));
  const weight = new Uint8Array(bytes.length);
  for (const tensor of allTensors(model.proto)) {
    const payload = model.tensors.payload(tensor);
    if (payload?.kind === "file") for (const run of payload.runs) weight.fill(1, run.at, run.at + run.length);
  }
  return [...weight.keys()].filter((at) => weight[at] === 0);
}

/** Everything that the program does with a file it was just given, up to writing it again. */
async function use(bytes: Uint8Array): Promise<void> {
  const source = countingSource(bytes);
  const model = await readModel(source);
  await discoverLayers(model);
  for (const tensor of allTensors(model.proto)) {
    await model.tensors.readFloat32(tensor).catch((error: unknown) => {
      if (!(error instanceof SigmaQuantError)) throw error;
    });
  }
  const written = await modelBytes(model);
  await readModel(countingSource(written));
  raiseOpset(model, 25);
}

describe.each(["test/fixtures/models/resnet8.onnx", "examples/mobilenetv2.onnx"])("%s, damaged", (file) => {
  it(`ends in one readable error or opens, ${roundsPerFile} times`, async () => {
    const bytes = new Uint8Array(await readFile(file));
    const places = await structure(bytes);
    const names = Object.keys(mutations);
    let refused = 0;
    for (let round = 0; round < roundsPerFile; round++) {
      const dice = random(20, round);
      const name = names[round % names.length] as string;
      const at = places[dice.below(places.length)] as number;
      const damaged = (mutations[name] as Mutation)(bytes, at, dice);
      const started = performance.now();
      const error = await use(damaged).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      const what = `round ${round}: ${name} at byte ${at}`;
      if (error !== undefined) {
        expect(error, `${what}: ${error instanceof Error ? error.stack : error}`).toBeInstanceOf(SigmaQuantError);
        expect((error as SigmaQuantError).code, what).toMatch(/^SQ20\d\d$/);
        refused++;
      }
      expect(performance.now() - started, what).toBeLessThan(5000);
    }
    // Most damage is noticed; what changes a name or an attribute makes another good model.
    expect(refused).toBeGreaterThan(roundsPerFile / 3);
    expect(refused).toBeLessThan(roundsPerFile);
  }, 60_000);
});
