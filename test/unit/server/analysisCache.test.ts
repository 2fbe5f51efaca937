import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AnalysisCache, type AnalysisKey, type CachedAnalysis } from "../../../src/server/analysisCache.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-cache-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const key: AnalysisKey = { modelHash: "m", samplesHash: "s", samples: 8, dims: {}, recovery: [] };
const analysis: CachedAnalysis = {
  statistics: { conv1: { sigma: 0.1, min: -1, max: 1, errors: [{ bits: 4, kl: 0.1, sqnrDb: 20, mse: 0.01 }] } },
  measurements: { conv1: { 4: { kl: 0.2, nmse: 0.3 } } },
  measuredSamples: 8,
  decided: {
    key: "k",
    seconds: 1,
    result: {
      plan: { version: 1, model: "m", profile: "p", layers: [{ name: "conv1", weightBits: 4 }] } as never,
      baselines: [],
      notes: ["a note"],
    },
  },
};

/** The file of the analysis as it was damaged. */
function damage(change: (text: string) => string): void {
  const [name = ""] = readdirSync(folder);
  const file = path.join(folder, name);
  const text = readFileSync(file, "utf8");
  expect(change(text)).not.toBe(text);
  writeFileSync(file, change(text));
}

describe("the cache of analyses", () => {
  it("gives back what was put in, and nothing for another model", async () => {
    const cache = new AnalysisCache(folder);
    await cache.write(key, analysis);
    expect(await cache.read(key)).toEqual(analysis);
    expect(await cache.read({ ...key, modelHash: "n" })).toBeUndefined();
  });

  it.each([
    ["cut off", (text: string) => text.slice(0, text.length / 2)],
    ["empty", () => ""],
    ["nothing", () => "null"],
    ["a list", () => "[]"],
    ["of statistics that are none", (text: string) => text.replace(/"statistics":\{.*?\]\}\}/, '"statistics":null')],
    ["of a sigma that is no number", (text: string) => text.replace('"sigma":0.1', '"sigma":null')],
    ["of errors that are none", (text: string) => text.replace(/"errors":\[.*?\]/, '"errors":{}')],
    ["of a measurement that is none", (text: string) => text.replace('"nmse":0.3', '"nmse":"0.3"')],
    ["of a row that is none", (text: string) => text.replace('{"4":{"kl":0.2,"nmse":0.3}}', "7")],
    ["of a count that is none", (text: string) => text.replace('"measuredSamples":8', '"measuredSamples":"8"')],
    ["of a plan that is none", (text: string) => text.replace('"weightBits":4', '"weightBits":44')],
    ["of notes that are none", (text: string) => text.replace('["a note"]', "[1]")],
  ])("takes what is %s for nothing: it is measured again", async (_, change) => {
    const cache = new AnalysisCache(folder);
    await cache.write(key, analysis);
    damage(change);
    expect(await cache.read(key)).toBeUndefined();
    await cache.write(key, analysis);
    expect(await cache.read(key)).toEqual(analysis);
  });
});
