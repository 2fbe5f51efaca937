import { describe, expect, it } from "vitest";
import { layerCost } from "../../../src/core/hardware/cost.ts";
import { parseProfile, requireProfile } from "../../../src/core/hardware/parseProfile.ts";
import type { Source } from "../../../src/core/hardware/profile.ts";
import type { ProfileFile } from "../../../src/core/hardware/profileFile.ts";
import { conv, presetNames, presetSource, presetText, schemaOf } from "./support.ts";

function profileOf(name: string) {
  return requireProfile(presetText(name) ?? "", { file: name, ...presetSource });
}

/** The file itself, as it is. */
function fileOf(name: string): ProfileFile {
  return JSON.parse(presetText(name) ?? "");
}

/** `memory.scaleBytes`, `compute.macsPerCycle`: what a source can be given for. */
function figuresOf({ weightBits, activationBits, operators, memory, compute, energy }: ProfileFile): readonly string[] {
  const lists = Object.entries({ weightBits, activationBits, operators }).filter(([, value]) => value !== undefined);
  const sections = Object.entries({ memory, compute, energy });
  return [
    ...lists.map(([figure]) => figure),
    ...sections.flatMap(([section, value]) => Object.keys(value ?? {}).map((key) => `${section}.${key}`)),
  ];
}

function covers({ figure }: Source, path: string): boolean {
  return path === figure || path.startsWith(`${figure}.`);
}

/** What a reader would ask of any device. */
const asked = [
  "weightBits",
  "activationBits",
  "memory.weightMemoryKiB",
  "memory.activationMemoryKiB",
  "compute.clockMHz",
  "compute.macsPerCycle",
  "energy.energyPerMacPj",
];

describe.each(presetNames)("the preset %s", (name) => {
  const file = fileOf(name);
  const sources = file.sources ?? [];

  it("is read without a problem", () => {
    expect(parseProfile(presetText(name) ?? "", { file: name, ...presetSource }).problems).toEqual([]);
  });

  it("has a source for each of its figures", () => {
    const given = sources.filter(({ missing }) => !missing);
    expect(figuresOf(file).filter((path) => !given.some((source) => covers(source, path)))).toEqual([]);
  });

  it("says of each figure that is asked for and not there that it is left out", () => {
    const there = figuresOf(file);
    const left = sources.filter(({ missing }) => missing);
    const silent = asked.filter((path) => !there.includes(path) && !left.some((source) => covers(source, path)));
    expect(silent).toEqual([]);
  });

  it("has no figure that it says is left out, and no source for what is not there", () => {
    const there = figuresOf(file);
    for (const source of sources) {
      expect([source.figure, there.some((path) => covers(source, path))]).toEqual([source.figure, !source.missing]);
    }
  });

  it("names a document for each figure, with its version or section", () => {
    if (name === "generic") return;
    for (const { figure, source, missing } of sources) {
      const document =
        /github\.com\/[\w.-]+\/[\w.-]+ at [0-9a-f]{7}|arXiv \d{4}\.\d{5}|\(Analog Devices, UG7456\)|\w+\.\w+\/\S+/;
      if (!missing) expect(source, figure).toMatch(document);
    }
  });

  it("sets no budget and no target, which are the user's", () => {
    expect(file.budgets).toBeUndefined();
    expect(file.accuracy).toBeUndefined();
    expect(file.extends).toBeUndefined();
  });

  it("gives a layer costs that grow with its bits, and none that it has no figure for", () => {
    const profile = profileOf(name);
    const costs = profile.weightBits.map((bits) => layerCost(conv(), bits, 8, profile));
    for (const [index, cost] of costs.entries()) {
      const narrower = costs[index - 1];
      expect(cost.weightMemory).toBeGreaterThanOrEqual((conv().params * (profile.weightBits[index] ?? 8)) / 8);
      expect(cost.latency === undefined).toBe(profile.compute === undefined);
      expect(cost.energy === undefined).toBe(profile.energy === undefined);
      if (!narrower) continue;
      expect(cost.weightMemory).toBeGreaterThan(narrower.weightMemory);
      expect(cost.latency ?? 0).toBeGreaterThanOrEqual(narrower.latency ?? 0);
    }
  });
});

describe("the schema", () => {
  it("offers every preset where one is extended", () => {
    const schema = schemaOf("hwprofile") as {
      readonly defaultSnippets: readonly { readonly body: { readonly extends?: string } }[];
      readonly properties: { readonly extends: { readonly defaultSnippets: readonly { readonly body: string }[] } };
    };
    const offered = schema.properties.extends.defaultSnippets.map(({ body }) => body.replace("preset:", ""));
    expect([...offered].sort()).toEqual(presetNames);
    const choice = /\|(.*)\|/.exec(schema.defaultSnippets[0]?.body.extends ?? "")?.[1];
    expect(choice?.split(",").sort()).toEqual(presetNames);
  });
});
