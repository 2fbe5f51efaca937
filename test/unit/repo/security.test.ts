import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";

/** Lines of the sources that match, with their files; comments are not looked at. */
function linesWith(pattern: RegExp, folders: readonly string[] = ["src", "webview"]): readonly string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).map((name) =>
        path.join(folder, name),
      ),
    )
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) =>
      readFileSync(path.join(root, file), "utf8")
        .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "")
        .split("\n")
        .filter((line) => pattern.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
}

describe("the sources, as SECURITY.md says", () => {
  it("are looked through at all", () => {
    expect(linesWith(/\bfork\(/)).toHaveLength(1);
  });

  it("send nothing anywhere", () => {
    expect(
      linesWith(/(?<![.\w]|async )fetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|TelemetryLogger/),
    ).toEqual([]);
  });

  it("make no code out of texts", () => {
    expect(linesWith(/(?<![.\w(])eval\(|new Function\b|\bsetTimeout\(\s*["'`]/)).toEqual([]);
  });

  it("put no text of a file into a page as HTML", () => {
    expect(linesWith(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment/)).toEqual([]);
  });

  it("give ONNX Runtime no libraries of operators to load", () => {
    expect(linesWith(/custom_?op/i, ["src/node", "src/engine", "src/cli", "src/server"]).filter(isCode)).toEqual([]);
  });
});

/** Messages of ONNX Runtime are matched by pattern. */
function isCode(line: string): boolean {
  return !/\/[^/]*custom op[^/]*\/i/.test(line);
}
