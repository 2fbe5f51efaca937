import { describe, expect, it } from "vitest";
import { inCell, jsonOnScreen, onScreen } from "../../../src/cli/screen.ts";
import { renderTable } from "../../../src/cli/table.ts";
import { node } from "../../../src/core/onnx/build.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import { tinyModel, weight } from "../../support/tinyModel.ts";
import { json, sigmaquant, useProgram, workspace } from "./support.ts";

useProgram();

/** Sets a terminal's title and colour, clears a line, and turns what follows around; the last is one character of two bytes. */
const name = "evil\u001b]0;title\u0007\u001b[31m\r\u001b[2K\nsecond\u202eline\u009b31m";

/** What a terminal obeys, but for the line ends. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

describe("names out of a stranger's file", () => {
  it.each(["inspect", "analyze"])("are nothing that a terminal obeys: %s", async (command) => {
    const { file } = await workspace();
    const model = tinyModel({
      inputs: { x: [1, 4] },
      outputs: ["y"],
      constants: { w: weight([4, 4], 1, 0.3) },
      nodes: [node("MatMul", ["x", "w"], ["y"], { name })],
    });
    const path = file("evil.onnx", await modelBytes(model));
    const { stdout, stderr, code } = await sigmaquant([command, path, "--verbose"]);
    expect(code).toBe(0);
    expect(stdout).toContain("evil␛]0;title");
    expect(stdout + stderr).not.toMatch(obeyed);
    // For machines they are what they are, and a terminal that shows them obeys nothing either.
    const { ended, value } = await json<{ readonly layers: readonly { readonly name: string }[] }>([command, path]);
    expect(value.layers[0]?.name).toBe(name);
    expect(ended.stdout).not.toMatch(/[\u007f-\u009f]/);
  });

  it("keep their line ends out of tables and out of errors, which are of one line", async () => {
    const rows = renderTable([{ head: "Layer" }], [[name]]).split("\n");
    expect(rows).toHaveLength(3);
    const { stderr } = await sigmaquant(["inspect", `no\u001b[31msuch\nfile.onnx`]);
    expect(stderr.trimEnd()).toMatch(/^error: no␛\[31msuch␊file\.onnx.*\[SQ1001 file-not-found\]$/m);
  });
});

describe("a text for the screen", () => {
  it("has pictures of control characters, and its line ends", () => {
    expect(onScreen("a\u001bb\nc\td")).toBe("a␛b\nc␉d");
    expect(inCell("a\nb\u2066c")).toBe("a␊b\ufffdc");
    expect(onScreen("Größe → 重み")).toBe("Größe → 重み");
  });

  it("of JSON is the same JSON", () => {
    const text = JSON.stringify({ name: "\u009b\u007f\u001b" });
    expect(JSON.parse(jsonOnScreen(text))).toEqual(JSON.parse(text));
  });
});
