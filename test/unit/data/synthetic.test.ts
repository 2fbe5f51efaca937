import { describe, expect, it } from "vitest";
import type { Dataset } from "../../../src/core/data/dataset.ts";
import { take } from "../../../src/core/data/subset.ts";
import { syntheticDataset } from "../../../src/core/data/synthetic.ts";
import type { Tensor, ValueInfo } from "../../../src/core/ports.ts";
import { failure, input } from "./support.ts";

function made(inputs: readonly ValueInfo[], shapes: readonly (readonly number[])[], samples = 4, seed = 1): Dataset {
  const named = inputs.flatMap(({ name }, index) => (shapes[index] ? [[name, shapes[index]] as const] : []));
  return syntheticDataset(inputs, new Map(named), samples, seed);
}

async function fed(model: ValueInfo, shape: readonly number[], samples = 1): Promise<Tensor> {
  const { feeds } = await made([model], [shape], samples).batch(0, samples);
  return feeds[model.name] as Tensor;
}

const numbers = (tensor: Tensor) => Array.from(tensor.data as ArrayLike<number | bigint>, Number);

function moments(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { mean, deviation };
}

describe("made-up samples", () => {
  const image = input(["batch", 3, 16, 16]);

  it("say that they are made up", () => {
    const set = made([image], [[1, 3, 16, 16]]);
    expect(set).toMatchObject({ synthetic: true, hasLabels: false, samples: 4 });
    expect(set.notes[0]).toContain("no accuracy");
  });

  it("are the same for a seed, however they are batched, picked or how many there are", async () => {
    const whole = numbers((await made([image], [[1, 3, 16, 16]], 6).batch(0, 6)).feeds.input as Tensor);
    const row = whole.length / 6;
    const more = made([image], [[1, 3, 16, 16]], 9);
    for (let at = 0; at < 6; at++) {
      expect(numbers((await more.batch(at, 1)).feeds.input as Tensor)).toEqual(whole.slice(at * row, (at + 1) * row));
    }
    const part = more.pick(Uint32Array.of(4, 2), "part");
    const picked = numbers((await part.batch(0, 2)).feeds.input as Tensor);
    expect(picked).toEqual([...whole.slice(4 * row, 5 * row), ...whole.slice(2 * row, 3 * row)]);
  });

  it("differ from each other, between seeds and between inputs; their hashes too", async () => {
    const two = [input([null, 8], "float32", "a"), input([null, 8], "float32", "b")];
    const { feeds } = await made(
      two,
      [
        [1, 8],
        [1, 8],
      ],
      2,
    ).batch(0, 2);
    const rows = [feeds.a, feeds.b].flatMap((tensor) => [
      numbers(tensor as Tensor).slice(0, 8),
      numbers(tensor as Tensor).slice(8),
    ]);
    expect(new Set(rows.map(String)).size).toBe(4);
    const [a, b] = [made([image], [[1, 3, 16, 16]], 4, 1), made([image], [[1, 3, 16, 16]], 4, 2)];
    expect(numbers((await a.batch(0, 1)).feeds.input as Tensor)).not.toEqual(
      numbers((await b.batch(0, 1)).feeds.input as Tensor),
    );
    const others = [b, made([image], [[1, 3, 16, 16]], 5, 1), made([input([null, 3, 16, 20])], [[1, 3, 16, 20]])];
    expect(new Set([a, ...others, await take(a, 2, 1)].map(({ hash }) => hash)).size).toBe(5);
  });

  it("are as many as a fixed batch takes, and of the model's own batch", async () => {
    const set = made([input([8, 2])], [[8, 2]], 3);
    expect(set.samples).toBe(8);
    expect((await set.batch(0, 1)).feeds.input?.dims).toEqual([8, 2]);
  });

  it("are whole inputs where an input has no batch axis", async () => {
    const set = made([input([2, 1, 4], "float32", "state"), input([], "int64", "rate")], [[2, 1, 4], []], 3);
    const { feeds, samples } = await set.batch(2, 5);
    expect(samples).toBe(1);
    expect(feeds.state?.dims).toEqual([2, 1, 4]);
    expect(feeds.rate).toEqual({ type: "int64", dims: [], data: BigInt64Array.of(1n) });
  });
});

describe("made-up values", () => {
  it.each([
    ["channels first", [null, 3, 32, 32], 32, 1],
    ["channels last", [null, 32, 32, 3], 96, 3],
  ] as const)(
    "of pictures are smooth, with edges, normalized, and alike in their channels: %s",
    async (_, dims, down, right) => {
      const shape = [1, ...dims.slice(1)] as number[];
      const values = numbers(await fed(input(dims), shape, 16));
      const { mean, deviation } = moments(values);
      expect(Math.abs(mean)).toBeLessThan(0.4);
      expect(deviation).toBeGreaterThan(0.6);
      expect(deviation).toBeLessThan(1.3);
      expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(2.5);
      const at = (y: number, x: number, c: number) =>
        values[y * down + x * right + c * (right === 1 ? 1024 : 1)] as number;
      const steps: number[] = [];
      const colours: number[] = [];
      for (let y = 0; y < 32; y++) {
        for (let x = 0; x < 31; x++) {
          steps.push(Math.abs(at(y, x + 1, 0) - at(y, x, 0)));
          colours.push(at(y, x, 0) * at(y, x, 1));
        }
      }
      // Noise of 0.05 makes steps of 0.056 on average; white noise as strong as the picture would make them of 1.1.
      const flat = steps.filter((step) => step < 0.25).length / steps.length;
      expect(flat).toBeGreaterThan(0.7);
      expect(flat).toBeLessThan(0.999);
      expect(moments(colours).mean).toBeGreaterThan(0);
    },
  );

  it("of bytes fill their range as photographs do", async () => {
    const unsigned = numbers(await fed(input([null, 3, 16, 16], "uint8"), [1, 3, 16, 16], 8));
    expect(Math.min(...unsigned)).toBeGreaterThanOrEqual(0);
    expect(moments(unsigned).deviation).toBeGreaterThan(30);
    expect(Math.abs(moments(unsigned).mean - 128)).toBeLessThan(25);
    const signed = numbers(await fed(input([null, 3, 16, 16], "int8"), [1, 3, 16, 16], 8));
    expect(Math.abs(moments(signed).mean)).toBeLessThan(25);
  });

  it("of other floats are standard normal, halves too", async () => {
    const { mean, deviation } = moments(numbers(await fed(input([null, 4000]), [1, 4000])));
    expect(Math.abs(mean)).toBeLessThan(0.1);
    expect(Math.abs(deviation - 1)).toBeLessThan(0.1);
    const half = await fed(input([null, 100], "float16"), [1, 100]);
    expect(half.data).toBeInstanceOf(Uint16Array);
    // Exponents of halves between 2^-14 and 8: patterns of 0x0400 to 0x4800 without the sign.
    expect(numbers(half).every((pattern) => (pattern & 0x7fff) < 0x4800)).toBe(true);
  });

  it("of integers are ids that small tables have, positions, one segment, and masks that hide nothing", async () => {
    const ids = numbers(await fed(input([null, 64], "int64", "input_ids"), [1, 64]));
    expect(Math.max(...ids)).toBeLessThan(16);
    expect(new Set(ids).size).toBeGreaterThan(8);
    expect(numbers(await fed(input([null, 4], "int64", "attention_mask"), [1, 4]))).toEqual([1, 1, 1, 1]);
    expect(numbers(await fed(input([null, 4], "float32", "mask"), [1, 4]))).toEqual([1, 1, 1, 1]);
    expect(numbers(await fed(input([null, 4], "int64", "token_type_ids"), [1, 4]))).toEqual([0, 0, 0, 0]);
    expect(numbers(await fed(input([null, 4], "int32", "position_ids"), [1, 4], 2))).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
  });

  it("of booleans are both, but a single one is false", async () => {
    expect(new Set(numbers(await fed(input([null, 64], "bool"), [1, 64])))).toEqual(new Set([0, 1]));
    expect(numbers(await fed(input([1], "bool", "use_cache"), [1]))).toEqual([0]);
  });

  it("are not made for text, for what is no tensor, without a shape, or beyond memory", async () => {
    for (const [model, shape] of [
      [input([null], "string"), [1]],
      [input([], "unknown"), []],
      [input([null, "x"]), undefined],
      [input([null, "x", "y"]), [1, 1e9, 1e9]],
      [input([2 ** 53 - 1, 2]), [2 ** 53 - 1, 2]],
    ] as const) {
      const error = await failure(() => made([model], shape ? [shape] : []));
      expect(error.code).toBe("SQ4050");
      expect(error.place.item).toBe("input");
    }
    expect((await failure(() => made([input([null])], [[1]], 0))).code).toBe("SQ4035");
  });
});
