import { copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { bundle, resnet8, root, start, tempFolder } from "./support.ts";

/** Loads a model and says what comes of it; how it ends is told by the last line. */
const loading = (before = "") => `
  import { createOrtInference } from "./src/node/ortInference.ts";
  ${before}
  const loaded = () => Object.keys(require.cache).some((file) => file.includes("onnxruntime"));
  const inference = createOrtInference();
  console.log("loaded at the start:", loaded());
  inference.open({ path: process.argv[2] }, { optimization: "all" }).then(
    (session) => console.log("inputs:", session.inputs.length, "loaded:", loaded()),
    (error) => console.log(error.describe?.() ?? error.stack),
  );`;

async function run(source: string, folder: string): Promise<string> {
  const { file } = await bundle(source, folder);
  const { stdout, stderr } = await start(process.execPath, [file, resnet8], { cwd: folder }).ended;
  expect(stderr).toBe("");
  return stdout;
}

describe("bundled as it ships", () => {
  it("presets are in the bundle: no file beside it is needed", async () => {
    const folder = tempFolder();
    const source = `
      import { listPresets, loadProfile } from "./src/node/profiles.ts";
      loadProfile("generic").then(({ profile }) => console.log(profile.name, listPresets().length));`;
    expect(await run(source, folder)).toMatch(/^Generic \d+\n$/);
  });

  it("ONNX Runtime is left outside, and loaded only when a model is", async () => {
    const folder = tempFolder();
    const { inputs } = await bundle(loading(), folder);
    expect(inputs.filter((file) => file.includes("onnxruntime"))).toEqual([]);
    symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
    expect(await run(loading(), folder)).toBe("loaded at the start: false\ninputs: 1 loaded: true\n");
  });

  it("without ONNX Runtime it says how to install it", async () => {
    expect(await run(loading(), tempFolder())).toContain("[SQ6001 runtime-missing]");
  });

  it("on a processor that ONNX Runtime has no binary for it says which have one", async () => {
    const folder = tempFolder();
    symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
    const elsewhere = 'Object.defineProperty(process, "arch", { value: "riscv64" });';
    const said = await run(loading(elsewhere), folder);
    expect(said).toMatch(/no binary for \w+ on riscv64\. Use .*arm64.* \[SQ6002 runtime-platform\]/);
  });

  it("with a binary that the system can't load it says so", async () => {
    const folder = tempFolder();
    const modules = path.join(folder, "node_modules");
    const installed = path.join(root, "node_modules");
    const binaries = path.join(modules, "onnxruntime-node/bin/napi-v6", process.platform, process.arch);
    mkdirSync(binaries, { recursive: true });
    for (const part of ["dist", "package.json"]) {
      symlinkSync(path.join(installed, "onnxruntime-node", part), path.join(modules, "onnxruntime-node", part));
    }
    symlinkSync(path.join(installed, "onnxruntime-common"), path.join(modules, "onnxruntime-common"));
    copyFileSync(path.join(root, "package.json"), path.join(binaries, "onnxruntime_binding.node"));
    const { file } = await bundle(loading(), folder);
    // Links are kept as they are, else Node would look for the binary where the real package is.
    const { stdout } = await start(process.execPath, ["--preserve-symlinks", file, resnet8], { cwd: folder }).ended;
    expect(stdout).toContain("[SQ6003 runtime-not-loaded]");
  });
});
