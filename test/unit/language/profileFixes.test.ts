import { describe, expect, it } from "vitest";
import { presetSource } from "../../../src/node/profiles.ts";
import type { ProfileContext } from "../../../src/server/language/profileContext.ts";
import { profileFindings } from "../../../src/server/language/profileFindings.ts";
import { sortActions } from "../../../src/server/language/profileFixes.ts";
import { readProfileText } from "../../../src/server/language/profileText.ts";
import { acted, codesOf, findingOf, fixed, quoted } from "./support.ts";

function contextOf(text: string): ProfileContext {
  return { uri: "file:///board.hwprofile.json", profile: readProfileText(text, "board", presetSource), models: [] };
}

function findings(text: string) {
  return profileFindings(contextOf(text));
}

/** The text after a fix of the finding with this code. */
function repaired(text: string, code: string, title: string): string {
  return fixed(text, findingOf(findings(text), code), title);
}

describe("a profile's problems", () => {
  it("have their code, their exact place and what to do", () => {
    const text = '{\n  "name": "A", // a board\n  "weightBits": [2, 4, 4, 8]\n}';
    const [found] = findings(text);
    expect(found).toMatchObject({
      code: "SQ3011",
      slug: "duplicate-bits",
      severity: "warning",
      message: "4 is listed twice in weightBits. Remove one of the two.",
    });
    expect(found && quoted(text, found)).toBe("4");
    expect(found?.offset).toBe(text.indexOf("4, 8]"));
  });

  it("do not say the remedy again where the message asks it", () => {
    const text = '{ "name": "A", "weightBits": [8], "operators": { "Gem": { "float": true } } }';
    expect(findings(text)[0]?.message).toBe("Unknown operator Gem. Did you mean Gemm?");
  });

  it("are told of a text that is no JSON, at the slip", () => {
    const text = '{ "name": "A" "weightBits": [8] }';
    const [found] = findings(text);
    expect(found).toMatchObject({ code: "SQ3001", severity: "error" });
    expect(found && quoted(text, found)).toBe('"weightBits"');
  });
});

describe("problems that an editor finds with the schema by itself", () => {
  const inSchema = (text: string) => findings(text).map(({ code, inSchema: known }) => [code, known ?? false]);

  it.each([
    ["SQ3001", '{ "name": "A" "weightBits": [8] }'],
    ["SQ3003", '{ "name": "A", "name": "B", "weightBits": [8] }'],
    ["SQ3004", '{ "weightBits": [8] }'],
    ["SQ3005", '{ "name": "A", "weightBits": [8], "colour": "green" }'],
    ["SQ3006", '{ "name": "A", "weightBits": 8 }'],
    ["SQ3007", '{ "name": "A", "weightBits": [8], "memory": { "weightMemoryKiB": -1 } }'],
    ["SQ3008", '{ "name": "A", "weightBits": [9] }'],
    ["SQ3009", '{ "name": "A", "weightBits": [8], "compute": { "macsPerCycle": { "8*8": 1 } } }'],
    ["SQ3010", '{ "name": "A", "weightBits": [] }'],
  ])("are marked as such: %s", (code, text) => {
    expect(inSchema(text)).toEqual([[code, true]]);
  });

  it("are not those that it can't find: doubles in a list, names, figures, a text without any value", () => {
    expect(inSchema('{ "name": "A", "weightBits": [8, 8] }')).toEqual([["SQ3011", false]]);
    expect(inSchema('{ "name": "A", "extends": "preset:max7800" }')).toEqual([["SQ3020", false]]);
    expect(inSchema('{ "name": "A", "weightBits": [8], "compute": { "clockMHz": 5 } }')).toEqual([["SQ3025", false]]);
    expect(inSchema("")).toEqual([["SQ3001", false]]);
    expect(inSchema("// only")).toEqual([["SQ3001", false]]);
    expect(inSchema(`${"[".repeat(50)}`)).toEqual([["SQ3002", false]]);
  });
});

describe("fixes of a profile", () => {
  it("take a double out, and leave comments", () => {
    const text = '{ "name": "A", "weightBits": [2, 4 /* int4 */, 4, 8] }';
    expect(repaired(text, "SQ3011", "Remove the second 4")).toBe('{ "name": "A", "weightBits": [2, 4 /* int4 */, 8] }');
  });

  it("write the name that was meant", () => {
    const text = '{ "name": "A", "weightBits": [8], "operators": { "Gem": { "float": true } } }';
    expect(repaired(text, "SQ3014", 'Change to "Gemm"')).toBe(text.replace('"Gem"', '"Gemm"'));
    const field = '{ "name": "A", "weightBits": [8], "budgets": { "weightMemoryKB": 3 } }';
    expect(repaired(field, "SQ3005", 'Change to "weightMemoryKiB"')).toBe(
      field.replace("weightMemoryKB", "weightMemoryKiB"),
    );
    const preset = '{ "name": "A", "extends": "preset:max7800" }';
    expect(repaired(preset, "SQ3020", 'Change to "preset:max78000"')).toBe(preset.replace("max7800", "max78000"));
  });

  it("write a number that stood in quotes, with or without its unit", () => {
    const text = '{ "name": "A", "weightBits": [8], "budgets": { "weightMemoryKiB": "32 KiB" } }';
    expect(repaired(text, "SQ3006", "Change to 32")).toBe(text.replace('"32 KiB"', "32"));
  });

  it("write a list where one value stood", () => {
    const text = '{ "name": "A", "weightBits": 8 }';
    expect(repaired(text, "SQ3006", "Change to [8]")).toBe('{ "name": "A", "weightBits": [8] }');
  });

  it("spell a pair of bits", () => {
    const text =
      '{ "name": "A", "weightBits": [4, 8], "compute": { "clockMHz": 1, "macsPerCycle": { "4*8": 2, "8x8": 1 } } }';
    expect(repaired(text, "SQ3009", 'Change to "4x8"')).toBe(text.replace("4*8", "4x8"));
  });

  it("move a field into the section that it belongs to, and make the section where there is none", () => {
    const text = '{\n  "name": "A",\n  "weightBits": [8],\n  "latencyMs": 5 // soon\n}\n';
    const moved = repaired(text, "SQ3005", "Move latencyMs into budgets");
    expect(moved).toBe('{\n  "name": "A",\n  "weightBits": [8],\n  "budgets": {\n    "latencyMs": 5\n  }\n}\n');
    const section = '{ "name": "A", "weightBits": [8], "latencyMs": 5, "budgets": { "bopsM": 1 } }';
    expect(repaired(section, "SQ3005", "Move latencyMs into budgets")).toBe(
      '{ "name": "A", "weightBits": [8], "budgets": { "bopsM": 1, "latencyMs": 5 } }',
    );
  });

  it("make an operator's bits and the device's agree, either way", () => {
    const text = '{ "name": "A", "weightBits": [4, 8], "operators": { "Conv": { "weightBits": [3, 8] } } }';
    expect(repaired(text, "SQ3012", "Remove 3 here")).toBe(text.replace("[3, 8]", "[8]"));
    expect(repaired(text, "SQ3012", "Add 3 to weightBits")).toBe(text.replace("[4, 8]", "[3, 4, 8]"));
  });

  it("keep one of two accuracy targets", () => {
    const text = '{ "name": "A", "weightBits": [8], "accuracy": { "maxDropPoints": 1, "maxDropPercent": 2 } }';
    expect(repaired(text, "SQ3017", "Remove maxDropPercent")).toContain('{ "maxDropPoints": 1 }');
    expect(repaired(text, "SQ3017", "Remove maxDropPoints")).toContain('{ "maxDropPercent": 2 }');
  });

  it("keep an operator in float or give it bits", () => {
    const text = '{ "name": "A", "weightBits": [8], "operators": { "Gemm": { "float": true, "weightBits": [8] } } }';
    expect(repaired(text, "SQ3019", "Remove float")).toContain('"Gemm": { "weightBits": [8] }');
    expect(repaired(text, "SQ3019", "Remove weightBits")).toContain('"Gemm": { "float": true }');
  });

  it("take out a pair that is never used, and a budget that can't be checked", () => {
    const pair =
      '{ "name": "A", "weightBits": [8], "compute": { "clockMHz": 1, "macsPerCycle": { "8x8": 2, "4x8": 4 } } }';
    expect(repaired(pair, "SQ3013", 'Remove "4x8"')).toContain('{ "8x8": 2 }');
    const budget = '{ "name": "A", "weightBits": [8], "budgets": { "latencyMs": 4, "bopsM": 1 } }';
    expect(repaired(budget, "SQ3024", "Remove the budget")).toContain('"budgets": { "bopsM": 1 }');
  });

  it("lower a budget to what the device has", () => {
    const text =
      '{ "name": "A", "weightBits": [8], "memory": { "weightMemoryKiB": 64 }, "budgets": { "weightMemoryKiB": 80 } }';
    expect(repaired(text, "SQ3018", "Change to 64")).toContain('"budgets": { "weightMemoryKiB": 64 }');
  });

  it("of a key that is there twice take either away", () => {
    const text = '{ "name": "A", "name": "B", "weightBits": [8] }';
    expect(repaired(text, "SQ3003", 'Remove the first "name"')).toBe('{ "name": "B", "weightBits": [8] }');
    expect(repaired(text, "SQ3003", 'Remove this "name"')).toBe('{ "name": "A", "weightBits": [8] }');
  });

  it("write a figure in its unit", () => {
    const text =
      '{ "name": "A", "weightBits": [8], "compute": { "clockMHz": 480000000, /* max */ "macsPerCycle": { "8x8": 1 } } }';
    expect(repaired(text, "SQ3026", "Change to 480")).toBe(text.replace("480000000", "480"));
    const two = '{ "name": "A", "weightBits": [8], "energy": { "energyPerMacPj": { "8x8": 0.0002 } } }';
    expect(findingOf(findings(two), "SQ3026").fixes?.()).toEqual([]);
  });

  it("go back to what the preset has", () => {
    const text = '{ "name": "A", "extends": "preset:max78000", "memory": { "weightMemoryKiB": 442 } }';
    expect(repaired(text, "SQ3027", "Change to 432")).toBe(text.replace("442", "432"));
    const bits = '{ "name": "A", "extends": "preset:max78000", "weightBits": [2, 3 /* ? */, 8] }';
    expect(codesOf(findings(repaired(bits, "SQ3027", "Remove 3")))).toEqual([]);
    const packing = '{ "name": "A", "extends": "preset:max78000", "memory": { "weightPacking": "container" } }';
    expect(repaired(packing, "SQ3027", 'Change to "packed"')).toBe(packing.replace("container", "packed"));
    const operator =
      '{ "name": "A", "extends": "preset:max78000", "operators": { "MatMul": { "weightBits": [8] }, "Conv": { "weightBits": [8] } } }';
    expect(codesOf(findings(repaired(operator, "SQ3027", "Remove weightBits")))).toEqual([]);
  });

  it("take out bits that no operator supports", () => {
    const others = ["ConvTranspose", "MatMul", "Gather", "LSTM", "GRU", "RNN", "Gemm"];
    const operators = [...others.map((name) => `"${name}": { "float": true }`), '"Conv": { "weightBits": [8] }'];
    const text = `{ "name": "A", "weightBits": [4, 8], "operators": { ${operators.join(", ")} } }`;
    expect(repaired(text, "SQ3028", "Remove 4")).toBe(text.replace("[4, 8]", "[8]"));
  });

  it("leave nothing of what they fix", () => {
    const texts = [
      ["SQ3011", "Remove", '{ "name": "A", "weightBits": [2, 2] }'],
      ["SQ3014", "Change", '{ "name": "A", "weightBits": [8], "operators": { "convv": { "float": true } } }'],
      ["SQ3005", "Remove", '{ "name": "A", "weightBits": [8], "colour": "green" }'],
    ] as const;
    for (const [code, title, text] of texts) expect(codesOf(findings(repaired(text, code, title))), text).toEqual([]);
  });

  it("are not offered where a person has to know a figure", () => {
    const text = '{ "name": "A", "weightBits": [4, 8], "compute": { "clockMHz": 1, "macsPerCycle": { "4x8": 1 } } }';
    expect(findingOf(findings(text), "SQ3015").fixes?.()).toEqual([]);
  });
});

describe("lists of bits", () => {
  const text = '{ "name": "A", "weightBits": [8, /* wide */ 2, 4], "operators": { "Conv": { "weightBits": [8, 4] } } }';
  const whole = { offset: 0, length: text.length };

  it("are sorted in place; comments stay where they are", () => {
    expect(acted(text, sortActions(contextOf(text).profile, whole), "Sort weightBits")).toContain(
      "[2, /* wide */ 4, 8]",
    );
  });

  it("are offered to be sorted where one stands", () => {
    const at = { offset: text.lastIndexOf("[8, 4]") + 1, length: 0 };
    const titles = sortActions(contextOf(text).profile, at).map(({ title }) => title);
    expect(titles).toEqual(["Sort weightBits of Conv"]);
  });

  it("that are in order are left alone", () => {
    const sorted = '{ "name": "A", "weightBits": [2, 4] }';
    expect(sortActions(contextOf(sorted).profile, { offset: 0, length: sorted.length })).toEqual([]);
  });
});
