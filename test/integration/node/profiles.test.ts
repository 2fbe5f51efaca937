import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { listPresets, loadProfile } from "../../../src/node/profiles.ts";
import { failure } from "../../unit/data/support.ts";
import { root, tempFolder } from "./support.ts";

const folder = path.join(root, "media/profiles");
const end = ".hwprofile.json";

describe("presets", () => {
  it("are exactly the files of media/profiles", () => {
    const names = readdirSync(folder).map((name) => name.slice(0, -end.length));
    expect(listPresets().map(({ name }) => name)).toEqual(names.sort());
  });

  it.each(listPresets().map(({ name }) => name))(
    "%s is the same by its name and by its file, without a problem",
    async (name) => {
      const [bare, prefixed] = await Promise.all([loadProfile(name), loadProfile(`preset:${name}`)]);
      expect(bare).toEqual(prefixed);
      expect(bare).toMatchObject({ id: `preset:${name}`, file: `preset:${name}`, problems: [] });
      const file = path.join(folder, `${name}${end}`);
      const fromFile = await loadProfile(file);
      expect(fromFile.profile).toEqual(bare.profile);
      expect(fromFile).toMatchObject({ id: file, file });
    },
  );
});

describe("a profile in a file", () => {
  it("can extend a preset, with comments, and its warnings are handed on", async () => {
    const file = path.join(tempFolder(), `board${end}`);
    // A budget for latency that no figure lets anyone compute is worth a warning.
    writeFileSync(file, '{ "name": "Board", "extends": "preset:generic", "budgets": { "latencyMs": 5 } /* ms */ }');
    const { profile, problems } = await loadProfile(file);
    expect(profile).toMatchObject({ name: "Board", weightBits: [2, 3, 4, 5, 6, 7, 8], budgets: { latencyMs: 5 } });
    expect(problems.map(({ severity }) => severity)).toEqual(["warning"]);
  });

  it("with an error throws the first, at its line and column", async () => {
    const file = path.join(tempFolder(), `board${end}`);
    writeFileSync(file, '{\n  "name": "Board",\n  "weightBits": "four"\n}');
    const error = await failure(() => loadProfile(file));
    expect(error.code).toMatch(/^SQ30/);
    expect(error.place).toMatchObject({ file, line: 3 });
  });

  it("that is missing is a missing file", async () => {
    for (const name of ["board.hwprofile.json", "./generic", "profiles/generic"]) {
      expect((await failure(() => loadProfile(name))).code).toBe("SQ1001");
    }
  });
});

describe("a name that no preset has", () => {
  it.each(["genric", "preset:max7800", "Shift-Add"])("%s is asked whether another was meant", async (name) => {
    const error = await failure(() => loadProfile(name));
    expect(error.code).toBe("SQ1014");
    expect(error.remedy).toMatch(/^Did you mean (generic|max78000|shift-add)\? /);
  });

  it("gets the list of those there are", async () => {
    const error = await failure(() => loadProfile("raspberry"));
    for (const { name } of listPresets()) expect(error.remedy).toContain(name);
    expect(readFileSync(path.join(folder, `generic${end}`), "utf8")).toContain("Generic");
  });
});
