import { describe, expect, it } from "vitest";
import { type CodeSyntax, modelNamesIn } from "../../../src/extension/codeNames.ts";

const names = (text: string, syntax: CodeSyntax) => modelNamesIn(text, syntax).map(({ name }) => name);

describe("models that Python names", () => {
  it.each([
    ["double quotes", 'session = ort.InferenceSession("models/net.onnx")', "models/net.onnx"],
    ["single quotes", "load('net.onnx')", "net.onnx"],
    ["a raw string", String.raw`load(r"models\net.onnx")`, String.raw`models\net.onnx`],
    ["backslashes with backslashes before them", String.raw`load("models\\net.onnx")`, String.raw`models\\net.onnx`],
    ["three quotes", '"""net.onnx"""', "net.onnx"],
    ["capitals", 'load("NET.ONNX")', "NET.ONNX"],
    ["the other kind of quote inside", `load("it's.onnx")`, "it's.onnx"],
  ])("in %s", (_, text, expected) => {
    expect(names(text, "python")).toEqual([expected]);
  });

  it("are strings that end in .onnx, and nothing around or behind that", () => {
    expect(names('a = "net.onnx.bak"; b = "uses net.onnx here"; c = net.onnx', "python")).toEqual([]);
  });

  it("are not in comments, and quotes in comments begin no string", () => {
    expect(names(`# it's "old.onnx"\nload("new.onnx")`, "python")).toEqual(["new.onnx"]);
  });

  it("are not in longer texts", () => {
    expect(names('"""Loads\n"net.onnx"\n"""\nload("net.onnx")', "python")).toEqual(["net.onnx"]);
  });

  it("are found behind a string without an end", () => {
    expect(names('a = "broken\nb = "net.onnx"', "python")).toEqual(["net.onnx"]);
  });

  it("come with their places, in their order", () => {
    const text = 'load("a.onnx")\nload("b.onnx")';
    const places = modelNamesIn(text, "python").map(({ name, offset }) => text.slice(offset, offset + name.length + 2));
    expect(places).toEqual(['"a.onnx"', '"b.onnx"']);
  });
});

describe("models that C++ names", () => {
  it.each([
    ["a string", 'Ort::Session session(env, "net.onnx", options);', "net.onnx"],
    ["a wide string", 'session(env, L"models\\\\net.onnx")', "models\\\\net.onnx"],
    ["a raw string", String.raw`auto p = R"(models\net.onnx)";`, String.raw`models\net.onnx`],
    ["a raw string with a delimiter", 'auto p = R"--(net.onnx)--";', "net.onnx"],
    ["a line with digit separators", `int n = 1'000; load("net.onnx");`, "net.onnx"],
    ["a line with a quote as a character", `if (c == '"') load("net.onnx");`, "net.onnx"],
    ["a line with a wide quote as a character", `if (c == L'"') load("net.onnx");`, "net.onnx"],
    ["a macro", '#define MODEL "net.onnx"', "net.onnx"],
  ])("in %s", (_, text, expected) => {
    expect(names(text, "c")).toEqual([expected]);
  });

  it("are not in comments", () => {
    const text = '// "a.onnx"\n/* "b.onnx"\n "c.onnx" */ load("d.onnx"); // it\'s';
    expect(names(text, "c")).toEqual(["d.onnx"]);
  });
});

describe("a huge file", () => {
  it("is looked at in its first part alone", () => {
    const text = `load("first.onnx")\n${"x = 1\n".repeat(400_000)}load("last.onnx")`;
    expect(names(text, "python")).toEqual(["first.onnx"]);
  });

  it("full of names gives as many as a person could read", () => {
    expect(names('load("net.onnx")\n'.repeat(10_000), "python")).toHaveLength(200);
  });

  /** A scan that goes through the text once takes milliseconds; one that begins anew at each quote takes minutes. */
  const patience = 5000;
  it.each([
    ["quotes without an end", '"""'.repeat(300_000), "python"],
    ["quotes that are escaped", `"${'\\"'.repeat(500_000)}`, "python"],
    ["comments that begin and do not end", `load("a.onnx");${"/*".repeat(500_000)}`, "c"],
    ["raw strings that do not end", `load("a.onnx");${'R"x('.repeat(250_000)}`, "c"],
    ["backslashes", `".onnx"${"\\".repeat(1_000_000)}`, "c"],
  ] as const)("of %s takes no longer than another", (_, text, syntax) => {
    const started = performance.now();
    modelNamesIn(`x = ".onnx"\n${text}`, syntax);
    expect(performance.now() - started).toBeLessThan(patience);
  });
});
