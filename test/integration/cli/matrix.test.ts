import { copyFileSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { json, sigmaquant, useProgram, type Workspace, workspace } from "./support.ts";

useProgram();

interface Row {
  readonly model: string;
  readonly profile: string;
  readonly device: string;
  readonly verdict?: string;
  readonly summary?: string;
  readonly binding?: string;
  readonly averageBits?: number;
  readonly layersByBits?: Readonly<Record<string, number>>;
  readonly bits?: readonly (number | null)[];
  readonly budgets?: readonly { readonly name: string; readonly use: number | null; readonly limit: number | null }[];
  readonly accuracy?: { readonly how: string; readonly float: number; readonly quantized: number; samples: number };
  readonly error?: { readonly code: string };
}
interface Result {
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** A device of one budget, by the name of its file. */
function profile(work: Workspace, name: string, weightMemoryKiB: number, more: object = {}): string {
  const body = { name, extends: "preset:generic", budgets: { weightMemoryKiB }, ...more };
  return work.file(`${name}.hwprofile.json`, JSON.stringify(body));
}

/** Quick and the same each time: the solver alone, nothing recovered, 32 samples. */
const quickly = (work: Workspace) => [
  ...["--calibration", work.calibration, "--evaluation", work.evaluation],
  ...["--strategy", "exact", "--activation-range", "minmax", "--recovery", "none", "--samples", "32"],
];

describe("one model on several devices", () => {
  it("gets on each the plan that allocate makes for it", async () => {
    const work = await workspace();
    const profiles = [profile(work, "roomy", 64), profile(work, "tight", 34)];
    const flags = profiles.flatMap((file) => ["--profile", file]);
    const { ended, value } = await json<Result>(["matrix", work.model, ...flags, ...quickly(work)]);
    expect(ended.code).toBe(0);
    expect(value.rows.map(({ device }) => device)).toEqual(["roomy", "tight"]);
    for (const [i, file] of profiles.entries()) {
      const plan = work.file("alone.json", "");
      const args = ["allocate", work.model, "--profile", file, "-o", plan, ...quickly(work)];
      const { value: alone } = await json<{ layers: { weightBits: number }[]; accuracy: object; averageBits: number }>(
        args,
      );
      expect(value.rows[i]?.bits).toEqual(alone.layers.map(({ weightBits }) => weightBits));
      expect(value.rows[i]?.accuracy).toEqual(alone.accuracy);
      expect(value.rows[i]?.averageBits).toBe(alone.averageBits);
    }
    expect(work.list().filter((name) => name.includes("sigmaquant"))).toEqual([]);
  });

  it("is a table for people: figures, layers by bits, what would help, and how many fit", async () => {
    const work = await workspace();
    const flags = [profile(work, "roomy", 64), profile(work, "tiny", 9)].flatMap((name) => ["--profile", name]);
    const { code, stdout } = await sigmaquant(["matrix", work.model, ...flags, ...quickly(work), "--quick"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^roomy +fits +\d\.\d\d +\d+\.\d of 64\.0 KiB +.*\d+\.\d % \(.*points\)$/m);
    expect(stdout).toMatch(/^tiny +does not fit +2\.00 +2\d\.\d of 9\.0 KiB /m);
    expect(stdout).toMatch(/^Device( +[2-8])+$/m);
    expect(stdout).toMatch(
      /^tiny: Does not fit: weight memory is .* over \(The smallest plan with the allowed bits .*Nearest: raise the budget of weight memory to /m,
    );
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("1 of 2 fits (expected from runs on 40 samples)");
  });

  it.each([60, 80, 100])("fits into %i columns", async (width) => {
    const work = await workspace();
    const flags = [profile(work, "roomy", 64), "max78000"].flatMap((name) => ["--profile", name]);
    const args = ["matrix", work.model, ...flags, ...quickly(work), "--quick", "--quiet"];
    const { stdout } = await sigmaquant(args, { env: { COLUMNS: String(width) } });
    expect(Math.max(...stdout.split("\n").map((line) => [...line].length))).toBeLessThanOrEqual(width);
    for (const name of ["roomy", "MAX78000"]) expect(stdout).toMatch(new RegExp(`^${name}`, "m"));
  });

  it("is written as a spreadsheet, too", async () => {
    const work = await workspace();
    const csv = path.join(work.folder, "devices.csv");
    const flags = [profile(work, "roomy", 64), "max78000"].flatMap((name) => ["--profile", name]);
    const { code, stdout } = await sigmaquant([
      ...["matrix", work.model, ...flags, ...quickly(work), "--quick", "--csv", csv],
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain(`Table: ${csv}`);
    const [head, ...rows] = readFileSync(csv, "utf8").trimEnd().split("\r\n");
    expect(head).toMatch(/^model,device,profile,verdict,.*weight_memory_bytes,weight_memory_bytes_limit,/);
    expect(rows).toHaveLength(2);
    expect(rows[1]).toContain("MAX78000,preset:max78000,feasible,");
  });

  it("says that accuracy is of the calibration set where there is no other, and not that a plan was run", async () => {
    const work = await workspace();
    const args = ["matrix", work.model, "--profile", profile(work, "roomy", 64), "--calibration", work.calibration];
    const { stdout } = await sigmaquant([...args, "--recovery", "none", "--samples", "8", "--quick"]);
    expect(stdout.replace(/\s+/g, " ")).toContain(
      `Note: Accuracy is that on the calibration set ${work.calibration}; give`,
    );
    expect(stdout).not.toContain("measured");
    expect(stdout).toContain("(expected from runs on 32 samples)");
  });

  it("names a profile once that is given twice", async () => {
    const work = await workspace();
    const { value } = await json<Result>([
      ...["matrix", work.model, "--profile", "generic", "--profile", "preset:generic"],
      ...quickly(work),
      "--quick",
    ]);
    expect(value.rows.map((row) => row.profile)).toEqual(["preset:generic"]);
    expect(value.notes.join()).toContain("Neither a budget nor an accepted loss is set");
  });
});

describe("several models on one device", () => {
  it("are lines of one table, each with its own figures", async () => {
    const work = await workspace();
    const second = path.join(work.folder, "second.onnx");
    copyFileSync(work.model, second);
    const device = profile(work, "tight", 34);
    const args = ["matrix", work.model, second, "--profile", device, ...quickly(work), "--quick"];
    const { ended, value } = await json<Result>(args);
    expect(ended.code).toBe(0);
    expect(value.rows.map((row) => row.model)).toEqual([work.model, second]);
    const [one, other] = value.rows;
    expect(other?.bits).toEqual(one?.bits);
    expect(one?.budgets?.find(({ name }) => name === "weightMemory")?.use).toBeLessThanOrEqual(34 * 1024);
    const { stdout } = await sigmaquant(args);
    expect(stdout).toMatch(/^Model +Device +Verdict/m);
    expect(stdout).toContain("2 of 2 fit");
  });
});

describe("exit codes", () => {
  it("are 1 where one of the devices is too small", async () => {
    const work = await workspace();
    const flags = [profile(work, "roomy", 64), profile(work, "tiny", 9)].flatMap((name) => ["--profile", name]);
    const { ended, value } = await json<Result>(["matrix", work.model, ...flags, ...quickly(work), "--quick"]);
    expect(ended.code).toBe(1);
    expect(value.rows.map(({ verdict, binding }) => [verdict, binding])).toEqual([
      ["feasible", undefined],
      ["infeasible", "weightMemory"],
    ]);
  });

  it("are 2, once the others are told, where the model can't be laid on one of them", async () => {
    const work = await workspace();
    const odd = profile(work, "odd", 64, {
      operators: { Gemm: { weightBits: [3] }, Conv: { weightBits: [2, 4] } },
      sharedBits: { groups: [["/f/Gemm", "/l/l.2/c2/Conv"]] },
    });
    const flags = [odd, profile(work, "roomy", 64)].flatMap((name) => ["--profile", name]);
    const { ended, value } = await json<Result>(["matrix", work.model, ...flags, ...quickly(work), "--quick"]);
    expect(ended.code).toBe(2);
    expect(value.rows[0]?.error?.code).toBe("SQ5204");
    expect(value.rows[1]?.verdict).toBe("feasible");
  });

  it.each([
    ["no profile", () => [], "SQ1027", /--profile/],
    ["an unknown preset", () => ["--profile", "generik"], "SQ1014", /Did you mean generic\?/],
    ["a table in the place of a profile", (p: string) => ["--profile", p, "--csv", p], "SQ1026", /replace a file/],
  ] as const)("are 2 for %s, before anything is read", async (_, flags, code, said) => {
    const work = await workspace();
    const args = ["matrix", work.model, ...flags(profile(work, "roomy", 64)), "--calibration", work.calibration];
    const ended = await sigmaquant(args);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain(code);
    expect(ended.stderr).toMatch(said);
    expect(ended.stderr).not.toContain("Reading");
    expect(ended.stdout).toBe("");
  });

  it("are 130 when it is interrupted, and no table is left", async () => {
    const work = await workspace();
    const csv = path.join(work.folder, "devices.csv");
    const flags = ["--profile", "generic", "--profile", "max78000", "--csv", csv];
    const ended = await sigmaquant(["matrix", work.model, ...flags, ...quickly(work)], { interruptAt: "Measuring" });
    expect(ended.code).toBe(130);
    expect(work.list()).not.toContain("devices.csv");
  });
});
