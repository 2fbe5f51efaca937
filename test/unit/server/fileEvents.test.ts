import path from "node:path";
import { describe, expect, it } from "vitest";
import { FileChangeType } from "vscode-languageserver/node";
import { changedFiles } from "../../../src/server/fileEvents.ts";
import { uriOf } from "../../../src/server/uris.ts";

const at = (...parts: readonly string[]) => path.resolve("/work", ...parts);
const found = {
  models: [at("nets", "a.onnx")],
  profiles: [at("nets", "deep", "b.hwprofile.json")],
  plans: [],
  sampleSets: [at("images")],
};
const deleted = (file: string) =>
  changedFiles({ uri: uriOf(file), type: FileChangeType.Deleted }, found, [at("nets", "open.hwprofile.json")]);

describe("what a deletion is about", () => {
  it("is a file that is looked for, known or not", () => {
    for (const file of [at("new.onnx"), at("x.npz"), at("images", "a.PNG"), at("images", "preprocess.json")])
      expect(deleted(file)).toEqual([file]);
  });

  it("is all that was in a folder, at any depth, open texts too", () => {
    expect(deleted(at("nets"))).toEqual([...found.models, ...found.profiles, at("nets", "open.hwprofile.json")]);
  });

  it("is a folder in a set of images", () => {
    expect(deleted(at("images", "cat"))).toEqual([at("images", "cat")]);
  });

  it("is nothing for other files and folders, whose names only begin alike", () => {
    for (const file of [at("net"), at("notes.txt"), at("out", "main.js")]) expect(deleted(file)).toEqual([]);
  });
});
