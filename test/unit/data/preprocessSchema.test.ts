import Ajv from "ajv";
import { describe, expect, it } from "vitest";
import { parseGivenPreprocess } from "../../../src/core/data/preprocess.ts";
import { SigmaQuantError } from "../../../src/core/errors.ts";
import { schemaOf } from "../hardware/support.ts";

const schema = schemaOf("preprocess");
const allows = new Ajv({ strict: false }).compile(schema);

function parses(value: unknown): boolean {
  try {
    parseGivenPreprocess(JSON.stringify(value), "preprocess.json");
    return true;
  } catch (error) {
    if (error instanceof SigmaQuantError) return false;
    throw error;
  }
}

/** Values of each field: those that are taken, and those that are not. */
const cases: Readonly<Record<string, readonly [readonly unknown[], readonly unknown[]]>> = {
  scale: [
    [1, -0.5],
    [0, "1", null, [1]],
  ],
  mean: [
    [0, [0], [1, 2, 3]],
    [[], ["a"], "0"],
  ],
  std: [
    [1, [0.1, 2]],
    [0, [1, 0], -1, []],
  ],
  layout: [
    ["NCHW", "NHWC"],
    ["CHW", 1],
  ],
  channels: [
    ["RGB", "BGR", "L"],
    ["RGBA", "rgb"],
  ],
  size: [
    [1, 65_536, [240, 320]],
    [0, 65_537, 1.5, [1], [1, 2, 3], "224"],
  ],
  resize: [
    ["shorter-side", "stretch", "longer-side-pad", "none"],
    ["fit", 256],
  ],
  crop: [
    [1, 0.875],
    [0, 1.1, -1],
  ],
  interpolation: [["bilinear", "bicubic", "area"], ["nearest"]],
  padding: [
    [0, 255],
    [-1, 256, 1.5],
  ],
  classes: [
    [["cat", "dog"], [], { cat: 281 }, {}],
    ["cat", ["cat", "cat"], [""], [1], { cat: -1 }, { cat: "1" }, { cat: 1.5 }],
  ],
};

describe("the schema of preprocess.json", () => {
  it("has the fields that the program reads, each with what the editor needs to help", () => {
    const properties = schema.properties as Readonly<Record<string, { readonly description?: string }>>;
    expect(Object.keys(properties).sort()).toEqual(["$schema", ...Object.keys(cases)].sort());
    for (const [name, property] of Object.entries(properties)) {
      expect([name, property.description]).toEqual([name, expect.stringMatching(/\.$/)]);
      expect(property).toHaveProperty("defaultSnippets");
    }
  });

  it.each(Object.entries(cases))("takes and refuses what the program does: %s", (name, [good, bad]) => {
    for (const value of [...good, ...bad]) {
      const taken = good.includes(value);
      const judged = [allows({ [name]: value }), parses({ [name]: value })];
      expect([value, ...judged]).toEqual([value, taken, taken]);
    }
  });

  it.each([
    [{ resize: "none", crop: 0.5 }, false],
    [{ resize: "longer-side-pad", crop: 0.5 }, false],
    [{ resize: "longer-side-pad", crop: 1 }, true],
    [{ resize: "stretch", crop: 0.5 }, true],
    [{ means: 1 }, false],
    [{ $schema: "sigmaquant://schemas/preprocess.json" }, true],
  ])("and of fields together: %j", (value, taken) => {
    expect([allows(value), parses(value)]).toEqual([taken, taken]);
  });

  it("has examples and snippets that are right themselves", () => {
    const { examples, defaultSnippets } = schema as {
      readonly examples: readonly unknown[];
      readonly defaultSnippets: readonly { readonly body: unknown }[];
    };
    for (const value of [...examples, ...defaultSnippets.map(({ body }) => body)]) {
      expect([allows(value), parses(value)]).toEqual([true, true]);
    }
  });
});
