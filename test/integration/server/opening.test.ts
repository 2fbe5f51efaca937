import { copyFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { FileChangeType } from "vscode-languageserver-protocol";
import { requests } from "../../../src/protocol/requests.ts";
import { uriOf } from "../../support/server.ts";
import { resnet8Layers, writeSmallModel } from "../../support/smallWorkspace.ts";
import { npy, zip } from "../../unit/data/support.ts";
import { bitsOf, emptyBench, isDecided, isIdle, noticesOf, smallBench, useServerBuild } from "./support.ts";

useServerBuild();

describe("a model that is opened", () => {
  it("answers with the graph's facts and all layers, no weight read yet", async () => {
    const { model, start } = smallBench();
    const server = await start();
    const first = await server.open(model);
    expect(first.model).toMatchObject({ opset: 13, irVersion: 7, layers: resnet8Layers, floatType: "float32" });
    expect(first.layers).toHaveLength(resnet8Layers);
    expect(first.layers.every(({ weightShape, params }) => weightShape.length > 0 && params > 0)).toBe(true);
    expect(first.layers.some(({ sigma, sensitivity }) => sigma !== undefined || sensitivity !== undefined)).toBe(false);
    expect(first.profile?.name).toBe("Example microcontroller");
  });

  it("fills in sigma, then sensitivities, then bits that were run", async () => {
    const { model, start } = smallBench();
    const server = await start();
    await server.open(model);
    const last = await server.until(model, isDecided);
    const told = server.told(model);
    const firstWith = (holds: (snapshot: (typeof told)[number]) => boolean) => told.findIndex(holds);
    const sigma = firstWith(({ layers }) => layers.every((layer) => layer.sigma !== undefined));
    const measured = firstWith(({ layers }) =>
      layers.every((layer) => Object.keys(layer.sensitivity ?? {}).length === 6),
    );
    expect(sigma).toBeGreaterThanOrEqual(0);
    expect(measured).toBeGreaterThan(sigma);
    expect(told.findIndex(isDecided)).toBeGreaterThan(measured);
    expect(last.verdict?.verdict).toBe("feasible");
    expect(last.accuracy).toMatchObject({ metric: "top1", samples: 200 });
    expect(last.metric).toBe("kl");
  });

  it("is shown from the cache the second time: the same figures, and nothing is run again", async () => {
    const { model, start } = smallBench();
    const one = await start();
    await one.open(model);
    const before = await one.until(model, isDecided);
    await one.stop();
    const two = await start();
    await two.open(model);
    const after = await two.until(model, isDecided);
    expect(two.told(model).flatMap(({ work }) => work?.stage ?? [])).not.toContain("Measuring");
    expect(two.told(model).flatMap(({ work }) => work?.kind ?? [])).not.toContain("allocate");
    expect(bitsOf(after)).toEqual(bitsOf(before));
    expect(after.layers.map(({ sensitivity }) => sensitivity)).toEqual(
      before.layers.map(({ sensitivity }) => sensitivity),
    );
    expect(after.verdict).toEqual(before.verdict);
  });

  it("can be told at once by any number of models, each its own figures", async () => {
    const { model, folder, start } = smallBench();
    const second = path.join(folder, "second.onnx");
    copyFileSync(model, second);
    const server = await start();
    const opened = await Promise.all([server.open(model), server.open(second)]);
    expect(opened.map(({ fileName }) => fileName)).toEqual(["resnet8.onnx", "second.onnx"]);
    const both = await Promise.all([model, second].map((each) => server.until(each, isDecided)));
    expect(both.map(({ fileName }) => fileName)).toEqual(["resnet8.onnx", "second.onnx"]);
    expect(bitsOf(both[0] as (typeof both)[number])).toEqual(bitsOf(both[1] as (typeof both)[number]));
    await server.request(requests.closeModel, { uri: uriOf(model) });
    await expect(server.request(requests.planText, { uri: uriOf(model) })).rejects.toMatchObject({
      data: { code: "SQ1102" },
    });
    expect((await server.request(requests.planText, { uri: uriOf(second) })).text).toContain('"model": "second.onnx"');
  });

  it("has numbers that grow, also when it is opened again: none of its pages takes it for an old one", async () => {
    const { model, start } = smallBench();
    const server = await start();
    await server.open(model);
    const before = await server.until(model, isIdle);
    await server.request(requests.closeModel, { uri: uriOf(model) });
    expect((await server.open(model)).sequence).toBeGreaterThan(before.sequence);
    await server.kill();
    const next = await start();
    expect((await next.open(model, {}, true)).sequence).toBeGreaterThan(before.sequence);
  });
});

describe("a layer's weights", () => {
  it("are told as soon as they can be, however early they are asked for", async () => {
    const { model, start } = smallBench();
    const server = await start();
    const uri = uriOf(model);
    const opened = server.open(model);
    // As a page does that comes back with the window: all at once.
    const early = server.request(requests.histogram, { uri, layer: "/c/Conv" });
    const [first] = (await opened).layers;
    const asked = await server.request(requests.histogram, { uri, layer: first?.name ?? "" });
    expect(asked).toMatchObject({ layer: first?.name, channels: first?.weightShape[0] });
    expect((await early).counts).toEqual(asked.counts);
  });
});

describe("samples that do not fit the model", () => {
  /** Other samples than the model takes: two numbers each. */
  const other = zip([{ name: "input.npy", content: npy("<f4", "(4, 2)", new Uint8Array(32)) }]);

  it("are passed over where they only lie beside it", async () => {
    const { model, folder, start } = smallBench();
    writeFileSync(path.join(folder, "calibration.npz"), other);
    const server = await start();
    await server.open(model);
    const last = await server.until(model, (snapshot) => isIdle(snapshot) && snapshot.verdict !== undefined);
    expect(last.calibration).toBeUndefined();
    expect(noticesOf(last)).toEqual([]);
    expect(last.layers.every(({ sigma, weightBits }) => sigma !== undefined && weightBits)).toBe(true);
    expect(server.log.join("\n")).toMatch(/calibration\.npz is not used: /);
  });

  it("are looked for again when others come to lie there: a model is measured once there is something to measure on", async () => {
    const { model, folder, start } = smallBench();
    const [set, aside] = [path.join(folder, "calibration.npz"), path.join(folder, "aside.bin")];
    renameSync(set, aside);
    const server = await start();
    await server.open(model);
    const without = await server.until(model, (snapshot) => isIdle(snapshot) && snapshot.verdict !== undefined);
    expect(without.calibration).toBeUndefined();
    renameSync(aside, set);
    await server.filesChanged(FileChangeType.Created, set);
    const measured = await server.until(model, isDecided);
    expect(measured.calibration).toMatchObject({ label: "calibration.npz", samples: 64, synthetic: false });
    // Other samples under the same name are other measurements.
    const { now: after } = server;
    writeFileSync(set, readFileSync(path.join(folder, "evaluation.npz")));
    await server.filesChanged(FileChangeType.Changed, set);
    const again = await server.until(model, (s) => isDecided(s) && s.calibration?.samples === 200, { after });
    expect(again.layers.map(({ sensitivity }) => sensitivity)).not.toEqual(
      measured.layers.map(({ sensitivity }) => sensitivity),
    );
  });

  it("are told of where they were asked for, and all that needs no samples is there", async () => {
    const { model, folder, start } = smallBench();
    const set = path.join(folder, "other.npz");
    writeFileSync(set, other);
    const server = await start();
    await server.open(model, { calibration: set });
    const told = await server.until(model, (snapshot) => isIdle(snapshot) && noticesOf(snapshot).includes("problem"));
    expect(told.notices[0]).toMatchObject({ kind: "problem", code: expect.stringMatching(/^SQ4/) });
    expect(told.layers.every(({ sigma, weightBits }) => sigma !== undefined && weightBits)).toBe(true);
    // Not measured on anything else instead.
    await server.request(requests.analyze, { uri: uriOf(model) });
    const again = await server.until(model, (snapshot) => isIdle(snapshot) && noticesOf(snapshot).includes("problem"));
    expect(again.metric).toBeUndefined();
  });
});

describe("a file that is no model", () => {
  it("is shown with what is wrong, what to do and the code, and as a model once it is repaired", async () => {
    const { folder, start } = emptyBench();
    const whole = writeSmallModel(folder, "whole.onnx");
    const broken = path.join(folder, "broken.onnx");
    writeFileSync(broken, readFileSync(whole).subarray(0, 100_000));
    const server = await start();
    const { fatal, layers } = await server.open(broken);
    expect(fatal?.code).toMatch(/^SQ2\d\d\d$/);
    expect(fatal?.title).toBe("broken.onnx cannot be read");
    expect(fatal?.remedy).not.toBe("");
    expect(layers).toEqual([]);
    copyFileSync(whole, broken);
    await server.filesChanged(FileChangeType.Changed, broken);
    const repaired = await server.until(broken, (snapshot) => snapshot.layers.length === resnet8Layers);
    expect(repaired.fatal).toBeUndefined();
    // Nothing was known of it before, so nothing of it is from before.
    expect(noticesOf(await server.until(broken, isIdle))).not.toContain("stale");
  });

  it("is the model again when the same bytes come back", async () => {
    const { model, start } = smallBench();
    const server = await start();
    await server.open(model);
    await server.until(model, isDecided);
    renameSync(model, `${model}.aside`);
    await server.filesChanged(FileChangeType.Deleted, model);
    await server.until(model, ({ fatal }) => fatal?.code === "SQ1001");
    renameSync(`${model}.aside`, model);
    await server.filesChanged(FileChangeType.Created, model);
    const back = await server.until(model, (snapshot) => snapshot.fatal === undefined && isDecided(snapshot));
    expect(back.layers).toHaveLength(resnet8Layers);
  });
});
