import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { packageFile, targets, thisTarget, universal } from "../../../scripts/lib/package.mjs";
import { root } from "../../../scripts/lib/run.mjs";
import { platforms, runtimeFiles } from "../../../scripts/lib/runtimeFiles.mjs";
import { thirdPartyNotices } from "../../../scripts/lib/thirdParty.mjs";

const modules = path.join(root, "node_modules");
const isBinary = (file: string) => file.includes("/bin/");

describe("the packages", () => {
  it("are one for each platform that ONNX Runtime runs on, and one for all others", () => {
    const folder = path.join(modules, "onnxruntime-node/bin");
    const there = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".node"))
      .map((file) => file.split(path.sep).slice(1, 3).join("-"));
    expect([...platforms].sort()).toEqual(there.sort());
    expect(targets).toEqual([...platforms, universal]);
  });

  it("have a file each", () => {
    expect(new Set(targets.map((target) => packageFile(target))).size).toBe(targets.length);
    expect(targets).toContain(thisTarget());
  });
});

describe.each(platforms)("ONNX Runtime for %s", (platform) => {
  const files = runtimeFiles(platform);
  const binaries = files.filter(isBinary);

  it("is for that platform alone", () => {
    const [system, processor] = platform.split("-");
    expect(binaries.filter((file) => !file.includes(`/${system}/${processor}/`))).toEqual([]);
  });

  it("has every library beside it that the binding names", () => {
    const binding = binaries.find((file) => file.endsWith(".node")) ?? "";
    const folder = path.posix.dirname(binding);
    const names = readFileSync(path.join(modules, binding)).toString("latin1");
    const needed = readdirSync(path.join(modules, folder)).filter((name) => names.includes(`${name}\0`));
    expect(binaries.map((file) => path.posix.basename(file))).toEqual(expect.arrayContaining(needed));
    expect(needed.some((name) => name.includes("onnxruntime") && !name.endsWith(".node"))).toBe(true);
  });

  it("has the JavaScript that is required, and no sources, types or install scripts", () => {
    expect(files).toContain("onnxruntime-node/dist/index.js");
    expect(files).toContain("onnxruntime-common/dist/cjs/index.js");
    const others = files.filter((file) => !isBinary(file) && !/\.js$|\/package\.json$|licen[cs]e/i.test(file));
    expect(others).toEqual([]);
    expect(files.filter((file) => file.includes("/script/") || file.includes("/lib/"))).toEqual([]);
  });
});

describe("the licences of others", () => {
  const output = (...inputs: readonly string[]) => ({
    bytes: 0,
    imports: [],
    exports: [],
    inputs: Object.fromEntries(inputs.map((file) => [file, { bytesInOutput: 1 }])),
  });
  const outputs = {
    "dist/server.cjs": output("src/server/main.ts", "node_modules/fflate/esm/browser.js"),
    "dist/cli.cjs": output("node_modules/commander/index.js"),
  };
  const text = thirdPartyNotices({ inputs: {}, outputs }, (file) => !file.endsWith("cli.cjs"), ["onnxruntime-common"]);

  it("go along with what is bundled and shipped, with their text", () => {
    expect(text).toMatch(/^fflate \d\S+ \(MIT\)\n\nMIT License\n\nCopyright/m);
    expect(text).toContain("onnxruntime-common ");
  });

  it("are not those of what stays here", () => {
    expect(text).not.toContain("commander");
  });
});
