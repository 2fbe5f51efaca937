import { describe, expect, it } from "vitest";
import { memoryArrays } from "../../../src/core/data/arrays.ts";
import { type Dataset, openDataset } from "../../../src/core/data/dataset.ts";
import { split, take } from "../../../src/core/data/subset.ts";
import type { Tensor } from "../../../src/core/ports.ts";
import { failure, input, tensor } from "./support.ts";

/** Sample i holds the number i; classes as given. */
function numbered(count: number, classOf?: (index: number) => number): Promise<Dataset> {
  const data = Float32Array.from({ length: count }, (_, index) => index);
  const labels = classOf && { labels: tensor("int32", [count], Int32Array.from(data, classOf)) };
  return openDataset(memoryArrays({ input: tensor("float32", [count, 1], data), ...labels }), [input([null, 1])], {
    hash: "h",
  });
}

async function members(set: Dataset): Promise<number[]> {
  const { feeds } = await set.batch(0, set.samples);
  const { data } = feeds.input as Tensor;
  return Array.from(data as Float32Array);
}

describe("a part of a set", () => {
  it("has the samples asked for, each once, in the set's order", async () => {
    const part = await take(await numbered(100), 30, 1);
    const found = await members(part);
    expect(part.samples).toBe(30);
    expect(new Set(found).size).toBe(30);
    expect(found).toEqual([...found].sort((a, b) => a - b));
  });

  it("is the same for the same seed, and another for another", async () => {
    const set = await numbered(100);
    const [a, b, c] = await Promise.all([take(set, 20, 5), take(set, 20, 5), take(set, 20, 6)]);
    expect(await members(b)).toEqual(await members(a));
    expect(b.hash).toBe(a.hash);
    expect(await members(c)).not.toEqual(await members(a));
    expect(c.hash).not.toBe(a.hash);
    expect(a.hash).not.toBe(set.hash);
  });

  it("takes every sample about as often", async () => {
    const counts = new Array<number>(20).fill(0);
    const set = await numbered(20);
    for (let seed = 0; seed < 400; seed++) {
      for (const member of await members(await take(set, 5, seed))) counts[member] = (counts[member] ?? 0) + 1;
    }
    // 100 times expected; 5 standard deviations of the binomial are 43.
    for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(43);
  });

  it("is the set itself where that has no more", async () => {
    const set = await numbered(10);
    expect(await take(set, 10, 1)).toBe(set);
    expect(await take(set, 11, 1)).toBe(set);
  });

  it("has labels that belong to its samples", async () => {
    const part = await take(await numbered(100, (index) => index % 7), 25, 3);
    const found = await members(part);
    expect([...((await part.labels()) ?? [])]).toEqual(found.map((member) => member % 7));
  });

  it("of a part is a part", async () => {
    const part = await take(await take(await numbered(100, (index) => index), 50, 1), 10, 2);
    const found = await members(part);
    expect(found.length).toBe(10);
    expect([...((await part.labels()) ?? [])]).toEqual(found);
  });

  it("keeps the proportions of the classes when stratified", async () => {
    // 60, 30 and 10 of 100.
    const set = await numbered(100, (index) => (index % 10 < 6 ? 0 : index % 10 < 9 ? 1 : 2));
    const counts = async (count: number) => {
      const labels = [...((await (await take(set, count, 1, "stratified")).labels()) ?? [])];
      return [0, 1, 2].map((wanted) => labels.filter((label) => label === wanted).length);
    };
    expect(await counts(10)).toEqual([6, 3, 1]);
    expect(await counts(50)).toEqual([30, 15, 5]);
    // 15 x 0.6, 0.3 and 0.1 are 9, 4.5 and 1.5: one seat is left for two equal remainders, and the first class gets it.
    expect(await counts(15)).toEqual([9, 5, 1]);
  });

  it("can't be stratified without labels, nor be of no sample", async () => {
    const set = await numbered(10);
    expect((await failure(() => take(set, 5, 1, "stratified"))).code).toBe("SQ4034");
    for (const count of [0, -1, 1.5, Number.NaN]) {
      expect((await failure(() => take(set, count, 1))).code).toBe("SQ4035");
    }
  });
});

describe("a set in two", () => {
  it.each(["plain", "stratified"] as const)("has every sample in exactly one half (%s)", async (choice) => {
    const set = await numbered(50, (index) => index % 3);
    const [a, b] = await split(set, 20, 9, choice);
    expect(a.samples).toBe(20);
    const all = [...(await members(a)), ...(await members(b))].sort((x, y) => x - y);
    expect(all).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(a.hash).not.toBe(b.hash);
    expect(await members(a)).toEqual(await members(await take(set, 20, 9, choice)));
  });

  it("needs something for each half", async () => {
    const set = await numbered(10);
    expect((await failure(() => split(set, 10, 1))).code).toBe("SQ4035");
  });
});
