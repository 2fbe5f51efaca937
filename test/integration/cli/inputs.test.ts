import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { node } from "../../../src/core/onnx/build.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import { tinyModel, weight } from "../../support/tinyModel.ts";
import { json, sigmaquant, useProgram, workspace } from "./support.ts";

useProgram();

/** A layer whose 8 values are then taken as `size` rows: any value but the right ones fails. */
async function reshaping(): Promise<Uint8Array> {
  const model = tinyModel({
    nodes: [node("Gemm", ["x", "w"], ["y"]), node("Reshape", ["y", "size"], ["z"])],
    inputs: { x: [null, 4], size: { type: T.INT64, dims: [2] } },
    outputs: ["z"],
    constants: { w: weight([4, 8]) },
  });
  return modelBytes(model);
}

interface Analysis {
  readonly notes: readonly string[];
  readonly layers: readonly { readonly sensitivity?: Readonly<Record<string, number>> }[];
}

describe("values of inputs on the command line", () => {
  it("let a model run that made-up ones can't, and are said to be unknown where they are", async () => {
    const work = await workspace();
    const model = work.file("model.onnx", await reshaping());
    const analyze = ["analyze", model, "--bits", "4,8", "--threads", "1"];
    const failed = await sigmaquant(analyze);
    expect([failed.code, failed.stderr]).toEqual([2, expect.stringContaining("[SQ6007 run-failed]")]);
    const { ended, value } = await json<Analysis>([...analyze, "--input", "size=2,4", "--input", "sizes=1"]);
    expect([ended.code, ended.stderr.includes("error")]).toEqual([0, false]);
    expect(value.layers[0]?.sensitivity?.["4"]).toBeGreaterThan(value.layers[0]?.sensitivity?.["8"] ?? 1);
    expect(value.notes.join()).toContain("A value is given for sizes, which is no input of the model (x, size)");
    const written = await json<Analysis>(["quantize", model, "--strategy", "uniform:8", "--input", "size=4,2"]);
    expect(written.ended.code).toBe(0);
    const [quantized] = work.list().filter((file) => file.endsWith("generic.onnx"));
    expect(quantized).toBe("model.generic.onnx");
  });

  it.each([
    ["size", "SQ1034"],
    ["size=", "SQ1034"],
    ["size=one", "SQ1034"],
    ["=1", "SQ1034"],
    ["size=1,2,3", "SQ4051"],
    ["size=0.5", "SQ4051"],
  ])("that make no sense are told by a code: %s", async (text, code) => {
    const work = await workspace();
    const model = work.file("model.onnx", await reshaping());
    const ended = await sigmaquant(["analyze", model, "--input", text]);
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining(`[${code} `)]);
  });
});
