import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import * as esbuild from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeBuild, nodeEntries } from "../../../esbuild.mjs";
import { inPlace } from "../../../src/core/compute/compute.ts";
import { sharedFloats } from "../../../src/core/compute/shared.ts";
import type { RecoveryMethod } from "../../../src/core/recovery/methods.ts";
import { roundLayer } from "../../../src/core/recovery/roundLayer.ts";
import { type ComputePool, openComputePool } from "../../../src/node/computePool.ts";
import { noise } from "../../support/tinyModel.ts";
import { momentsOf } from "../../unit/recovery/support.ts";

const methods = new Set<RecoveryMethod>(["clip", "bias", "gptq", "coordinate"]);

/** A layer of so many rows, with samples of its input. */
function layerOf(rows: number, columns: number) {
  const moments = momentsOf(noise(columns * 50, 1), columns, 50, rows);
  const lack = { cross: Float64Array.from(noise(rows * columns, 4)), mean: Float64Array.from(noise(rows, 5)) };
  return {
    moments,
    rounding: { weight: noise(rows * columns, 2), bias: noise(rows, 3), bits: 3 as const, methods, lack },
  };
}

describe("threads that compute", () => {
  let folder = "";
  let pool: ComputePool | undefined;
  const opened = () => pool as ComputePool;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-threads-"));
    const { computeThread } = nodeEntries;
    await esbuild.build({ ...nodeBuild({ outdir: folder }), entryPoints: { computeThread } });
    pool = openComputePool(3, path.join(folder, "computeThread.cjs"));
  });
  afterAll(async () => {
    await pool?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("round a layer as the thread that asks does, to the last bit", async () => {
    const { moments, rounding } = layerOf(37, 60);
    const there = await roundLayer(moments, { ...rounding, compute: opened() });
    expect(there).toEqual(await roundLayer(moments, rounding));
  });

  it("have the statistics of weights as the thread that asks has them", async () => {
    const task = { shape: [64, 90], axis: 0, bits: [2, 4, 8] as const };
    const weight = noise(64 * 90, 7);
    const there = await opened().run("weightStatistics", { ...task, weight: sharedFloats(weight) });
    expect(there).toEqual(await inPlace.run("weightStatistics", { ...task, weight }));
  });

  it("tell what is wrong as the thread that asks does", async () => {
    const weight = Float32Array.of(1, Number.NaN);
    const task = { weight, shape: [1, 2], axis: 0, bits: [4] as const };
    await expect(opened().run("weightStatistics", task)).rejects.toMatchObject({ code: "SQ2101" });
  });

  it("stop within a layer when it is cancelled, and go on with the next", async () => {
    const { moments, rounding } = layerOf(3000, 200);
    const controller = new AbortController();
    const running = roundLayer(moments, { ...rounding, compute: opened() }, controller.signal);
    setTimeout(() => controller.abort(new Error("enough")), 1);
    await expect(running).rejects.toThrow("enough");
    const next = layerOf(8, 20);
    expect((await roundLayer(next.moments, { ...next.rounding, compute: opened() })).q.length).toBe(160);
  });

  it("that can't be started are an error with a code", async () => {
    const missing = openComputePool(2, path.join(folder, "nothing.cjs"));
    const { moments, rounding } = layerOf(4, 10);
    await expect(roundLayer(moments, { ...rounding, compute: missing })).rejects.toMatchObject({ code: "SQ6009" });
    await missing.close();
  });

  it("are none where one is enough", async () => {
    const single = openComputePool(1, "there is no such file");
    const { moments, rounding } = layerOf(4, 10);
    await expect(roundLayer(moments, { ...rounding, compute: single })).resolves.toMatchObject({ bits: 3 });
    await single.close();
  });
});
