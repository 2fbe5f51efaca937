import { describe, expect, it } from "vitest";
import { memoryArrays } from "../../../src/core/data/arrays.ts";
import { openDataset } from "../../../src/core/data/dataset.ts";
import { type FixedInputs, filled, fixedArrays, ownFixedInputs } from "../../../src/core/data/fixedInputs.ts";
import { syntheticDataset } from "../../../src/core/data/synthetic.ts";
import { openTestData } from "../../../src/core/data/testData.ts";
import type { Tensor, ValueInfo } from "../../../src/core/ports.ts";
import { failure, input, tensor } from "./support.ts";

const audio = input([null, 4]);
const rate = input([], "int64", "sr");
const state = input([2, null, 3], "float32", "state");
const size = input([null, 2], "float32", "size");
const shapes = new Map([
  ["input", [1, 4]],
  ["sr", []],
  ["state", [2, 1, 3]],
  ["size", [1, 2]],
]);

const rows = tensor(
  "float32",
  [3, 4],
  Float32Array.from({ length: 12 }, (_, at) => at),
);

function open(arrays: Readonly<Record<string, Tensor>>, inputs: readonly ValueInfo[], fixed: FixedInputs) {
  return openDataset(memoryArrays(arrays, "set.npz"), inputs, { hash: "h", fixed: fixedArrays(inputs, shapes, fixed) });
}

describe("values of inputs", () => {
  it("fill a tensor, or are one for each element", () => {
    expect(filled(rate, [], [16_000])).toEqual(BigInt64Array.of(16_000n));
    expect(filled(size, [1, 2], [7])).toEqual(Float32Array.of(7, 7));
    expect(filled(size, [2], [0.5, 2])).toEqual(Float32Array.of(0.5, 2));
    expect(filled(input([2], "bool"), [2], [1, 0])).toEqual(Uint8Array.of(1, 0));
    // 1.5 as binary16.
    expect(filled(input([1], "float16"), [1], [1.5])).toEqual(Uint16Array.of(0x3e00));
  });

  it.each<[string, ValueInfo, readonly number[], readonly number[]]>([
    ["of another number", size, [2], [1, 2, 3]],
    ["with a fraction for whole numbers", rate, [], [1.5]],
    ["too large for their type", input([], "int8"), [], [128]],
    ["below 0 for a type without a sign", input([], "uint16"), [], [-1]],
    ["for text", input([], "string"), [], [1]],
  ])("%s are SQ4051", async (_, model, dims, values) => {
    const error = await failure(() => filled(model, dims, values));
    expect([error.code, error.place.item]).toEqual(["SQ4051", model.name]);
  });

  it("for names that are no inputs are not used, and that is said", () => {
    const { fixed, notes } = ownFixedInputs({ sr: [1], sra: [2], batch: [3] }, [audio, rate]);
    expect(fixed).toEqual({ sr: [1] });
    expect(notes).toHaveLength(2);
    expect(notes[0]).toBe("A value is given for sra, which is no input of the model (input, sr); did you mean sr?");
  });
});

describe("a set beside values", () => {
  it("needs no array for them, and a scalar keeps the batches that the model takes", async () => {
    const set = await open({ input: rows }, [audio, rate], { sr: [8000] });
    expect(set.samples).toBe(3);
    const { feeds, samples } = await set.batch(0, 2);
    expect(samples).toBe(2);
    expect(feeds.sr).toEqual(tensor("int64", [], BigInt64Array.of(8000n)));
    expect(feeds.input?.dims).toEqual([2, 4]);
  });

  it("has a row of them for each sample where the model wants that", async () => {
    const set = await open({ input: rows }, [audio, size], { size: [5, 6] });
    const { feeds } = await set.batch(1, 2);
    expect(feeds.size).toEqual(tensor("float32", [2, 2], Float32Array.of(5, 6, 5, 6)));
    expect((await set.pick(Uint32Array.of(2), "x").batch(0, 1)).feeds.size?.dims).toEqual([1, 2]);
  });

  it("gives a state whole, one sample at a time", async () => {
    const set = await open({ input: rows }, [audio, state, rate], { state: [0], sr: [1] });
    const { feeds, samples } = await set.batch(0, 3);
    expect([samples, feeds.input?.dims, feeds.state?.dims, feeds.sr?.dims]).toEqual([1, [1, 4], [2, 1, 3], []]);
  });

  it("takes them before its own arrays", async () => {
    const own = tensor("int64", [], BigInt64Array.of(1n));
    const set = await open({ input: rows, sr: own }, [audio, rate], { sr: [9] });
    expect((await set.batch(0, 1)).feeds.sr?.data).toEqual(BigInt64Array.of(9n));
  });

  it("may have its only array without a name", async () => {
    const set = await open({ "": rows }, [audio, rate], { sr: [9] });
    expect((await set.batch(2, 1)).feeds.input?.data).toEqual(Float32Array.of(8, 9, 10, 11));
  });

  it("says how to give a value where one is missing", async () => {
    const error = await failure(() => open({ input: rows }, [audio, rate], {}));
    expect([error.code, error.remedy]).toEqual(["SQ4030", expect.stringContaining("--input sr=VALUE")]);
  });

  it("of ONNX test data may lack their files, or have them", async () => {
    const run = (...tensors: readonly Tensor[]) => ({
      name: "run",
      inputs: tensors.map((each, index) => ({ name: `t${index}`, tensor: each })),
    });
    const one = tensor("float32", [1, 4], Float32Array.of(1, 2, 3, 4));
    const options = { name: "set", hash: "h", fixed: fixedArrays([rate, audio], shapes, { sr: [9] }) };
    for (const set of [run(one), run(tensor("int64", [], BigInt64Array.of(1n)), one)]) {
      const { feeds } = await (await openTestData([set, set], [rate, audio], options)).batch(0, 2);
      expect(feeds.sr?.data).toEqual(BigInt64Array.of(9n));
      expect(feeds.input?.dims).toEqual([2, 4]);
    }
  });
});

describe("made-up samples beside values", () => {
  const made = (fixed: FixedInputs, inputs: readonly ValueInfo[] = [audio, state, rate]) =>
    syntheticDataset(inputs, shapes, 4, 1, fixed);

  it("have them, and all else as without", async () => {
    const plain = (await made({}).batch(0, 1)).feeds;
    const given = (await made({ sr: [16_000] }).batch(0, 1)).feeds;
    expect(plain.sr?.data).toEqual(BigInt64Array.of(1n));
    expect(given.sr).toEqual(tensor("int64", [], BigInt64Array.of(16_000n)));
    expect([given.input, given.state]).toEqual([plain.input, plain.state]);
  });

  it("have them in each row", async () => {
    const { feeds } = await made({ size: [5, 6] }, [audio, size]).batch(0, 2);
    expect(feeds.size).toEqual(tensor("float32", [2, 2], Float32Array.of(5, 6, 5, 6)));
  });

  it("are other samples, by their hash", () => {
    const hashes = [{}, { sr: [1] }, { sr: [2] }, { sr: [2], state: [2] }].map((fixed) => made(fixed).hash);
    expect(new Set(hashes).size).toBe(4);
    // As before there were any: what was measured stays good.
    expect(hashes[0]).toMatch(/^synthetic:1:1:4:whole:/);
    expect(hashes[0]).not.toContain(";");
  });

  it("say which single values they made up, until they are given", () => {
    expect(made({}).notes.join()).toContain("The input sr is taken as 1: give its value (--input sr=VALUE)");
    expect(made({ sr: [1] }).notes).toHaveLength(1);
  });
});
