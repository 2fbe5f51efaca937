import { describe, expect, it } from "vitest";
import { openDataset } from "../../../../src/core/data/dataset.ts";
import type { RgbaImage } from "../../../../src/core/data/images/image.ts";
import { type ImageSample, imageArrays } from "../../../../src/core/data/images/imageArray.ts";
import { imageRecipe } from "../../../../src/core/data/images/imageRecipe.ts";
import type { GivenPreprocess } from "../../../../src/core/data/preprocess.ts";
import type { ValueInfo } from "../../../../src/core/ports.ts";
import { failure, input } from "../support.ts";

/** Two pixels beside each other. */
function pair(...rgb: readonly [number, number, number, number, number, number]): RgbaImage {
  const [a, b, c, d, e, f] = rgb;
  return { width: 2, height: 1, data: Uint8Array.of(a, b, c, 255, d, e, f, 255) };
}

interface Loads {
  count: number;
}

function samplesOf(
  images: readonly RgbaImage[],
  loads: Loads = { count: 0 },
  labels?: readonly number[],
): ImageSample[] {
  return images.map((image, index) => ({
    file: `${index}.png`,
    ...(labels && { label: labels[index] as number }),
    load: async () => {
      loads.count++;
      return image;
    },
  }));
}

function open(samples: readonly ImageSample[], model: ValueInfo, given?: GivenPreprocess) {
  const recipe = imageRecipe([model], new Map(), given);
  return openDataset(imageArrays(samples, recipe, "set"), [model], { hash: "h", preprocess: recipe.preprocess });
}

const images = [pair(10, 20, 30, 40, 50, 60), pair(1, 2, 3, 4, 5, 6), pair(7, 8, 9, 10, 11, 12)];

describe("images as samples", () => {
  it("are normalized and laid out as the model takes them", async () => {
    const given: GivenPreprocess = { scale: 0.5, mean: [1, 2, 3], std: [1, 2, 4] };
    const first = await open(samplesOf(images), input([null, 3, 1, 2]), given);
    const { feeds } = await first.batch(0, 1);
    expect(feeds.input).toEqual({
      type: "float32",
      dims: [1, 3, 1, 2],
      data: Float32Array.of(4, 19, 4, 11.5, 3, 6.75),
    });
    const last = await open(samplesOf(images), input([null, 1, 2, 3]), { ...given, layout: "NHWC" });
    expect((await last.batch(0, 1)).feeds.input).toEqual({
      type: "float32",
      dims: [1, 1, 2, 3],
      data: Float32Array.of(4, 4, 3, 19, 11.5, 6.75),
    });
  });

  it("are bytes for a model that takes bytes, in its order of colours", async () => {
    const set = await open(samplesOf(images), input([null, 1, 2, 3], "uint8"), { channels: "BGR" });
    expect((await set.batch(1, 2)).feeds.input?.data).toEqual(Uint8Array.of(3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10));
  });

  it("feed models without a batch, or without an axis for the channel", async () => {
    const whole = await open(samplesOf(images), input([3, 1, 2]));
    expect((await whole.batch(2, 5)).feeds.input?.dims).toEqual([3, 1, 2]);
    const grey = await open(samplesOf(images), input(["N", 1, 2]));
    expect((await grey.batch(0, 3)).feeds.input?.dims).toEqual([3, 1, 2]);
  });

  it("have labels where they lie in classes", async () => {
    const set = await open(samplesOf(images, undefined, [2, 0, 1]), input([null, 3, 1, 2]));
    expect(set.hasLabels).toBe(true);
    expect((await set.batch(1, 2)).labels).toEqual(Int32Array.of(0, 1));
    expect((await open(samplesOf(images), input([null, 3, 1, 2]))).hasLabels).toBe(false);
  });

  it("are decoded when they are asked for, and once", async () => {
    const loads = { count: 0 };
    const set = await open(samplesOf(images, loads), input([null, 3, 1, 2]));
    expect(loads.count).toBe(0);
    const { feeds } = await set.batch(1, 1);
    expect(loads.count).toBe(1);
    expect((await set.pick(Uint32Array.of(1), "x").batch(0, 1)).feeds).toEqual(feeds);
    await set.batch(0, 3);
    await set.batch(0, 3);
    expect(loads.count).toBe(3);
  });

  it("stay in memory only as far as there is room for them", async () => {
    const loads = { count: 0 };
    const model = input([null, 3, 1, 2]);
    const recipe = imageRecipe([model], new Map(), undefined);
    // Room for two images of 6 bytes.
    const arrays = imageArrays(samplesOf(images, loads), recipe, "set", 13);
    const set = await openDataset(arrays, [model], { hash: "h", preprocess: recipe.preprocess });
    for (const at of [0, 1, 2, 0, 1, 2]) await set.batch(at, 1);
    expect(loads.count).toBe(4);
  });

  it("are not decoded after a signal", async () => {
    const stop = new AbortController();
    const loads = { count: 0 };
    const samples = samplesOf(images, loads).map(({ load, ...sample }) => ({
      ...sample,
      load: async () => {
        stop.abort(new Error("stopped"));
        return load();
      },
    }));
    const set = await open(samples, input([null, 3, 1, 2]));
    await expect(set.batch(0, 3, stop.signal)).rejects.toThrow("stopped");
    expect(loads.count).toBe(1);
  });

  it("of another size are SQ4067 where they are not to be scaled", async () => {
    const set = await open(samplesOf(images), input([null, 3, 2, 2]), { resize: "none" });
    const error = await failure(() => set.batch(1, 1));
    expect([error.code, error.place.file]).toEqual(["SQ4067", "1.png"]);
    expect(error.message).toContain("1 x 2 pixels (height, width), not 2 x 2");
  });
});
