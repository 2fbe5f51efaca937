import { renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parsePlan } from "../../../src/core/plan/planFile.ts";
import { planFindings } from "../../../src/server/language/planFindings.ts";
import { board, codesOf, findingOf, fixed, languageOn, planBench, quoted, workspace } from "./support.ts";

async function findings(text: string, profile = board) {
  const bench = await planBench(profile);
  return { found: planFindings(await bench.context(text)), bench };
}

/** A plan as a person writes it. */
const byHand = (layers: string, more = "") => `{
  "version": 1,
  "model": "net.onnx",
  "profile": "board.hwprofile.json",${more}
  "layers": [
${layers}
  ]
}
`;
const three =
  '    { "name": "conv1", "weightBits": 4 },\n    { "name": "conv2", "weightBits": 4 },\n    { "name": "fc", "weightBits": 8 }';

describe("a plan that the program made", () => {
  it("has nothing against it", async () => {
    const bench = await planBench();
    expect(planFindings(await bench.context(bench.text))).toEqual([]);
  });

  it("is over budget once its bits are, at the budget's line; re-allocating makes it fit", async () => {
    const bench = await planBench(board.replace('"weightMemoryKiB": 2,', '"weightMemoryKiB": 0.8,'), {
      fc: 8,
      conv1: 8,
    });
    const found = findingOf(planFindings(await bench.context(bench.text)), "SQ5111");
    expect(found).toMatchObject({ severity: "error" });
    expect(found.message).toMatch(
      /^Weight memory does not fit Board: [\d.]+ of 0\.8 KiB, [\d.]+ over\. Lower some layers, or re-allocate\.$/,
    );
    expect(quoted(bench.text, found)).toMatch(/^\d+$/);
    const fits = fixed(bench.text, found, "Re-allocate all layers");
    expect(codesOf(planFindings(await bench.context(fits)))).toEqual([]);
    expect(parsePlan(fits, "plan").verdict.verdict).toBe("feasible");
  });

  it("tells that its figures are of other bits after an edit by hand, and computes them anew", async () => {
    const bench = await planBench(board, { conv1: 8 });
    const edited = bench.text.replace(
      '"name": "conv1", "opType": "Conv", "weightBits": 8',
      '"name": "conv1", "opType": "Conv", "weightBits": 2',
    );
    const found = findingOf(planFindings(await bench.context(edited)), "SQ5119");
    expect(found.severity).toBe("information");
    const computed = fixed(edited, found, "Recompute");
    const made = await planBench(board, { conv1: 2 });
    const figures = (text: string) => parsePlan(text, "plan");
    expect(figures(computed).layers).toEqual(figures(made.text).layers);
    expect(figures(computed).budgets).toEqual(figures(made.text).budgets);
    expect(codesOf(planFindings(await bench.context(computed)))).toEqual([]);
  });

  it("tells that the model has changed, and takes its figures over", async () => {
    const bench = await planBench(board, {}, (plan) => ({ ...plan, modelHash: "0123" }));
    const found = findingOf(planFindings(await bench.context(bench.text)), "SQ5115");
    expect(quoted(bench.text, found)).toBe('"0123"');
    const after = fixed(bench.text, found, "Take over");
    expect(parsePlan(after, "plan").modelHash).toBe(bench.session.state.modelHash);
    expect(codesOf(planFindings(await bench.context(after)))).toEqual([]);
  });
});

describe("bits of a plan", () => {
  it("that the device lacks are told with those it has; the nearest is written", async () => {
    const text = byHand(three.replace('"conv2", "weightBits": 4', '"conv2", "weightBits": 3'));
    const { found } = await findings(text);
    const finding = findingOf(found, "SQ5112");
    expect(finding).toMatchObject({ severity: "warning", slug: "bits-not-on-device" });
    expect(quoted(text, finding)).toBe("3");
    expect(finding.message).toContain("Board has no 3-bit weights for Conv: it has 2, 4 and 8");
    expect(fixed(text, finding, "Change conv2 to 4 bits")).toBe(byHand(three));
  });

  it("of a layer that stays in float are told with the reason", async () => {
    const profile = board.replace(
      '"activationBits": [8],',
      '"activationBits": [8], "operators": { "Gemm": { "float": true } },',
    );
    const text = byHand(three);
    const { found } = await findings(text, profile);
    const finding = findingOf(found, "SQ5112");
    expect(finding.message).toContain("fc stays in float: Gemm runs in float on this device");
    expect(fixed(text, finding, "Keep fc in float")).toContain('{ "name": "fc", "weightBits": null }');
  });

  it("that layers share on the device have to be the same", async () => {
    const profile = board.replace('"budgets":', '"sharedBits": { "residual": true },\n  "budgets":');
    const text = byHand(three.replace('"conv2", "weightBits": 4', '"conv2", "weightBits": 8'));
    const { found } = await findings(text, profile);
    const finding = findingOf(found, "SQ5118");
    expect(finding.message).toContain("conv2 and conv1 share their bits on Board, but have 8 bits and 4 bits");
    expect(fixed(text, finding, "Change conv2 to 4 bits")).toBe(byHand(three));
  });
});

describe("layers of a plan", () => {
  it("that the model lacks are told with the one that was meant", async () => {
    const text = byHand(three.replace('"conv2"', '"conv_2"'));
    const { found } = await findings(text);
    const finding = findingOf(found, "SQ5113");
    expect(quoted(text, finding)).toBe('"conv_2"');
    expect(finding.message).toBe("net.onnx has no layer conv_2. Did you mean conv2?");
    expect(fixed(text, finding, 'Change to "conv2"')).toBe(byHand(three));
    expect(fixed(text, finding, "Remove conv_2").split("\n")).not.toContain("conv_2");
  });

  it("that are unknown can be taken out with their line", async () => {
    const text = byHand(`${three},\n    { "name": "head", "weightBits": 4 } // was in an older model`);
    const { found } = await findings(text);
    expect(fixed(text, findingOf(found, "SQ5113"), "Remove head")).toBe(byHand(three));
  });

  it("that are missing are told by name, and added on lines of their own", async () => {
    const text = byHand('    { "name": "fc", "weightBits": 8 } // last');
    const { found, bench } = await findings(text);
    const finding = findingOf(found, "SQ5114");
    expect(finding.message).toContain("2 layers of net.onnx are not in this plan: conv1 and conv2");
    const added = fixed(text, finding, "Add 2 layers");
    expect(
      added.split("\n").filter((line) => /^ {4}\{ "name": "conv[12]", "weightBits": \d \},?$/.test(line)),
    ).toHaveLength(2);
    expect(added).toContain('{ "name": "fc", "weightBits": 8 }, // last');
    expect(codesOf(planFindings(await bench.context(added)))).toEqual([]);
  });

  it("are added with figures where the others have them", async () => {
    const bench = await planBench();
    const short = bench.text
      .split("\n")
      .filter((line) => !line.includes('"name": "conv2"'))
      .join("\n");
    const added = fixed(short, findingOf(planFindings(await bench.context(short)), "SQ5114"), "Add conv2");
    const names = parsePlan(added, "plan").layers.map(({ name, bytes }) => [name, bytes > 0]);
    expect(names).toEqual([
      ["conv1", true],
      ["fc", true],
      ["conv2", true],
    ]);
  });

  it("are not missed where they can't be quantized", async () => {
    const { found } = await findings(byHand(three));
    expect(codesOf(found)).toEqual([]);
  });
});

describe("files of a plan", () => {
  const withFiles = async (text: string, files: Readonly<Record<string, string>> = {}) => {
    const folder = await workspace({ "board.hwprofile.json": board, ...files });
    return { folder, context: await (await languageOn(folder)).plan(text) };
  };

  it("that are not there are told, with the ones that may be meant", async () => {
    const text = byHand(three).replace("net.onnx", "nett.onnx").replace("board.hw", "bord.hw");
    const { context } = await withFiles(text);
    const found = planFindings(context);
    expect(findingOf(found, "SQ5116").message).toBe("There is no nett.onnx. Did you mean net.onnx?");
    expect(findingOf(found, "SQ5117").message).toBe(
      "There is no bord.hwprofile.json. Did you mean board.hwprofile.json?",
    );
    expect(fixed(text, findingOf(found, "SQ5116"), "Change")).toContain('"model": "net.onnx"');
    expect(fixed(text, findingOf(found, "SQ5117"), "Change")).toContain('"profile": "board.hwprofile.json"');
  });

  it("may be presets, which are told apart from what is none", async () => {
    const preset = byHand(three).replace("board.hwprofile.json", "preset:generic");
    expect(codesOf(planFindings((await withFiles(preset)).context))).toEqual([]);
    const slip = byHand(three).replace("board.hwprofile.json", "preset:generc");
    expect(findingOf(planFindings((await withFiles(slip)).context), "SQ5117").message).toContain(
      "Did you mean preset:generic?",
    );
  });

  it("that can't be read are told with the reason", async () => {
    const profile = await withFiles(byHand(three), { "board.hwprofile.json": '{ "name": "Board" }' });
    expect(findingOf(planFindings(profile.context), "SQ5117").message).toContain(
      "cannot be used: the file has no weightBits",
    );
    const { folder } = await withFiles(byHand(three));
    writeFileSync(path.join(folder, "net.onnx"), "hello");
    const found = planFindings(await (await languageOn(folder)).plan(byHand(three)));
    expect(findingOf(found, "SQ5116").message).toMatch(/^net\.onnx cannot be used: .*\[SQ20\d\d\]/);
  });

  it("that have just gone are never the ones that may be meant; what they are called now is, once it is seen", async () => {
    const { folder } = await withFiles(byHand(three));
    const language = await languageOn(folder);
    const message = async () => findingOf(planFindings(await language.plan(byHand(three))), "SQ5116").message;
    renameSync(path.join(folder, "net.onnx"), path.join(folder, "net2.onnx"));
    // The list of files is from before.
    expect(await message()).toBe("There is no net.onnx. Write the model's path, relative to this plan.");
    await language.scan();
    expect(await message()).toBe("There is no net.onnx. Did you mean net2.onnx?");
  });

  it("that go and come back are followed", async () => {
    const { folder } = await withFiles(byHand(three));
    const language = await languageOn(folder);
    expect(codesOf(planFindings(await language.plan(byHand(three))))).toEqual([]);
    rmSync(path.join(folder, "net.onnx"));
    await language.scan();
    expect(codesOf(planFindings(await language.plan(byHand(three))))).toEqual(["SQ5116"]);
    writeFileSync(path.join(folder, "other.txt"), "");
    expect(codesOf(planFindings(await language.plan(byHand(three).replace("net.onnx", "other.txt"))))).toEqual([
      "SQ5116",
    ]);
  });

  it("that are not open are known all the same: layers, sizes and, after a while, their hash", async () => {
    const text = byHand(three.replace('"conv2"', '"conv_2"'), '\n  "modelHash": "0123",');
    const folder = await workspace({ "board.hwprofile.json": board });
    const language = await languageOn(folder);
    expect(codesOf(planFindings(await language.plan(text)))).toContain("SQ5113");
    await language.hashed;
    expect(codesOf(planFindings(await language.plan(text)))).toContain("SQ5115");
  });
});

describe("a text that is no plan", () => {
  it("has one problem, with its code and what to do", async () => {
    const { found } = await findings(byHand(three).replace('"version": 1', '"version": 7'));
    expect(codesOf(found)).toEqual(["SQ5102"]);
    expect(found[0]?.message).toBe(
      "Version is 7; this program reads version 1. Correct it, or write the plan anew from the model's editor.",
    );
  });
});
