import path from "node:path";
import { describe, expect, it } from "vitest";
import { NamedModels } from "../../../src/server/namedModels.ts";

const root = path.resolve("/work space");
const at = (...names: readonly string[]) => path.join(root, ...names);
const models = [at("models", "net.onnx"), at("src", "net.onnx"), at("other", "deep", "other.onnx")];
const found = (name: string, document: string | null = at("src", "run.py"), folders = [root]) =>
  new NamedModels({ document: document ?? undefined, folders, models }).find(name);

describe("a name in code", () => {
  it("is a path from the file first, then from the workspace's folder", () => {
    expect(found("net.onnx")).toBe(at("src", "net.onnx"));
    expect(found("models/net.onnx")).toBe(at("models", "net.onnx"));
    expect(found("../models/net.onnx")).toBe(at("models", "net.onnx"));
    expect(found("./net.onnx")).toBe(at("src", "net.onnx"));
  });

  it("is a path from any folder of the workspace, the file's own first", () => {
    const folders = [at("models"), at("src"), at("other")];
    expect(found("deep/other.onnx", at("src", "sub", "run.py"), folders)).toBe(at("other", "deep", "other.onnx"));
    expect(found("net.onnx", at("src", "sub", "run.py"), folders)).toBe(at("src", "net.onnx"));
    expect(found("net.onnx", null, folders)).toBe(at("models", "net.onnx"));
  });

  it("may have backslashes, doubled or not", () => {
    expect(found(String.raw`..\models\net.onnx`)).toBe(at("models", "net.onnx"));
    expect(found(String.raw`models\\net.onnx`)).toBe(at("models", "net.onnx"));
  });

  it("may be absolute", () => {
    expect(found(at("models", "net.onnx"))).toBe(at("models", "net.onnx"));
  });

  it("is no model where there is none of that path, whatever is elsewhere", () => {
    expect(found("deep/other.onnx")).toBeUndefined();
    expect(found("nowhere.onnx")).toBeUndefined();
    expect(found("/net.onnx")).toBeUndefined();
    expect(found("")).toBeUndefined();
    expect(found("\0.onnx")).toBeUndefined();
  });
});
