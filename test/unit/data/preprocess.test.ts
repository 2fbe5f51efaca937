import { describe, expect, it } from "vitest";
import { parseGivenPreprocess, parsePreprocess } from "../../../src/core/data/preprocess.ts";
import { failure } from "./support.ts";

const parse = (text: string) => parsePreprocess(text, "preprocess.json");

describe("preprocess.json", () => {
  it("takes numbers for all channels or one each, with comments", () => {
    const text = `{
      // of ImageNet
      "scale": 0.5, "mean": [1, 2, 3], "std": 4, "layout": "NHWC", "channels": "BGR",
    }`;
    expect(parse(text)).toEqual({ scale: 0.5, mean: [1, 2, 3], std: [4], layout: "NHWC", channels: "BGR" });
  });

  it("leaves numbers as they are where it says nothing", () => {
    expect(parse("{}")).toEqual({ scale: 1, mean: [0], std: [1], layout: "NCHW" });
  });

  it("knows the fields for images, which arrays do not need", () => {
    const text = `{ "size": 224, "resize": "stretch", "crop": 0.875, "interpolation": "bicubic", "padding": 114,
      "classes": ["cat", "dog"] }`;
    expect(parse(text)).toEqual(parse("{}"));
    expect(parseGivenPreprocess(text, "preprocess.json")).toEqual({
      size: [224, 224],
      resize: "stretch",
      crop: 0.875,
      interpolation: "bicubic",
      padding: 114,
      classes: { cat: 0, dog: 1 },
    });
    const other = '{ "size": [240, 320], "classes": { "n01440764": 0, "n02102040": 217 }, "scale": 1 }';
    expect(parseGivenPreprocess(other, "preprocess.json")).toEqual({
      scale: 1,
      size: [240, 320],
      classes: { n01440764: 0, n02102040: 217 },
    });
  });

  it.each([
    ['{ "scale": 0 }', "scale", 1, 12],
    ['{ "scale": "1/255" }', "scale", 1, 12],
    ['{ "mean": [] }', "mean", 1, 11],
    ['{ "mean": [0, "a"] }', "mean.1", 1, 15],
    ['{\n "std": [1, 0] }', "std.1", 2, 13],
    ['{ "std": -1 }', "std", 1, 10],
    ['{ "mean": [1, 2], "std": [1, 2, 3] }', "std", 1, 26],
    ['{ "layout": "CHW" }', "layout", 1, 13],
    ['{ "channels": "RGBA" }', "channels", 1, 15],
    ['{ "size": 0 }', "size", 1, 11],
    ['{ "size": [224] }', "size", 1, 11],
    ['{ "size": [224, "x"] }', "size", 1, 11],
    ['{ "resize": 256 }', "resize", 1, 13],
    ['{ "crop": 1.5 }', "crop", 1, 11],
    ['{ "crop": 0 }', "crop", 1, 11],
    ['{ "resize": "none", "crop": 0.5 }', "crop", 1, 29],
    ['{ "resize": "longer-side-pad", "crop": 0.5 }', "crop", 1, 40],
    ['{ "interpolation": "nearest" }', "interpolation", 1, 20],
    ['{ "padding": 256 }', "padding", 1, 14],
    ['{ "padding": 0.5 }', "padding", 1, 14],
    ['{ "classes": "cat" }', "classes", 1, 14],
    ['{ "classes": ["cat", "cat"] }', "classes.1", 1, 22],
    ['{ "classes": ["cat", 1] }', "classes.1", 1, 22],
    ['{ "classes": { "cat": -1 } }', "classes.cat", 1, 23],
    ['{ "classes": { "cat": 0.5 } }', "classes.cat", 1, 23],
  ])("refuses %s at its place", async (text, item, line, column) => {
    const error = await failure(() => parse(text));
    expect(error.code).toBe("SQ4021");
    expect(error.place).toMatchObject({ file: "preprocess.json", item, line, column });
  });

  it("asks whether a misspelled field was meant", async () => {
    const error = await failure(() => parse('{ "means": [0.5] }'));
    expect(error.code).toBe("SQ4021");
    expect(error.remedy).toContain('"mean"');
  });

  it("has to be an object of JSON", async () => {
    expect((await failure(() => parse("{ scale: }"))).code).toBe("SQ4020");
    for (const text of ["[]", "1", "null"]) expect((await failure(() => parse(text))).code).toBe("SQ4021");
    expect((await failure(() => parse(`{ "x": "${"y".repeat(1_100_000)}" }`))).code).toBe("SQ4020");
  });
});
