import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { json, resnet8, sigmaquant, useProgram, type Workspace, workspace } from "./support.ts";

useProgram();

/** Arguments that a person may get wrong, with the code of what is said, and words of the message and its remedy. */
const slips: readonly [name: string, args: (work: Workspace) => readonly string[], code: string, said: RegExp][] = [
  ["an unknown command", () => ["quantise", resnet8], "SQ1027", /Unknown command 'quantise'\. Did you mean quantize\?/],
  [
    "an unknown option",
    () => ["quantize", resnet8, "--profil", "x"],
    "SQ1027",
    /Did you mean --profile\? See `sigmaquant quantize --help`/,
  ],
  ["a missing model", () => ["quantize"], "SQ1027", /Missing required argument 'model'/],
  ["an argument too many", () => ["inspect", resnet8, "b.onnx"], "SQ1027", /Too many arguments/],
  ["an option without its value", () => ["quantize", resnet8, "--bits"], "SQ1027", /--bits <list>/],
  ["a missing set", () => ["evaluate", resnet8, resnet8], "SQ1027", /--evaluation <set>/],
  [
    "a range that there is not",
    () => ["quantize", resnet8, "--activation-range", "max"],
    "SQ1027",
    /auto, minmax, percentile, mse/,
  ],
  ["a model that is not there", () => ["quantize", "nope.onnx"], "SQ1001", /nope\.onnx: There is no such file\. Check/],
  [
    "a model that is none",
    ({ file }) => ["inspect", file("text.onnx", "hello, world, this is text\n".repeat(9))],
    "SQ2002",
    /text\.onnx: .*Give an \.onnx file/,
  ],
  [
    "a model cut off",
    ({ file }) => ["quantize", file("cut.onnx", readFileSync(resnet8).subarray(0, 9000))],
    "SQ2",
    /cut\.onnx: /,
  ],
  ["an empty model", ({ file }) => ["inspect", file("empty.onnx", "")], "SQ2", /empty\.onnx: /],
  ["a folder for a model", ({ folder }) => ["inspect", folder], "SQ1003", /This is a folder/],
  [
    "an unknown preset",
    () => ["quantize", resnet8, "--profile", "generik"],
    "SQ1014",
    /"generik"\. Did you mean generic\?/,
  ],
  [
    "a profile with a slip",
    ({ file }) => [
      "quantize",
      resnet8,
      "--profile",
      file("b.hwprofile.json", '{\n  "name": "B",\n  "weightBits": [2, 4,\n}'),
    ],
    "SQ3",
    /b\.hwprofile\.json:4:1: /,
  ],
  [
    "a profile with a wrong figure",
    ({ file }) => [
      "quantize",
      resnet8,
      "--profile",
      file("b.hwprofile.json", '{\n  "name": "B",\n  "weightBits": [2, 4],\n  "memory": { "weightMemoryKiB": -1 }\n}'),
    ],
    "SQ3",
    /b\.hwprofile\.json:4:\d+: /,
  ],
  [
    "a unit that means two things",
    () => ["quantize", resnet8, "--weight-memory", "32KB"],
    "SQ1020",
    /write KiB for 1,024s \(--weight-memory\)/,
  ],
  ["a budget without a unit", () => ["quantize", resnet8, "--latency", "5"], "SQ1020", /needs a unit: s, ms/],
  ["a budget of nothing", () => ["quantize", resnet8, "--energy", "0uJ"], "SQ1020", /--energy/],
  [
    "a budget that can't be checked",
    () => ["quantize", resnet8, "--latency", "5ms"],
    "SQ1031",
    /A budget of latency can't be checked: Generic has no figures/,
  ],
  ["a dimension without a size", () => ["inspect", resnet8, "--dim", "batch"], "SQ1024", /--dim\)\. Write NAME=SIZE/],
  ["a dimension of size 0", () => ["inspect", resnet8, "--dim", "batch=0"], "SQ1024", /"batch=0" is no dimension/],
  [
    "bits that there are not",
    () => ["quantize", resnet8, "--bits", "1,2"],
    "SQ1023",
    /--bits\)\. Write bitwidths from 2 to 8/,
  ],
  [
    "bits that the device lacks",
    () => ["quantize", resnet8, "--profile", "max78000", "--bits", "3"],
    "SQ1029",
    /MAX78000 has no weights of 3 bits .*Choose from 2, 4, 8/,
  ],
  [
    "a strategy that there is not",
    () => ["quantize", resnet8, "--strategy", "best"],
    "SQ1022",
    /--strategy\)\. Choose sigmaquant/,
  ],
  ["a loss that is none", () => ["quantize", resnet8, "--max-drop", "little"], "SQ1021", /--max-drop\)\. Write 1%/],
  [
    "no samples",
    () => ["quantize", resnet8, "--samples", "0"],
    "SQ1025",
    /"0" is no positive whole number \(--samples\)/,
  ],
  [
    "memory in a unit that is read in two ways",
    () => ["quantize", resnet8, "--analysis-memory", "2GB"],
    "SQ1025",
    /"2GB" is no amount of memory \(--analysis-memory\)\. Write a number with its unit, such as 2GiB/,
  ],
  [
    "samples that are not there",
    () => ["quantize", resnet8, "--calibration", "nope.npz"],
    "SQ1001",
    /nope\.npz: There is no such file/,
  ],
  [
    "samples of another kind",
    ({ file }) => ["quantize", resnet8, "--calibration", file("set.csv", "1,2")],
    "SQ4038",
    /set\.csv: .*\.npz/,
  ],
  [
    "samples that are broken",
    ({ file }) => ["quantize", resnet8, "--calibration", file("set.npz", "PK no")],
    "SQ4",
    /set\.npz: /,
  ],
  [
    "an output that is the model",
    ({ model }) => ["quantize", model, "-o", model],
    "SQ1026",
    /would replace the model itself/,
  ],
  [
    "a plan that would replace the samples",
    ({ model, calibration }) => ["allocate", model, "--calibration", calibration, "-o", calibration],
    "SQ1026",
    /would replace a file that is read/,
  ],
  [
    "an output in no folder",
    ({ model, folder }) => ["quantize", model, "-o", path.join(folder, "none", "x.onnx")],
    "SQ1012",
    /folder of this file does not exist/,
  ],
  [
    "an output that is a folder",
    ({ model, folder }) => ["quantize", model, "-o", folder],
    "SQ1003",
    /This is a folder/,
  ],
  [
    "an output that is the plan",
    ({ model, folder }) => ["quantize", model, "-o", path.join(folder, "resnet8.sigmaquant.json")],
    "SQ1026",
    /Two outputs would be one file/,
  ],
  [
    "pins of no plan",
    ({ file }) => ["quantize", resnet8, "--pins", file("p.sigmaquant.json", '{\n  "version": 3\n}')],
    "SQ5102",
    /p\.sigmaquant\.json:2:14: version is 3/,
  ],
  [
    "a plan without pins",
    ({ file }) => [
      "quantize",
      resnet8,
      "--pins",
      file("p.json", '{ "version": 1, "model": "m", "profile": "p", "layers": [{ "name": "a", "weightBits": 4 }] }'),
    ],
    "SQ1030",
    /No layer of the plan is pinned/,
  ],
  [
    "a pin on no layer",
    ({ file }) => [
      "quantize",
      resnet8,
      "--pins",
      file(
        "p.json",
        '{ "version": 1, "model": "m", "profile": "p", "layers": [{ "name": "a", "weightBits": 4, "pinned": true }] }',
      ),
    ],
    "SQ5001",
    /p\.json: .*no layer a/,
  ],
  [
    "no plan to compare",
    () => ["compare", "nope.sigmaquant.json"],
    "SQ1001",
    /nope\.sigmaquant\.json: There is no such file/,
  ],
];

describe("bad input", () => {
  it.each(slips)("%s: exit code 2, one line with code and remedy, and nothing written", async (_, args, code, said) => {
    const work = await workspace();
    const [command = "", ...wrong] = args(work);
    const before = work.list();
    const { code: exit, stdout, stderr } = await sigmaquant([command, "--quiet", ...wrong], { cwd: work.folder });
    expect(stderr).toMatch(said);
    expect(exit).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^error: [^\n]*\. [^\n]+ \[SQ\d{4} [a-z-]+\]\n$/);
    expect(stderr).toContain(`[${code}`);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(work.list()).toEqual(before);
  });

  it.each([
    ["of the command line", ["quantize", resnet8, "--foo"], "SQ1027"],
    ["of a file", ["quantize", "nope.onnx"], "SQ1001"],
    ["of a value", ["quantize", resnet8, "--weight-memory", "32KB"], "SQ1020"],
  ])("an error %s is JSON for machines", async (_, args, code) => {
    const { ended, value } = await json<{ error: { code: string; slug: string; message: string; remedy: string } }>(
      args,
    );
    expect(ended.code).toBe(2);
    expect(value.error.code).toBe(code);
    for (const part of [value.error.slug, value.error.message, value.error.remedy]) expect(part).not.toBe("");
    expect(ended.stderr).toContain(`[${code}`);
  });

  it("--verbose shows where an error came from", async () => {
    const { stderr } = await sigmaquant(["inspect", "nope.onnx", "--verbose"]);
    expect(stderr).toMatch(/^\s+at /m);
  });
});
