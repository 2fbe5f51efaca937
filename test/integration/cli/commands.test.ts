import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import packageJson from "../../../package.json" with { type: "json" };
import { node } from "../../../src/core/onnx/build.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import { tinyModel, weight } from "../../support/tinyModel.ts";
import { fileText } from "./plans.ts";
import { examples, json, resnet8, sigmaquant, useProgram, workspace } from "./support.ts";

useProgram();

const names = [
  ...["inspect", "analyze", "allocate", "quantize", "evaluate", "compare", "matrix", "profiles", "validate", "worker"],
];

describe("help", () => {
  it("lists every command in lines of 80 characters", async () => {
    const { code, stdout, stderr } = await sigmaquant(["--help"]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    for (const name of names) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, "m"));
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it.each(names)("of %s has its options and an example, in lines of 80 characters", async (name) => {
    const { code, stdout } = await sigmaquant([name, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Examples?:\\n {2}\\$ sigmaquant ${name}`, "m"));
    for (const option of ["--json", "--quiet", "--verbose", "-h, --help"]) expect(stdout).toContain(option);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it("stands for a command line with nothing on it, which is no use of the program", async () => {
    const { code, stdout, stderr } = await sigmaquant([]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("Usage: sigmaquant");
  });

  it("--version is the package's", async () => {
    const { code, stdout } = await sigmaquant(["--version"]);
    expect([code, stdout]).toEqual([0, `${packageJson.version}\n`]);
  });
});

describe("inspect", () => {
  it("lists layers with shapes, MACs and sizes", async () => {
    const { code, stdout } = await sigmaquant(["inspect", resnet8]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/opset 13 · 10 layers · 77,418 parameters · 9\.35 M MACs · 301\.1 KiB in float/);
    expect(stdout).toContain("Assumed: batch=1 (change with --dim)");
    expect(stdout).toMatch(/^ 8 {2}\/l\/l\.2\/c2\/Conv +Conv {2}64×64×3×3 {2}36,864 +1\.81 M {2}144\.0 KiB$/m);
    expect(stdout).toMatch(/^Peak activation memory in float: 147\.0 KiB$/m);
  });

  it("as JSON has the same, and more", async () => {
    const { ended, value } = await json<{ layers: { name: string; macs: number }[]; macs: number; assumed: object[] }>([
      "inspect",
      resnet8,
      "--dim",
      "batch=2",
    ]);
    expect(ended.code).toBe(0);
    expect(value.layers).toHaveLength(10);
    expect(value.macs).toBe(value.layers.reduce((sum, { macs }) => sum + macs, 0));
    expect(value.assumed).toEqual([{ input: "input", axis: 0, name: "batch", value: 2 }]);
  });

  it("says when --dim names no open dimension", async () => {
    const { code, stdout } = await sigmaquant(["inspect", resnet8, "--dim", "bacth=2"]);
    expect(code).toBe(0);
    expect(stdout).toContain("--dim bacth=2 names no dimension that the model leaves open");
    expect(stdout).toContain("did you mean batch?");
  });

  it.each([60, 80, 100])("fits into %i columns", async (width) => {
    const { stdout } = await sigmaquant(["inspect", resnet8], { env: { COLUMNS: String(width) } });
    const rows = stdout.split("\n").filter((line) => line.includes("Conv"));
    expect(rows).toHaveLength(9);
    expect(
      Math.max(
        ...stdout
          .split("\n")
          .slice(2)
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(width);
  });
});

describe("analyze", () => {
  it("from the weights alone runs nothing and needs no data", async () => {
    const { ended, value } = await json<{
      metric: string;
      samples: number;
      layers: { statistics: { sigma: number; errors: { bits: number; kl: number; sqnrDb: number }[] } }[];
    }>(["analyze", resnet8, "--no-run", "--bits", "2,4"]);
    expect(ended.code).toBe(0);
    expect(value).toMatchObject({ metric: "weights", samples: 0 });
    expect(value.layers).toHaveLength(10);
    for (const { statistics } of value.layers) {
      expect(statistics.errors.map(({ bits }) => bits)).toEqual([2, 4]);
      const [two, four] = statistics.errors;
      expect(two?.kl).toBeGreaterThan(four?.kl ?? 9);
      expect(two?.sqnrDb).toBeLessThan(four?.sqnrDb ?? 0);
    }
    expect(ended.stderr).not.toContain("Measuring");
  });

  it("on samples shows what each layer does to the output", async () => {
    const work = await workspace();
    const args = ["analyze", work.model, "--calibration", work.calibration, "--bits", "2,4,8", "--quiet"];
    const { code, stdout, stderr } = await sigmaquant(args);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("Sensitivity, measured: KL divergence of the network's output, nats; 32 samples");
    expect(stdout).toMatch(/^ 1 {2}\/c\/Conv +Conv +\d\.\d{4} +\d\.\d{4} +<?\d\.\d{4} +<?\d\.\d{4}$/m);
    expect(stdout).not.toContain("~");
  });

  it("without samples marks every figure", async () => {
    const { code, stdout } = await sigmaquant(["analyze", resnet8, "--bits", "2", "--samples", "8", "--quiet"]);
    expect(code).toBe(0);
    expect(stdout).toContain("8 made-up samples (~)");
    expect(stdout.match(/~<?\d/g)).toHaveLength(10);
  });
});

describe("evaluate", () => {
  it("a model beside itself loses nothing", async () => {
    const work = await workspace();
    const args = ["evaluate", work.model, work.model, "--evaluation", work.evaluation];
    const { ended, value } = await json<Record<string, unknown>>(args);
    expect(ended.code).toBe(0);
    expect(value).toMatchObject({ samples: 40, agreement: 1, kl: 0, nmse: 0, outputs: [{ sqnrDb: null }] });
    expect(value.float).toEqual(value.quantized);
  });

  it("shows people the same as a table", async () => {
    const work = await workspace();
    const args = ["evaluate", work.model, work.model, "--evaluation", work.evaluation, "--samples", "8", "--quiet"];
    const { code, stdout, stderr } = await sigmaquant(args);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^top-1 +\d+\.\d % +\d+\.\d % +0\.0 points$/m);
    expect(stdout).toMatch(/^agreement with float +100\.0 %$/m);
    expect(stdout).toMatch(/^SQNR of \S+ +no error$/m);
  });

  it("a model that was not made from the other is refused", async () => {
    const work = await workspace();
    const other = tinyModel({
      nodes: [node("Conv", ["image", "w"], ["scores"])],
      inputs: { image: ["batch", 1, 28, 28] },
      outputs: ["scores"],
      constants: { w: weight([10, 1, 28, 28]) },
    });
    const file = work.file("other.onnx", await modelBytes(other));
    const { code, stderr } = await sigmaquant(["evaluate", work.model, file, "--evaluation", work.evaluation]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/The models' inputs differ: input and image\..*\[SQ1028 models-differ\]/);
  });
});

describe("compare", () => {
  it("lays plans side by side", async () => {
    const work = await workspace();
    const small = work.file("small.sigmaquant.json", fileText({ a: 2, b: 4 }, 900));
    const large = work.file("large.sigmaquant.json", fileText({ a: 8, b: 4 }, 1500));
    const { code, stdout } = await sigmaquant(["compare", small, large]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^weight memory +900 B +1\.5 KiB$/m);
    expect(stdout).toMatch(/^a +2 +176 B +8 +176 B$/m);
    expect(stdout).toContain("1 layer differs, 1 has the same bits.");
    const { value } = await json<{ same: number; layers: object[]; budgets: object[]; verdicts: object[] }>([
      "compare",
      small,
      large,
    ]);
    expect(value).toMatchObject({ same: 1, layers: [{ name: "a", bits: [2, 8] }], budgets: [{ use: [900, 1500] }] });
    expect(value.verdicts).toHaveLength(2);
  });

  it("wraps where the terminal is narrow", async () => {
    const work = await workspace();
    const files = ["one", "two", "three"].map((name) =>
      work.file(`${name}.sigmaquant.json`, fileText({ a: 2 }, 900, "Does not fit: weight memory is 1.4 KiB over")),
    );
    const args = ["compare", ...files.map((file) => path.basename(file))];
    const { stdout } = await sigmaquant(args, { cwd: work.folder, env: { COLUMNS: "80" } });
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout.replace(/\s+/g, " ")).toContain("KiB over");
  });

  it("takes a plan that a person wrote", async () => {
    const work = await workspace();
    const text = '{ "version": 1, "model": "m", "profile": "p", "layers": [{ "name": "a", "weightBits": 4 }] }';
    const { code, stdout } = await sigmaquant(["compare", work.file("p.json", text)]);
    expect(code).toBe(0);
    expect(stdout).toContain("Not checked");
    expect(stdout).not.toContain("same bits");
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("Give a second plan to see the layers whose bits differ.");
  });
});

describe("profiles", () => {
  it("lists the presets, for people and for machines", async () => {
    const { code, stdout } = await sigmaquant(["profiles"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^generic +Generic +2, 3, 4, 5, 6, 7, 8 +8, 16 +–$/m);
    expect(stdout).toMatch(/^max78000 +MAX78000 +2, 4, 8 +8 +432\.0 KiB$/m);
    const { value } = await json<{ id: string; sources: { source: string }[] }[]>(["profiles"]);
    expect(value.map(({ id }) => id)).toEqual(expect.arrayContaining(["generic", "max78000", "shift-add"]));
    for (const { sources } of value.filter(({ id }) => id !== "generic")) expect(sources.length).toBeGreaterThan(0);
  });
});

describe("validate", () => {
  it("finds nothing wrong with the example's files", async () => {
    const files = ["microcontroller.hwprofile.json", "mobilenetv2.onnx", "preprocess.json"];
    const { code, stdout } = await sigmaquant(["validate", ...files.map((file) => path.join(examples, file))]);
    expect([code, stdout]).toEqual([0, "3 files: no problem found\n"]);
  });

  it("says file, line, column, and what to do, one problem a line", async () => {
    const work = await workspace();
    const profile = work.file(
      "board.hwprofile.json",
      '{\n  "name": "Board",\n  "weightBits": [2, 9],\n  "clock": 3,\n  "budget": {}\n}',
    );
    const plan = work.file("net.sigmaquant.json", fileText({ a: 4 }, 1).replace('"weightBits": 4', '"weightBits": 12'));
    const { code, stdout } = await sigmaquant(["validate", profile, plan]);
    expect(code).toBe(2);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.pop()).toBe("2 files, 2 with problems");
    expect(lines.some((line) => line.startsWith(`${profile}:3:`) && line.includes(": error: "))).toBe(true);
    expect(lines.some((line) => line.startsWith(`${profile}:4:3: error: Unknown property clock`))).toBe(true);
    expect(
      lines.some((line) => /net\.sigmaquant\.json:\d+:\d+: error: weightBits of a must be 2 to 8/.test(line)),
    ).toBe(true);
    for (const line of lines) expect(line).toMatch(/[^.?] \[SQ\d{4}\]$/);
    expect(stdout).toContain('Unknown property budget. Did you mean budgets? Write "budgets" [');
    const { ended, value } = await json<{ findings: { file: string; line: number; severity: string }[] }>([
      "validate",
      profile,
      plan,
    ]);
    expect(ended.code).toBe(2);
    expect(value.findings).toHaveLength(lines.length);
    expect(value.findings[0]).toMatchObject({ file: profile, line: 3, severity: "error" });
  });

  it("a warning is no error", async () => {
    const work = await workspace();
    const text = '{ "name": "B", "weightBits": [4], "activationBits": [8], "budgets": { "latencyMs": 5 } }';
    const { code, stdout } = await sigmaquant(["validate", work.file("b.hwprofile.json", text)]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/: warning: .*\[SQ3024\]$/m);
  });

  it("knows a plan by what is in it, and says what it does not check", async () => {
    const work = await workspace();
    const { code, stdout } = await sigmaquant([
      "validate",
      work.file("plan.json", fileText({ a: 4 }, 1)),
      work.calibration,
    ]);
    expect(code).toBe(2);
    const problem = expect.stringMatching(/calib\.npz: error: .*\[SQ1032\]$/);
    expect(stdout.trimEnd().split("\n")).toEqual([problem, "2 files, 1 with problems"]);
  });

  it("finds the broken model among good ones, and says how many are not", async () => {
    const work = await workspace();
    const cut = path.join(work.folder, "cut");
    mkdirSync(cut);
    const broken = path.join(cut, "broken.onnx");
    writeFileSync(broken, readFileSync(resnet8).subarray(0, 5000));
    const { code, stdout } = await sigmaquant(["validate", work.model, broken]);
    expect(code).toBe(2);
    const [problem, last, ...more] = stdout.trimEnd().split("\n");
    expect(problem).toContain(`${broken}: error: `);
    expect([last, more]).toEqual(["2 files, 1 with problems", []]);
  });
});
