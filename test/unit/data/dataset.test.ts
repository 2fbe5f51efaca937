import { describe, expect, it } from "vitest";
import { memoryArrays } from "../../../src/core/data/arrays.ts";
import { batchesFor, batchingOf } from "../../../src/core/data/batches.ts";
import { type Dataset, openDataset } from "../../../src/core/data/dataset.ts";
import type { Preprocess } from "../../../src/core/data/preprocess.ts";
import type { Tensor, ValueInfo } from "../../../src/core/ports.ts";
import { failure, input, tensor } from "./support.ts";

type Arrays = Readonly<Record<string, Tensor>>;

const open = (arrays: Arrays, inputs: readonly ValueInfo[], preprocess?: Preprocess): Promise<Dataset> =>
  openDataset(memoryArrays(arrays, "set.npz"), inputs, { hash: "h", ...(preprocess && { preprocess }) });

const floats = (dims: readonly number[], from = 0) =>
  tensor(
    "float32",
    dims,
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => from + i),
  );
const bytes = (dims: readonly number[]) =>
  tensor(
    "uint8",
    dims,
    Uint8Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i),
  );

describe("arrays and inputs", () => {
  it("meet by name, whatever the order, and what is left over is told", async () => {
    const inputs = [input([null, 2], "float32", "a"), input([null, 1], "float32", "b")];
    const set = await open({ b: floats([3, 1]), extra: floats([3, 1]), a: floats([3, 2]) }, inputs);
    const { feeds } = await set.batch(1, 1);
    expect(feeds).toEqual({ a: tensor("float32", [1, 2], Float32Array.of(2, 3)), b: floats([1, 1], 1) });
    expect(set.notes).toEqual(["Not inputs of the model, so not used: extra."]);
  });

  it("meet where there is one of each, and it is said", async () => {
    for (const name of ["", "images"]) {
      const set = await open({ [name]: floats([3, 2]) }, [input([null, 2])]);
      expect((await set.batch(0, 3)).feeds.input?.dims).toEqual([3, 2]);
      expect(set.notes[0]).toContain("the model's only input input");
    }
  });

  it("meet in order where NumPy gave the arrays numbers for names", async () => {
    const inputs = [input([null, 2], "float32", "a"), input([null, 1], "float32", "b")];
    const set = await open({ arr_1: floats([3, 1]), arr_0: floats([3, 2]) }, inputs);
    expect((await set.batch(0, 1)).feeds.a?.dims).toEqual([1, 2]);
    expect(set.notes[0]).toContain("in the order of the model's inputs: a, b");
  });

  it("that do not meet end in an error that names both sides", async () => {
    const inputs = [input([null, 2], "float32", "image"), input([null, 1], "float32", "size")];
    const error = await failure(() => open({ imag: floats([3, 2]), size: floats([3, 1]) }, inputs));
    expect(error.code).toBe("SQ4030");
    expect(error.message).toContain("float32[?, 2]");
    expect(error.message).toContain("imag, size");
    expect(error.remedy).toContain("Did you mean it by imag?");
  });

  it("labels are found beside them, but an input of that name comes first", async () => {
    const labels = tensor("int64", [3], BigInt64Array.of(5n, 6n, 7n));
    const set = await open({ input: floats([3, 2]), labels }, [input([null, 2])]);
    expect(set.hasLabels).toBe(true);
    expect((await set.batch(1, 2)).labels).toEqual(Int32Array.of(6, 7));
    const inputs = [input([null, 2]), input([null], "int64", "labels")];
    const without = await open({ input: floats([3, 2]), labels }, inputs);
    expect(without.hasLabels).toBe(false);
    expect(await without.labels()).toBeUndefined();
    expect((await without.batch(0, 1)).labels).toBeUndefined();
  });
});

describe("shapes", () => {
  const nchw = input(["batch", 3, 4, 5]);

  it.each([
    ["[2, 3, 4, 5]", [2, 3, 4, 5], nchw, [2, 3, 4, 5]],
    ["[2, 4, 5, 3], whose channels move", [2, 4, 5, 3], nchw, [2, 3, 4, 5]],
    ["[2, 3, 4, 5] for a model with channels last", [2, 3, 4, 5], input([null, 4, 5, 3]), [2, 4, 5, 3]],
    ["[2, 4, 5] without the channel axis", [2, 4, 5], input(["n", 1, 4, 5]), [2, 1, 4, 5]],
    ["[2, 1, 4, 5] with one too many", [2, 1, 4, 5], input(["n", 4, 5]), [2, 4, 5]],
    ["[2] for a row of one", [2], input(["n", 1]), [2, 1]],
    ["[2, 7] for an open length", [2, 7], input(["n", "length"]), [2, 7]],
  ] as const)("%s feed the model", async (_, dims, model, fed) => {
    const set = await open({ input: floats(dims) }, [model]);
    expect((await set.batch(0, 2)).feeds.input?.dims).toEqual(fed);
  });

  it("channels are where the numbers say: NHWC becomes NCHW pixel by pixel", async () => {
    const set = await open({ input: floats([1, 2, 2, 3]) }, [input([1, 3, 2, 2])]);
    const wanted = Float32Array.of(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11);
    expect((await set.batch(0, 1)).feeds.input?.data).toEqual(wanted);
    expect(set.notes.join()).toContain("taken as NHWC");
  });

  it.each([
    ["another size", [2, 3, 4, 6]],
    ["another rank", [2, 60]],
    ["axes that only chance would fit", [2, 4, 3, 5]],
  ])("%s is SQ4031 with both shapes", async (_, dims) => {
    const error = await failure(() => open({ input: floats(dims) }, [nchw]));
    expect(error.code).toBe("SQ4031");
    expect(error.message).toContain(`[${dims.join(", ")}]`);
    expect(error.message).toContain("[batch, 3, 4, 5]");
    expect(error.remedy).toContain("[samples, 3, 4, 5]");
  });

  it("a wrong layout in preprocess.json is what the remedy names", async () => {
    const preprocess = { scale: 1, mean: [0], std: [1], layout: "NCHW" as const };
    const error = await failure(() => open({ input: bytes([2, 4, 5, 3]) }, [nchw], preprocess));
    expect(error.remedy).toContain('"layout"');
    expect(error.remedy).toContain("NCHW");
  });

  it("different numbers of samples are SQ4033, but one row serves all", async () => {
    const inputs = [input([null, 2], "float32", "a"), input([null, 1], "float32", "b")];
    const error = await failure(() => open({ a: floats([3, 2]), b: floats([2, 1]) }, inputs));
    expect(error.code).toBe("SQ4033");
    expect(error.message).toContain("a 3, b 2");
    const set = await open({ a: floats([3, 2]), b: floats([1, 1], 9) }, inputs);
    expect((await set.batch(0, 3)).feeds.b).toEqual(tensor("float32", [3, 1], Float32Array.of(9, 9, 9)));
    const labels = tensor("int32", [1], Int32Array.of(4));
    expect((await failure(() => open({ a: floats([3, 2]), b: floats([3, 1]), labels }, inputs))).code).toBe("SQ4033");
  });

  it("no sample at all is SQ4035", async () => {
    expect((await failure(() => open({ input: floats([0, 2]) }, [input([null, 2])]))).code).toBe("SQ4035");
  });
});

describe("types", () => {
  const preprocess = { scale: 0.5, mean: [1, 2, 3], std: [2, 2, 2], layout: "NCHW" as const };

  it("bytes are scaled as preprocess.json says, floats are taken as scaled already, which is told", async () => {
    const model = input([null, 3, 1, 1]);
    const scaled = await open({ input: bytes([1, 3, 1, 1]) }, [model], preprocess);
    expect((await scaled.batch(0, 1)).feeds.input?.data).toEqual(Float32Array.of(-0.5, -0.75, -1));
    const plain = await open({ input: floats([1, 3, 1, 1]) }, [model], preprocess);
    expect((await plain.batch(0, 1)).feeds.input?.data).toEqual(Float32Array.of(0, 1, 2));
    expect(plain.notes.join()).toContain("taken as preprocessed");
  });

  it("bytes without preprocess.json go as they are, with a warning", async () => {
    const set = await open({ input: bytes([1, 3]) }, [input([null, 3])]);
    expect((await set.batch(0, 1)).feeds.input?.data).toEqual(Float32Array.of(0, 1, 2));
    expect(set.notes.join()).toContain("unscaled");
  });

  it("bytes for a model that takes bytes are never scaled", async () => {
    const set = await open({ input: bytes([1, 3, 1, 1]) }, [input([null, 3, 1, 1], "uint8")], preprocess);
    expect((await set.batch(0, 1)).feeds.input).toEqual(bytes([1, 3, 1, 1]));
  });

  it("channels of preprocess.json must be the array's", async () => {
    const error = await failure(() => open({ input: bytes([1, 1, 2, 2]) }, [input([null, 1, 2, 2])], preprocess));
    expect(error.code).toBe("SQ4022");
    expect(error.message).toMatch(/3 channels.* has 1/);
  });

  it("floats for integers, text for numbers and inputs that are no tensor are SQ4032", async () => {
    const text = tensor("string", [1, 1], ["a"]);
    expect((await failure(() => open({ input: floats([1, 2]) }, [input([null, 2], "int64")]))).code).toBe("SQ4032");
    expect((await failure(() => open({ input: text }, [input([null, 1])]))).code).toBe("SQ4032");
    expect((await failure(() => open({ input: floats([1, 1]) }, [input([null, 1], "string")]))).code).toBe("SQ4032");
    expect((await failure(() => open({ input: floats([1, 1]) }, [input([], "unknown")]))).code).toBe("SQ4032");
  });
});

describe("batches", () => {
  it("are as large as asked for where the model leaves it open, and the last is what is left", async () => {
    const set = await open({ input: floats([5, 1]) }, [input(["n", 1])]);
    const sizes: number[] = [];
    for (let at = 0; at < set.samples; ) {
      const batch = await set.batch(at, 2);
      sizes.push(batch.feeds.input?.dims[0] ?? 0);
      at += batch.samples;
    }
    expect(sizes).toEqual([2, 2, 1]);
  });

  it("are of the model's own size where that is fixed; the last reaches back and says so", async () => {
    const labels = tensor("int32", [5], Int32Array.of(0, 1, 2, 3, 4));
    const set = await open({ input: floats([5, 1]), labels }, [input([2, 1])]);
    const last = await set.batch(4, 100);
    expect(last.feeds.input?.data).toEqual(Float32Array.of(3, 4));
    expect(last).toMatchObject({ samples: 1, repeated: 1, labels: Int32Array.of(3, 4) });
    expect((await set.batch(0, 1)).samples).toBe(2);
    const small = await open({ input: floats([1, 1]) }, [input([2, 1])]);
    expect((await failure(() => small.batch(0, 1))).code).toBe("SQ4037");
  });

  it("take every sample exactly once, whatever the model's batch", () => {
    for (const size of [null, 1, 2, 3, 7]) {
      const inputs = [input([size, 1])];
      const fresh = new Array<number>(7).fill(0);
      for (const { from, count, repeated } of batchesFor(inputs, 7, 4)) {
        if (typeof size === "number") expect(count).toBe(size);
        for (let at = from + repeated; at < from + count; at++) fresh[at] = (fresh[at] ?? 0) + 1;
      }
      expect(fresh).toEqual(new Array(7).fill(1));
    }
  });

  it("are of one whole sample where an input has no batch axis", async () => {
    const inputs = [input([1, 4]), input([2, 1, 3], "float32", "state"), input([], "int64", "rate")];
    expect(batchingOf(inputs)).toEqual({ kind: "whole" });
    const rate = tensor("int64", [], BigInt64Array.of(16_000n));
    const set = await open({ input: floats([5, 4]), state: floats([5, 2, 1, 3]), rate }, inputs);
    const { feeds, samples } = await set.batch(3, 10);
    expect(samples).toBe(1);
    expect(feeds.input).toEqual(tensor("float32", [1, 4], Float32Array.of(12, 13, 14, 15)));
    expect(feeds.state).toEqual(tensor("float32", [2, 1, 3], Float32Array.of(18, 19, 20, 21, 22, 23)));
    expect(feeds.rate).toEqual(rate);
    const shared = await open({ input: floats([5, 4]), state: floats([2, 1, 3]), rate }, inputs);
    expect((await shared.batch(4, 1)).feeds.state).toEqual(floats([2, 1, 3]));
  });

  it("outside the set are SQ4036", async () => {
    const set = await open({ input: floats([5, 1]) }, [input(["n", 1])]);
    for (const from of [-1, 5, 0.5, Number.NaN]) {
      expect((await failure(() => set.batch(from, 1))).code).toBe("SQ4036");
    }
  });

  it("look at the signal", async () => {
    const set = await open({ input: floats([5, 1]) }, [input(["n", 1])]);
    await expect(set.batch(0, 1, AbortSignal.abort(new Error("stopped")))).rejects.toThrow("stopped");
  });
});
