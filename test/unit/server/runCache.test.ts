import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { figuresOfPlan } from "../../../src/core/plan/deviceFigures.ts";
import { type DeviceRun, RunCache } from "../../../src/server/devices/runCache.ts";
import { SharedAnalysisCache } from "../../../src/server/devices/sharedCache.ts";
import { plan } from "../plan/support.ts";

function folder(): string {
  const made = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-runs-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const run: DeviceRun = { figures: figuresOfPlan(plan()), baselines: [], notes: ["a note"], seconds: 2 };

describe("runs on disk", () => {
  it("come back under their key and no other", async () => {
    const where = folder();
    await new RunCache(where).write("one", run);
    expect(await new RunCache(where).read("one")).toEqual(run);
    expect(await new RunCache(where).read("two")).toBeUndefined();
  });

  it.each(["", "{", "[]", '{"figures":{}}', JSON.stringify({ ...run, baselines: [{}] })])(
    "that are damaged (%j) are made again",
    async (text) => {
      const where = folder();
      const cache = new RunCache(where);
      await cache.write("one", run);
      writeFileSync(path.join(where, readdirSync(where)[0] ?? ""), text);
      expect(await cache.read("one")).toBeUndefined();
    },
  );
});

describe("an analysis that two have", () => {
  const key = { modelHash: "m", samplesHash: "s", samples: 32, dims: {}, recovery: [] };
  const statistics = { conv: { sigma: 1, min: -1, max: 1, errors: [] } };

  it("keeps what either knows: bitwidths of both, and the decision of the one that has it", async () => {
    const where = folder();
    const decided = { key: "k", seconds: 1, result: { plan: plan(), baselines: [], notes: [] } };
    const [editor, comparison] = [new SharedAnalysisCache(where), new SharedAnalysisCache(where)];
    await editor.write(key, { statistics, measurements: { conv: { 4: { nmse: 0.1 } } }, measuredSamples: 32, decided });
    await comparison.write(key, { statistics, measurements: { conv: { 7: { nmse: 0.01 } } }, measuredSamples: 0 });
    const both = await editor.read(key);
    expect(both?.measurements).toEqual({ conv: { 4: { nmse: 0.1 }, 7: { nmse: 0.01 } } });
    expect(both?.measuredSamples).toBe(32);
    expect(both?.decided?.key).toBe("k");
  });
});
