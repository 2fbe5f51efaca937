import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import type { Baseline, Plan } from "../../../src/core/plan/types.ts";
import { createOrtInference } from "../../../src/node/ortInference.ts";
import { examples, json, readJson, sigmaquant, useProgram, type Workspace, workspace } from "./support.ts";

useProgram();

/** The JSON of `quantize` and `allocate`, as issue and README describe it. */
interface Result {
  readonly verdict: "feasible" | "infeasible";
  readonly summary: string;
  readonly detail: string;
  readonly binding?: string;
  readonly nearest?: { readonly remedy: string };
  readonly strategy: string;
  readonly budgets: readonly { name: string; limit: number | null; use: number | null; unit: string }[];
  readonly layers: Plan["layers"];
  readonly accuracy?: Plan["accuracy"];
  readonly baselines: readonly Baseline[];
  readonly synthetic: boolean;
  readonly notes: readonly string[];
  readonly files: { readonly model?: string; readonly plan: string; readonly report: string; readonly csv: string };
}

const few = ["--samples", "32", "--batch", "32", "--threads", "1"];

function quantize({ model, calibration }: Workspace, ...more: readonly string[]): string[] {
  return ["quantize", model, "--calibration", calibration, ...few, ...more];
}

/** Bytes of a written model's constants that are weights, their scales, and int32 biases. */
function storedBytes(file: string): number {
  const { graph } = fromBinary(ModelProtoSchema, readFileSync(file));
  let bytes = 0;
  const own = new Set<string>();
  for (const node of graph?.node ?? []) {
    const [value = "", scale = ""] = node.input;
    const tensor = graph?.initializer.find((t) => t.name === value);
    if (node.opType !== "DequantizeLinear" || tensor === undefined) continue;
    own.add(value);
    // A bias has the scale of its weight times that of its input: a device computes it, and stores the integers alone.
    if (tensor.dataType !== T.INT32) own.add(scale);
  }
  for (const tensor of graph?.initializer ?? []) if (own.has(tensor.name)) bytes += tensor.rawData.length;
  return bytes;
}

describe("quantize", () => {
  it("writes a model within its budget that ONNX Runtime loads, and says all that was decided", async () => {
    const work = await workspace();
    const limit = 45_000;
    const args = quantize(work, "--evaluation", work.evaluation, "--bits", "2,4,8", "--weight-memory", `${limit}B`);
    const { ended, value } = await json<Result>(args);
    expect(ended.code).toBe(0);
    expect(value).toMatchObject({ verdict: "feasible", strategy: "sigmaquant", synthetic: false });
    expect(value.summary).toMatch(/^Fits, /);

    expect(value.budgets.map(({ name, unit }) => [name, unit])).toEqual([
      ["weightMemory", "B"],
      ["activationMemory", "B"],
      ["latency", "s"],
      ["energy", "J"],
      ["bops", "bitops"],
    ]);
    for (const budget of value.budgets) expect(Object.keys(budget).sort()).toEqual(["limit", "name", "unit", "use"]);
    const [weights] = value.budgets;
    expect(weights?.limit).toBe(limit);
    expect(weights?.use).toBeGreaterThan(20_000);
    expect(weights?.use).toBeLessThanOrEqual(limit);

    expect(value.layers).toHaveLength(10);
    for (const layer of value.layers) {
      expect(layer.name).not.toBe("");
      expect(["Conv", "Gemm"]).toContain(layer.opType);
      expect(layer.weightShape.length).toBeGreaterThan(1);
      expect(layer.params).toBe(layer.weightShape.reduce((a, b) => a * b, 1));
      expect(layer.macs).toBeGreaterThan(0);
      expect([2, 4, 8]).toContain(layer.weightBits);
      expect(layer.activationBits).toBe(8);
      expect(layer.sigma).toBeGreaterThan(0);
      expect(Object.keys(layer.sensitivity ?? {})).toEqual(["2", "4", "8"]);
      expect(layer.floatReason).toBeUndefined();
    }
    expect(value.accuracy).toMatchObject({ metric: "top1", how: "measured", samples: 40 });
    expect(value.accuracy?.float).toBeGreaterThan(0.8);
    expect(value.accuracy?.quantized).toBeGreaterThan(0.6);
    expect(value.baselines.map(({ bits }) => bits)).toEqual([2, 4, 8]);

    const { model, plan, report, csv } = value.files;
    expect([model, plan, report, csv].map((file) => path.basename(file ?? ""))).toEqual([
      "resnet8.generic.onnx",
      "resnet8.sigmaquant.json",
      "resnet8.generic.report.md",
      "resnet8.generic.report.csv",
    ]);
    expect(work.list().filter((file) => !/^(calib|test)\.npz$|^preprocess|^resnet8\.onnx$/.test(file))).toHaveLength(4);
    expect(readJson<Plan>(plan).layers.map((l) => l.weightBits)).toEqual(value.layers.map((l) => l.weightBits));
    expect(readFileSync(report, "utf8")).toContain(value.summary);
    expect(readFileSync(csv, "utf8").split("\r\n")).toHaveLength(12);

    expect(storedBytes(model ?? "")).toBe(weights?.use);
    const session = await createOrtInference().open({ path: model ?? "" }, { optimization: "all" });
    expect(session.outputs).toHaveLength(1);
    await session.close();

    expect(ended.stderr).toMatch(/^Reading: resnet8\.onnx$/m);
    for (const stage of ["Calibrating", "Measuring", "Searching", "Baselines", "Quantizing", "Evaluating"]) {
      expect(ended.stderr, stage).toContain(`${stage}: `);
    }
    expect(ended.stderr).not.toContain("error");
  });

  it("gives activations bits of their own where asked to, and meets what weights alone can't", async () => {
    const work = await workspace();
    const device = path.join(work.folder, "narrow.hwprofile.json");
    writeFileSync(
      device,
      JSON.stringify({ name: "narrow", weightBits: [2, 4, 8], activationBits: [4, 8, 16], budgets: { bopsM: 140 } }),
    );
    const args = quantize(work, "--profile", device, "--recovery", "none");
    const alone = await json<Result>(args);
    expect(alone.value).toMatchObject({ verdict: "infeasible", binding: "bops" });
    const note = "With activations of 4 bits this plan would fit: --mix-activations chooses the bits of each";
    expect(alone.value.notes).toContain(note);
    const { value } = await json<Result>([...args, "--mix-activations"]);
    expect(value.verdict).toBe("feasible");
    expect(value.notes).not.toContain(note);
    const own = new Set(value.layers.map(({ activationBits }) => activationBits));
    expect(own).toContain(4);
    expect(own.size).toBeGreaterThan(1);
    const bops = value.layers.reduce(
      (sum, l) => sum + (l.macs ?? 0) * (l.weightBits ?? 32) * (l.activationBits ?? 32),
      0,
    );
    expect(value.budgets.find(({ name }) => name === "bops")?.use).toBe(bops);
    // Those of 4 bits stand in the file behind a Clip, of which the model itself has none.
    const { graph } = fromBinary(ModelProtoSchema, readFileSync(value.files.model ?? ""));
    expect(graph?.node.map(({ opType }) => opType)).toContain("Clip");
    // Uniform bitwidths stay those of the usual activations.
    expect(value.baselines).toEqual(alone.value.baselines);
  });

  it("says why activations are not mixed where nothing limits them", async () => {
    const work = await workspace();
    const { value } = await json<Result>(quantize(work, "--mix-activations", "--recovery", "none"));
    expect(value.notes.join()).toMatch(/Activation bits are not mixed: there is no budget for latency/);
  });

  it("shows people a table, budgets, uniform bitwidths and, last of all, the verdict", async () => {
    const work = await workspace();
    const args = quantize(work, "--strategy", "exact", "--weight-memory", "44KiB", "--weights-only", "--quiet", "-o");
    const { code, stdout, stderr } = await sigmaquant([...args, path.join(work.folder, "small.onnx")], {
      env: { COLUMNS: "80" },
    });
    expect(code).toBe(0);
    expect(stderr).toBe("");
    const lines = stdout.trimEnd().split("\n");
    expect(lines.at(-1)).toMatch(/^Fits, .*\(measured on 32 samples\)$/);
    expect(lines.find((line) => line.includes("/f/Gemm"))).toMatch(/Gemm +10×64 +640 .* [2-8] +\S+ (B|KiB)$/);
    expect(stdout).toMatch(/^weight memory +\d+\.\d KiB +44\.0 KiB +\d/m);
    expect(stdout).toMatch(/^uniform 4 bits +\S+ KiB +yes/m);
    expect(stdout).toMatch(/^exact, \d\.\d\d? bits on average/m);
    expect(Math.max(...lines.slice(0, 12).map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(work.list()).toContain("small.onnx");
    expect(work.list()).toContain("small.report.md");
  });

  it("writes no model where the budgets can't be met, but plan and report with the nearest point", async () => {
    const work = await workspace();
    const { ended, value } = await json<Result>(quantize(work, "--weight-memory", "8KiB"));
    expect(ended.code).toBe(1);
    expect(value).toMatchObject({ verdict: "infeasible", binding: "weightMemory" });
    expect(value.summary).toMatch(/^Does not fit: weight memory is .* over$/);
    expect(value.nearest?.remedy).toMatch(/^Raise the budget of weight memory to .* KiB/);
    expect(Object.keys(value.files)).toEqual(["plan", "report", "csv"]);
    expect(work.list().filter((file) => file.endsWith(".onnx"))).toEqual(["resnet8.onnx"]);
    expect(readFileSync(value.files.report, "utf8")).toContain("Nearest: Raise the budget");
    expect(readJson<Plan>(value.files.plan).verdict.verdict).toBe("infeasible");
  });

  it("a missed accuracy target is told, with exit code 1, and the file that fits is there", async () => {
    const work = await workspace();
    const args = quantize(work, "--strategy", "uniform:2", "--max-drop", "1%", "--recovery", "none");
    const { code, stdout } = await sigmaquant([...args, "--quiet"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^Fits, but loses \d+\.\d points; target \d\.\d/m);
    expect(stdout).toMatch(/^Nearest: Allow a loss of/m);
    expect(work.list()).toContain("resnet8.generic.onnx");
  });

  it("pins of a plan hold; the plan that is written keeps them", async () => {
    const work = await workspace();
    const pins = work.file(
      "pins.sigmaquant.json",
      `{ // By hand, no more than is needed.
        "version": 1, "model": "resnet8.onnx", "profile": "preset:generic",
        "layers": [
          { "name": "/l/l.2/c2/Conv", "weightBits": 8, "pinned": true },
          { "name": "/f/Gemm", "weightBits": null, "pinned": true },
          { "name": "/c/Conv", "weightBits": 2 },
        ],
      }`,
    );
    const args = quantize(work, "--strategy", "exact", "--weight-memory", "64KiB", "--pins", pins);
    const { ended, value } = await json<Result>(args);
    expect(ended.code).toBe(0);
    const of = (name: string) => value.layers.find((layer) => layer.name === name);
    expect(of("/l/l.2/c2/Conv")).toMatchObject({ weightBits: 8, pinned: true });
    expect(of("/f/Gemm")).toMatchObject({ weightBits: null, pinned: true, floatReason: "excluded in the plan" });
    expect(of("/c/Conv")?.pinned).toBeUndefined();
    expect(readJson<Plan>(value.files.plan).layers.filter((layer) => layer.pinned)).toHaveLength(2);
  });

  it("pins of the plan that is replaced are kept, and told of; none are on request", async () => {
    const work = await workspace();
    work.file(
      "resnet8.sigmaquant.json",
      `{ "version": 1, "model": "resnet8.onnx", "profile": "preset:generic",
        "layers": [{ "name": "/c/Conv", "weightBits": 2, "pinned": true }] }`,
    );
    const args = quantize(work, "--strategy", "exact", "--weight-memory", "64KiB", "--recovery", "none");
    const { value } = await json<Result>(args);
    expect(value.layers[0]).toMatchObject({ name: "/c/Conv", weightBits: 2, pinned: true });
    expect(value.notes).toContain(
      "Pins of resnet8.sigmaquant.json are kept (/c/Conv 2 bits); --pins none lets them go",
    );
    const free = await json<Result>([...args, "--pins", "none"]);
    expect(free.value.layers[0]?.pinned).toBeUndefined();
    expect(readJson<Plan>(free.value.files.plan).layers.some(({ pinned }) => pinned)).toBe(false);
  });

  it("takes paths with spaces and other letters, from another folder", async () => {
    const work = await workspace("mödel ☃ dir");
    work.file("mein Gerät.hwprofile.json", readFileSync(path.join(examples, "microcontroller.hwprofile.json")));
    const args = ["quantize", "resnet8.onnx", "--profile", "mein Gerät.hwprofile.json", "--calibration", "calib.npz"];
    const { ended, value } = await json<Result>([...args, ...few, "--strategy", "exact"], { cwd: work.folder });
    expect(ended.code).toBe(0);
    const model = path.join(work.folder, value.files.model ?? "");
    expect(existsSync(model)).toBe(true);
    expect(readJson<Plan>(path.join(work.folder, value.files.plan)).profile).toBe("mein Gerät.hwprofile.json");
    const [weights, , latency] = value.budgets;
    expect(weights).toMatchObject({ limit: 48 * 1024 });
    expect(latency?.use).toBeGreaterThan(0);
  });

  it("without samples says that it made them up, and claims no accuracy", async () => {
    const work = await workspace();
    const { code, stdout } = await sigmaquant(["quantize", work.model, "--strategy", "exact", ...few, "--quiet"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/~<?0\.\d{4}/);
    expect(stdout).toContain("No calibration set: sensitivities are estimated on synthetic samples (~)");
    expect(stdout).toContain("Neither a budget nor an accepted loss is set");
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/^Fits, accuracy unknown/);
    expect(stdout.match(/made up/g)).toBeNull();
  });

  it("--verbose says what it decides on its way, and how long it took", async () => {
    const work = await workspace();
    const args = quantize(work, "--weight-memory", "44KiB", "--max-drop", "5points", "--verbose", "--quiet");
    const { stderr } = await sigmaquant(args);
    for (const said of [
      /^Device Generic: weights of 2, 3, 4, 5, 6, 7, 8 bits; strategy sigmaquant$/m,
      /^Budgets: weight memory 44\.0 KiB$/m,
      /^Accepted loss: 5 points$/m,
      /^Open dimensions taken as batch=1$/m,
      /^Calibration: 32 samples, with labels$/m,
      /^Measuring took \d+\.\d s$/m,
      /^Sensitivities: kl on 32 samples$/m,
      /^Activations: \d+ values, ranges by (percentile|mse|minmax)$/m,
      /^Search: \d+ steps, \d+ of them kept$/m,
      /^Layers by the bits they are stored in: /m,
    ]) {
      expect(stderr).toMatch(said);
    }
  });
});

describe("Ctrl-C", () => {
  it.each(["Measuring: ", "Evaluating: "])("at %j leaves nothing behind", async (interruptAt) => {
    const work = await workspace();
    const before = work.list();
    const { code, stdout, stderr } = await sigmaquant(
      quantize(work, "--strategy", "exact", "--weight-memory", "44KiB"),
      {
        interruptAt,
      },
    );
    expect(code).toBe(130);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/Interrupted; nothing was written\.\n$/);
    expect(work.list()).toEqual(before);
  });

  it("leaves what was there before", async () => {
    const work = await workspace();
    const old = work.file("resnet8.generic.onnx", "old");
    await sigmaquant(quantize(work, "--strategy", "uniform:4"), { interruptAt: "Evaluating: " });
    expect(readFileSync(old, "utf8")).toBe("old");
  });
});

describe("allocate", () => {
  it("writes the plan alone, which names model and profile from where it lies", async () => {
    const work = await workspace();
    const profile = work.file(
      "board.hwprofile.json",
      '{ "name": "Board", "extends": "preset:max78000", "budgets": { "weightMemoryKiB": 44 } }',
    );
    const { folder: elsewhere } = await workspace("elsewhere");
    const output = path.join(elsewhere, "p.sigmaquant.json");
    const args = [
      "allocate",
      work.model,
      "--profile",
      profile,
      "--calibration",
      work.calibration,
      ...few,
      "-o",
      output,
    ];
    const { ended, value } = await json<Result>(args);
    expect(ended.code).toBe(0);
    expect(value.files).toEqual({ plan: output });
    const plan = readJson<Plan>(output);
    expect(path.resolve(elsewhere, plan.model)).toBe(work.model);
    expect(path.resolve(elsewhere, plan.profile)).toBe(profile);
    expect(plan.profile).not.toContain("\\");
    expect(plan.layers.every(({ weightBits }) => [2, 4, 8].includes(weightBits ?? 0))).toBe(true);
    expect(plan.accuracy?.how).toBe("simulated");
    expect(statSync(output).size).toBeGreaterThan(1000);
    expect(work.list()).not.toContain("resnet8.sigmaquant.json");
  });

  it("a budget of the command line goes before the profile's", async () => {
    const work = await workspace();
    const profile = work.file(
      "board.hwprofile.json",
      '{ "name": "Board", "extends": "preset:generic", "budgets": { "weightMemoryKiB": 44, "bopsM": 900 } }',
    );
    const args = ["allocate", work.model, "--profile", profile, "--calibration", work.calibration, ...few];
    const { value } = await json<Result>([...args, "--strategy", "exact", "--weight-memory", "31234B"]);
    const limits = Object.fromEntries(value.budgets.map(({ name, limit }) => [name, limit]));
    expect(limits).toMatchObject({ weightMemory: 31_234, bops: 900e6, latency: null });
    expect(value.budgets[0]?.use).toBeLessThanOrEqual(31_234);
  });
});
