import { describe, expect, it } from "vitest";
import { imageRecipe } from "../../../../src/core/data/images/imageRecipe.ts";
import type { GivenPreprocess } from "../../../../src/core/data/preprocess.ts";
import type { ValueInfo } from "../../../../src/core/ports.ts";
import { failure, input } from "../support.ts";

const recipe = (inputs: readonly ValueInfo[], given?: GivenPreprocess, shape?: readonly number[]) =>
  imageRecipe(inputs, new Map(shape ? [["input", shape]] : []), given);
const of = (dims: ValueInfo["dims"], given?: GivenPreprocess, shape?: readonly number[]) =>
  recipe([input(dims)], given, shape);

describe("what images become", () => {
  it("is seen from the model's input, and what is assumed is said", () => {
    expect(of([null, 3, 224, 160])).toEqual({
      input: input([null, 3, 224, 160]),
      channels: "RGB",
      layout: "NCHW",
      fit: { height: 224, width: 160, resize: "shorter-side", crop: 1, interpolation: "bilinear", padding: 0 },
      preprocess: { scale: 1 / 255, mean: [0], std: [1], layout: "NCHW", channels: "RGB" },
      notes: [
        "Assumed of the images, as there is no preprocess.json: colours in the order RGB; the shorter side is scaled to 160, the rest cropped; bytes are scaled by 1/255.",
      ],
    });
  });

  it.each<[ValueInfo["dims"], string, string]>([
    [["N", 3, 32, 32], "RGB", "NCHW"],
    [["N", 32, 32, 3], "RGB", "NHWC"],
    [["N", 1, 28, 28], "L", "NCHW"],
    [[1, 28, 28, 1], "L", "NHWC"],
    [["N", null, 32, 32], "RGB", "NCHW"],
    [["N", 32, 32, null], "RGB", "NHWC"],
    // A picture of three rows is less likely than one of three colours.
    [["N", 3, 3, 32], "RGB", "NCHW"],
    [[3, 32, 32], "RGB", "NCHW"],
    [[32, 32, 3], "RGB", "NHWC"],
    [["N", 28, 28], "L", "NCHW"],
    [[1, 28, 28], "L", "NCHW"],
  ])("of %j is %s, %s", (dims, channels, layout) => {
    expect(of(dims)).toMatchObject({ channels, layout });
  });

  it("is what preprocess.json says, and nothing is then assumed", () => {
    const given: GivenPreprocess = {
      size: [32, 64],
      resize: "stretch",
      crop: 0.5,
      interpolation: "area",
      padding: 3,
      channels: "BGR",
      scale: 2,
      mean: [1, 2, 3],
      std: [4],
    };
    expect(of([null, 3, null, null], given)).toMatchObject({
      channels: "BGR",
      fit: { height: 32, width: 64, resize: "stretch", crop: 0.5, interpolation: "area", padding: 3 },
      preprocess: { scale: 2, mean: [1, 2, 3], std: [4] },
      notes: [],
    });
  });

  it("has its layout from preprocess.json where the shape fits both", () => {
    expect(of([null, 3, 32, 3]).layout).toBe("NCHW");
    expect(of([null, 3, 32, 3], { layout: "NHWC" })).toMatchObject({ layout: "NHWC", fit: { height: 3, width: 32 } });
    // It is of arrays beside the images, say: the model has its channels elsewhere.
    expect(of([null, 32, 32, 3], { layout: "NCHW" }).layout).toBe("NHWC");
  });

  it("has the assumed size where the model leaves it open", () => {
    const { fit, notes } = of([null, 3, "h", "w"], undefined, [1, 3, 48, 96]);
    expect([fit.height, fit.width]).toEqual([48, 96]);
    expect(notes.join()).toContain("48 x 96 pixels");
  });

  it("has bytes scaled to 0..1, unless mean and std are those of bytes, or the model takes bytes", () => {
    expect(of([1, 3, 8, 8], { mean: [0.5], std: [0.2] }).preprocess.scale).toBe(1 / 255);
    expect(of([1, 3, 8, 8], { mean: [123.7, 116.3, 103.5] }).preprocess.scale).toBe(1);
    expect(of([1, 3, 8, 8], { std: [58.4] }).notes.join()).toContain("mean and std are those of bytes");
    expect(recipe([input([1, 3, 8, 8], "uint8")]).preprocess.scale).toBe(1);
  });
});

describe("models that images can't feed", () => {
  it.each<[string, readonly ValueInfo[], string]>([
    ["take vectors", [input([null, 784])], "input float32[?, 784]"],
    ["take more channels", [input([null, 4, 32, 32])], "input float32[?, 4, 32, 32]"],
    ["take text", [input([null, 3, 8, 8], "string")], "input string[?, 3, 8, 8]"],
    ["take other things besides", [input([null, 3, 8, 8]), input([], "int64", "sr")], "others too: sr"],
    ["take two images", [input([null, 3, 8, 8]), input([null, 3, 8, 8], "float32", "right")], "others too: right"],
    ["leave the size open, and nothing tells it", [input([null, 3, null, null])], "leaves the size of images open"],
  ])("%s", async (_, inputs, message) => {
    const error = await failure(() => recipe(inputs));
    expect(error.code).toBe("SQ4065");
    expect(error.message).toContain(message);
  });

  it("take another size or other channels than preprocess.json says", async () => {
    expect((await failure(() => of([1, 3, 32, 32], { size: [32, 64] }))).code).toBe("SQ4065");
    expect((await failure(() => of([1, 3, 32, 32], { channels: "L" }))).code).toBe("SQ4022");
    expect((await failure(() => of([1, 1, 32, 32], { channels: "BGR" }))).code).toBe("SQ4022");
    expect((await failure(() => of([1, 1, 32, 32], { mean: [1, 2, 3] }))).code).toBe("SQ4022");
  });
});
