import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { FileChangeType, LSPErrorCodes } from "vscode-languageserver-protocol";
import { parsePlan } from "../../../src/core/plan/planFile.ts";
import type { EditorSnapshot } from "../../../src/protocol/editor.ts";
import { requests } from "../../../src/protocol/requests.ts";
import { cpuTicks, stillRunning } from "../../support/processes.ts";
import { type TestServer, uriOf } from "../../support/server.ts";
import { resnet8Layers } from "../../support/smallWorkspace.ts";
import { until } from "../../support/vscode/until.ts";
import { retrain } from "./faultsSupport.ts";
import { filesIn, isDecided, isIdle, isMeasuring, noticesOf, smallBench, useServerBuild } from "./support.ts";

useServerBuild();

/** Layers at six bitwidths each. */
const pairs = resnet8Layers * 6;

const noticeOf = <K extends EditorSnapshot["notices"][number]["kind"]>({ notices }: EditorSnapshot, kind: K) =>
  notices.find((notice): notice is Extract<typeof notice, { kind: K }> => notice.kind === kind);

/** No process of the server computes any more. */
async function atRest(server: TestServer): Promise<void> {
  const pids = [server.pid, ...server.engines];
  const used = () => pids.reduce((all, pid) => all + (cpuTicks(pid) ?? 0), 0);
  let before = used();
  await until(() => {
    const now = used();
    const rests = now - before === 0;
    before = now;
    return rests;
  });
}

describe("an analysis that is cancelled", () => {
  it("leaves no file and no work behind, tells where it stopped, and goes on from there", async () => {
    const { model, folder, tempFolder, start } = smallBench();
    const files = filesIn(folder);
    const server = await start();
    const uri = uriOf(model);
    await server.open(model);
    await server.until(model, (snapshot) => isMeasuring(snapshot) && (snapshot.work?.done ?? 0) > pairs / 2);
    await server.request(requests.cancel, { uri });
    const stopped = await server.until(
      model,
      (snapshot) => isIdle(snapshot) && noticesOf(snapshot).includes("stopped"),
    );
    expect(noticeOf(stopped, "stopped")).toMatchObject({ stage: "Measuring", total: pairs });
    expect(noticeOf(stopped, "stopped")?.done).toBeLessThan(pairs);
    await atRest(server);
    expect(isIdle(server.told(model).at(-1) as EditorSnapshot)).toBe(true);
    expect(filesIn(folder)).toEqual(files);
    expect(filesIn(tempFolder)).toEqual([]);
    const { now: after } = server;
    await server.request(requests.analyze, { uri });
    // The first layers that it names are those that were not measured yet.
    const resumed = await server.until(model, ({ work }) => work?.stage === "Measuring" && work.done > 0, { after });
    expect(resumed.work?.done).toBeGreaterThanOrEqual(noticeOf(stopped, "stopped")?.done ?? pairs);
    const last = await server.until(model, isDecided);
    expect(noticesOf(last)).not.toContain("stopped");
    expect(last.layers.every(({ sensitivity }) => Object.keys(sensitivity ?? {}).length === 6)).toBe(true);
  });

  it("ends a run to files, too: nothing is written, and the next run works", async () => {
    const { model, folder, tempFolder, start } = smallBench();
    const server = await start();
    const uri = uriOf(model);
    await server.open(model);
    await server.until(model, isDecided);
    const files = filesIn(folder);
    const { now: after } = server;
    const run = server.request(requests.quantize, { uri, overwrite: false });
    // What the editor keeps to itself.
    const failed = expect(run).rejects.toMatchObject({ code: LSPErrorCodes.RequestCancelled });
    await server.until(model, ({ work }) => work?.kind === "quantize", { after });
    await server.request(requests.cancel, { uri });
    await failed;
    await atRest(server);
    expect(filesIn(folder)).toEqual(files);
    expect(filesIn(tempFolder)).toEqual([]);
    const done = await server.request(requests.quantize, { uri, overwrite: false });
    expect(done.kind).toBe("done");
    expect(filesIn(folder)).toEqual([...files, ...written].sort());
    expect(await server.request(requests.quantize, { uri, overwrite: false })).toEqual({
      kind: "exists",
      files: written.filter((name) => !name.endsWith(".json")).map((name) => path.join(folder, name)),
    });
  });
});

describe("a run to files", () => {
  it("is known as the decision afterwards, with the figures of the table: nothing is searched twice", async () => {
    const { model, start } = smallBench();
    const server = await start();
    await server.open(model);
    // Before anything is known of the weights.
    const done = await server.request(requests.quantize, { uri: uriOf(model), overwrite: false });
    expect(done.kind).toBe("done");
    const { now: after } = server;
    const last = await server.until(model, (snapshot) => isDecided(snapshot) && snapshot.metric !== undefined, {
      after,
    });
    expect(
      last.layers.every(({ sigma, weightBits, sensitivity }) => sigma !== undefined && weightBits && sensitivity),
    ).toBe(true);
    expect(last.comparison?.verdict.headline).toBe(last.verdict?.headline);
    const { outputs = [], changed } = last.comparison ?? {};
    expect(outputs.map(({ shape, maxError }) => [shape, maxError > 0])).toEqual([["N×10", true]]);
    expect(changed?.samples).toBe(200);
    expect(last.abandonDrop).toBeCloseTo(0.02, 12);
    expect(server.snapshots.slice(after).some(({ snapshot }) => snapshot.work?.stage === "Searching")).toBe(false);
  });

  it("asks before it replaces a plan that it does not follow, and follows one that it need not ask for", async () => {
    const { model, folder, profile, start } = smallBench();
    const plan = path.join(folder, "resnet8.sigmaquant.json");
    writeFileSync(plan, "notes of mine");
    const one = await start();
    const uri = uriOf(model);
    const asked = { kind: "exists", files: [plan] };
    expect(await one.request(requests.quantize, { uri, overwrite: false })).toEqual(asked);
    expect(readFileSync(plan, "utf8")).toBe("notes of mine");
    writeFileSync(plan, "");
    await one.filesChanged(FileChangeType.Changed, plan);
    const { layers } = await one.until(model, isDecided);
    const edit = { kind: "setBits", layers: [layers[0]?.name ?? ""], bits: 2 } as const;
    writeFileSync(plan, (await one.request(requests.editPlan, { uri, edit })).text);
    // For other budgets it is another's plan.
    const device = readFileSync(profile, "utf8");
    writeFileSync(profile, device.replace('"weightMemoryKiB": 48', '"weightMemoryKiB": 40'));
    expect(await one.request(requests.quantize, { uri, overwrite: false })).toEqual(asked);
    await one.stop();
    writeFileSync(profile, device);
    // Nothing is known of the weights yet, and the plan is followed all the same.
    const two = await start({ cacheFolder: path.join(folder, "cache") });
    const done = await two.request(requests.quantize, { uri, overwrite: false });
    expect(done.kind).toBe("done");
    expect(parsePlan(readFileSync(plan, "utf8"), plan).layers[0]).toMatchObject({ weightBits: 2 });
  });

  it("whose model becomes another says so", async () => {
    const { model, folder, start } = smallBench();
    const files = filesIn(folder);
    const server = await start();
    await server.open(model);
    const { now: after } = server;
    const run = server.request(requests.quantize, { uri: uriOf(model), overwrite: false });
    const failed = expect(run).rejects.toMatchObject({ data: { code: "SQ1005" } });
    await server.until(model, ({ work }) => work?.kind === "quantize", { after });
    retrain(model);
    await server.filesChanged(FileChangeType.Changed, model);
    await failed;
    expect(filesIn(folder)).toEqual(files);
  });

  it("that nobody waits for any more, as the model is closed, is over for all", async () => {
    const { model, folder, start } = smallBench();
    const files = filesIn(folder);
    const server = await start();
    const uri = uriOf(model);
    await server.open(model);
    const { now: after } = server;
    const run = expect(server.request(requests.quantize, { uri, overwrite: false })).rejects.toThrow();
    await server.until(model, ({ work }) => work?.kind === "quantize", { after });
    const engines = server.engines;
    await server.request(requests.closeModel, { uri });
    await run;
    await until(() => stillRunning(engines).length === 0);
    expect(filesIn(folder)).toEqual(files);
  });
});

/** What a run leaves beside the model. */
const written = [
  "resnet8.microcontroller.onnx",
  "resnet8.microcontroller.report.md",
  "resnet8.microcontroller.report.csv",
  "resnet8.sigmaquant.json",
];

/** Whether an analysis on disk has measurements in it. */
function hasMeasurements(file: string): boolean {
  if (!file.endsWith(".json")) return false;
  const { measurements } = JSON.parse(readFileSync(file, "utf8")) as { measurements: object };
  return Object.keys(measurements).length > 0;
}

describe("a process that dies", () => {
  it("where the model is run, costs the job at hand: told with what was kept, and resumed on request", async () => {
    const { model, start } = smallBench();
    const server = await start();
    await server.open(model);
    await server.until(model, isMeasuring);
    const [engine] = server.engines;
    process.kill(engine as number, "SIGKILL");
    const told = await server.until(model, (snapshot) => isIdle(snapshot) && noticesOf(snapshot).includes("restarted"));
    const { kept = 0, total } = noticeOf(told, "restarted") ?? {};
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(pairs);
    expect(total).toBe(pairs);
    await server.request(requests.analyze, { uri: uriOf(model) });
    const last = await server.until(model, isDecided);
    expect(noticesOf(last)).not.toContain("restarted");
  });

  it("with the server itself takes its engine along, and the next one goes on where it was", async () => {
    const { model, cacheFolder, start } = smallBench();
    const one = await start({ settings: { samples: 64 } });
    await one.open(model);
    await one.until(model, isMeasuring);
    await until(() => filesIn(cacheFolder).some((file) => hasMeasurements(path.join(cacheFolder, file))));
    const engines = one.engines;
    await one.kill();
    await until(() => stillRunning(engines).length === 0);
    const two = await start({ settings: { samples: 64 } });
    await two.open(model, {}, true);
    const told = await two.until(model, (snapshot) => isIdle(snapshot) && noticesOf(snapshot).includes("restarted"));
    expect(noticeOf(told, "restarted")?.kept).toBeGreaterThan(0);
    expect(noticeOf(told, "restarted")?.total).toBe(pairs);
    // Nothing is run without being asked: it may be what killed the first.
    expect(two.told(model).some(({ work }) => work?.stage === "Measuring")).toBe(false);
    await two.request(requests.analyze, { uri: uriOf(model) });
    await two.until(model, isDecided);
  });
});

describe("a model that is replaced while it is open", () => {
  it("is told of with the layers that differ, keeps their figures, and is right after an analysis", async () => {
    const { model, start } = smallBench();
    const server = await start();
    await server.open(model);
    const before = await server.until(model, isDecided);
    const original = readFileSync(model);
    retrain(model);
    await server.filesChanged(FileChangeType.Changed, model);
    const stale = await server.until(model, (snapshot) => isIdle(snapshot) && noticesOf(snapshot).includes("stale"));
    expect(noticeOf(stale, "stale")).toMatchObject({ changed: 1, layers: resnet8Layers });
    expect(stale.layers.filter(({ outdated }) => outdated)).toHaveLength(1);
    const changed = stale.layers.findIndex(({ outdated }) => outdated);
    expect(stale.layers[changed]?.sensitivity).toEqual(before.layers[changed]?.sensitivity);
    expect(stale.layers[changed]?.sigma).toBeCloseTo(2 * (before.layers[changed]?.sigma ?? 0), 6);
    await server.request(requests.analyze, { uri: uriOf(model) });
    const after = await server.until(model, isDecided);
    expect(noticesOf(after)).not.toContain("stale");
    expect(after.layers.some(({ outdated }) => outdated)).toBe(false);
    // The file as it was has been analyzed before: its figures are there at once.
    writeFileSync(model, original);
    await server.filesChanged(FileChangeType.Changed, model);
    const back = await server.until(
      model,
      (snapshot) => isDecided(snapshot) && snapshot.layers[changed]?.sigma === before.layers[changed]?.sigma,
    );
    expect(noticesOf(back)).not.toContain("stale");
    expect(back.layers.map(({ sensitivity }) => sensitivity)).toEqual(
      before.layers.map(({ sensitivity }) => sensitivity),
    );
  });

  it("is not analyzed again for events without a change", async () => {
    const { model, start } = smallBench();
    const server = await start();
    await server.open(model);
    const before = await server.until(model, isDecided);
    const told = server.told(model).length;
    await server.filesChanged(FileChangeType.Changed, model);
    const models = await server.request(requests.models, null);
    expect(models).toHaveLength(1);
    await atRest(server);
    const since = server.told(model).slice(told);
    expect(since.every((snapshot) => isIdle(snapshot) && !noticesOf(snapshot).includes("stale"))).toBe(true);
    expect(since.every((snapshot) => snapshot.accuracy?.quantized === before.accuracy?.quantized)).toBe(true);
  });
});
