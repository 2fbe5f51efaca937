import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { FileChangeType } from "vscode-languageserver-protocol/node";
import type { DevicesSnapshot } from "../../../src/protocol/devices.ts";
import type { EditorSnapshot } from "../../../src/protocol/editor.ts";
import { requests } from "../../../src/protocol/requests.ts";
import { stillRunning } from "../../support/processes.ts";
import { testSettings, uriOf } from "../../support/server.ts";
import { ComparisonClient, isComplete, states } from "./devicesSupport.ts";
import { smallBench, useServerBuild, useSharedCache } from "./support.ts";

useServerBuild();
const cache = useSharedCache();

/** The solver alone: these tests are not about the search. */
const quick = { settings: { strategy: "exact", recovery: [] } } as const;

const budgetText = (name: string, weightMemoryKiB: number) =>
  JSON.stringify({ name, extends: "preset:generic", budgets: { weightMemoryKiB } }, null, 2);

/** Profiles beside the model: one roomy, one tight, one that can't be met. */
function writeDevices(folder: string): readonly string[] {
  return Object.entries({ roomy: 64, tight: 34, tiny: 9 }).map(([name, limit]) => {
    const file = path.join(folder, `${name}.hwprofile.json`);
    writeFileSync(file, budgetText(name, limit));
    return file;
  });
}

/** The editor's bits were run, without a search as the settings have it. */
const isDecided = ({ work, accuracy }: EditorSnapshot) => work === undefined && accuracy?.how === "simulated";

const row = ({ rows, devices }: DevicesSnapshot, name: string) =>
  rows[devices.findIndex((device) => device.name === name)];

describe("a comparison of devices", () => {
  it("tells what is expected first, then one device after the other as it is run", async () => {
    const { folder, model, start } = smallBench();
    const devices = writeDevices(folder);
    const server = await start(quick);
    const client = await ComparisonClient.open(server, [model], devices);
    expect(client.last.devices.map(({ name }) => name)).toEqual(["roomy", "tight", "tiny"]);
    expect(states(client.last)).toEqual(["waiting", "waiting", "waiting"]);
    const last = await client.until(isComplete);
    const told = client.snapshots.map((snapshot) => states(snapshot).join());
    const first = (text: string) => told.findIndex((each) => each.startsWith(text));
    expect(first("expected,expected,expected")).toBeGreaterThan(0);
    expect(first("running")).toBeGreaterThan(first("expected,expected,expected"));
    expect(first("run,run,running")).toBeGreaterThan(first("run,running"));
    const [roomy, tight, tiny] = last.rows.map(({ figures }) => figures);
    expect(roomy?.verdict.verdict).toBe("feasible");
    expect(roomy?.accuracy).toMatchObject({ metric: "top1", how: "simulated", samples: 200 });
    expect(tight?.averageBits).toBeLessThan(roomy?.averageBits ?? 0);
    expect(tiny?.verdict).toMatchObject({ verdict: "infeasible", binding: "weightMemory" });
    expect(roomy?.bits).toHaveLength(10);
    expect(last.models[0]).toMatchObject({ name: "resnet8.onnx", layers: 10, float: { samples: 200 } });
    expect(last.runnable).toBe(0);
  });

  it("measures each bitwidth once for all devices, and expects accuracy once one of them is run", async () => {
    const { folder, model, start } = smallBench();
    const server = await start(quick);
    const client = await ComparisonClient.open(server, [model], writeDevices(folder));
    await client.until(isComplete);
    const measured = client.snapshots.flatMap(({ work }) => (work?.step.stage === "Measuring" ? [work] : []));
    expect(measured.every(({ step }) => step.total === 70)).toBe(true);
    expect(measured.some(({ device }) => device === undefined)).toBe(true);
    // A sweep for a device finds everything known.
    expect(measured.filter(({ device, step }) => device !== undefined && step.done > 0 && step.done < 70)).toEqual([]);
    const after = client.snapshots.find((snapshot) => states(snapshot)[0] === "run");
    expect(after?.rows[1]?.figures?.accuracy?.how).toBe("expected");
  });

  it("has what an editor decided, and what was run before, at once and without a process", async () => {
    const { folder, model, profile, start } = smallBench();
    const devices = [profile, ...writeDevices(folder)];
    const first = await start({ settings: { ...quick.settings, profile } });
    await first.open(model);
    await first.until(model, isDecided);
    const one = await ComparisonClient.open(first, [model], [profile]);
    const own = await one.until(isComplete);
    expect(one.snapshots.flatMap(({ rows }) => rows.map(({ state }) => state))).not.toContain("running");
    expect(own.rows[0]?.inUse).toBe(true);
    await one.compare([model], devices);
    await one.until(({ rows, ...more }) => rows.length === 4 && isComplete({ rows, ...more }));
    await first.stop();

    const second = await start({ settings: { ...quick.settings, profile } });
    const again = await ComparisonClient.open(second, [model], devices);
    const all = await again.until(isComplete);
    expect(again.snapshots.flatMap(({ rows }) => rows.map(({ state }) => state))).not.toContain("running");
    expect(all.rows[0]?.figures).toEqual(own.rows[0]?.figures);
  });

  it("leaves no process running once it is done, or closed while it works", async () => {
    const { folder, model, start } = smallBench(cache());
    const server = await start(quick);
    const client = await ComparisonClient.open(server, [model], writeDevices(folder));
    await client.until(isComplete);
    await expect.poll(() => server.engines).toEqual([]);
    await client.compare([model], ["preset:generic", "preset:max78000"]);
    await client.until(({ work }) => work?.device !== undefined);
    const { engines } = server;
    expect(engines.length).toBeGreaterThan(0);
    await client.close();
    await expect.poll(() => stillRunning(engines)).toEqual([]);
    await expect(client.csv()).rejects.toMatchObject({ data: { code: "SQ1104" } });
  });

  it("can be stopped, says how many are left, and goes on when asked", async () => {
    const { folder, model, start } = smallBench();
    const server = await start(quick);
    const client = await ComparisonClient.open(server, [model], writeDevices(folder));
    await client.until((snapshot) => states(snapshot)[1] === "running");
    await client.cancel();
    const stopped = await client.until(({ work }) => work === undefined);
    expect(states(stopped)).toEqual(["run", "expected", "expected"]);
    expect(stopped.runnable).toBe(2);
    await client.run();
    expect(states(await client.until(isComplete))).toEqual(["run", "run", "run"]);
  });

  it("follows a profile as it is typed; what was run for other figures is expected anew", async () => {
    const { folder, model, start } = smallBench(cache());
    const [roomy = "", tight = ""] = writeDevices(folder);
    const server = await start(quick);
    const client = await ComparisonClient.open(server, [model], [roomy, tight]);
    const before = await client.until(isComplete);
    await server.openText(tight, readFileSync(tight, "utf8"));
    await server.typeText(tight, budgetText("tight", 30));
    const typed = await client.until((snapshot) => states(snapshot)[1] === "expected");
    expect(states(typed)[0]).toBe("run");
    expect(typed.runnable).toBe(1);
    expect(row(typed, "tight")?.figures?.averageBits).toBeLessThan(row(before, "tight")?.figures?.averageBits ?? 0);
    // A slip keeps the device as it was, and says so.
    await server.typeText(tight, '{ "name": "tight", ');
    const slip = await client.until(({ devices }) => devices[1]?.problem !== undefined);
    expect(row(slip, "tight")?.figures).toEqual(row(typed, "tight")?.figures);
    await server.typeText(tight, budgetText("tight", 34));
    const back = await client.until(isComplete);
    expect(row(back, "tight")?.figures).toEqual(row(before, "tight")?.figures);
  });

  it("says of a profile that is gone that it is", async () => {
    const { folder, model, start } = smallBench(cache());
    const [roomy = "", tight = ""] = writeDevices(folder);
    const server = await start(quick);
    const client = await ComparisonClient.open(server, [model], [roomy, tight]);
    await client.until(isComplete);
    rmSync(tight);
    await server.filesChanged(FileChangeType.Deleted, tight);
    const gone = await client.until(({ rows }) => rows[1]?.state === "failed");
    expect(gone.rows[1]?.problem?.message).toBe("The profile is not there any more");
    expect(gone.rows[0]?.state).toBe("run");
  });

  it("starts over with a model that changed on disk", async () => {
    const { folder, model, start } = smallBench(cache());
    const [roomy = ""] = writeDevices(folder);
    const server = await start(quick);
    const client = await ComparisonClient.open(server, [model], [roomy]);
    const before = await client.until(isComplete);
    writeFileSync(model, readFileSync(model).subarray(0, 9000));
    await server.filesChanged(FileChangeType.Changed, model);
    const broken = await client.until(({ models }) => models[0]?.problem !== undefined);
    expect(broken.rows[0]).toMatchObject({ state: "failed" });
    copyFileSync(path.join(__dirname, "../../fixtures/models/resnet8.onnx"), model);
    await server.filesChanged(FileChangeType.Changed, model);
    const after = await client.until(isComplete);
    expect(after.rows[0]?.figures).toEqual(before.rows[0]?.figures);
  });

  it("of several models on one device tells each model's figures, in their order", async () => {
    const { folder, model, start } = smallBench(cache());
    const [, tight = ""] = writeDevices(folder);
    const second = path.join(folder, "second.onnx");
    copyFileSync(model, second);
    const server = await start(quick);
    const client = await ComparisonClient.open(server, [model, second], [tight]);
    const last = await client.until(isComplete);
    expect(last.models.map(({ name }) => name)).toEqual(["resnet8.onnx", "second.onnx"]);
    expect(last.rows.map(({ model: uri }) => uri)).toEqual([uriOf(model), uriOf(second)]);
    expect(last.rows[1]?.figures?.bits).toEqual(last.rows[0]?.figures?.bits);
    const { name, text } = await client.csv();
    expect(name).toBe("models.devices.csv");
    expect(text.trimEnd().split("\r\n")).toHaveLength(3);
  });

  it("without samples shows what fits, runs nothing by itself, and runs on made-up ones when asked", async () => {
    const { folder, model, start } = smallBench();
    const [roomy = ""] = writeDevices(folder);
    rmSync(path.join(folder, "calibration.npz"));
    rmSync(path.join(folder, "evaluation.npz"));
    const server = await start(quick);
    const client = await ComparisonClient.open(server, [model], [roomy]);
    const bare = await client.until(({ work, rows }) => work === undefined && rows[0]?.state === "expected");
    expect(bare.notices).toEqual([{ kind: "noSamples", models: ["resnet8.onnx"] }]);
    expect(bare.rows[0]?.figures?.verdict.headline).toBe("Fits, accuracy unknown");
    await client.run();
    const run = await client.until(isComplete);
    expect(run.rows[0]?.figures?.accuracy?.synthetic).toBe(true);
    expect(run.models[0]?.float).toBeUndefined();
  });

  it("in Restricted Mode shows what needs no run", async () => {
    const { folder, model, start } = smallBench();
    const server = await start({ ...quick, trusted: false });
    const client = await ComparisonClient.open(server, [model], writeDevices(folder));
    const told = await client.until((snapshot) => snapshot.work === undefined && states(snapshot)[2] === "expected");
    expect(told.notices).toEqual([{ kind: "untrusted" }]);
    expect(told.runnable).toBe(0);
    expect(row(told, "tiny")?.figures?.verdict.verdict).toBe("infeasible");
    await server.request(requests.trust, { trusted: true });
    expect((await client.until(isComplete)).notices).toEqual([]);
  });

  it("leaves out pins that one of the devices lacks, and says so", async () => {
    const { folder, model, start } = smallBench(cache());
    const [roomy = ""] = writeDevices(folder);
    const server = await start({ settings: { ...testSettings, ...quick.settings, profile: roomy } });
    await server.open(model);
    await server.until(model, isDecided);
    const edit = { kind: "setBits", layers: ["/f/Gemm"], bits: 3 } as const;
    const { uri, text } = await server.request(requests.editPlan, { uri: uriOf(model), edit });
    writeFileSync(new URL(uri), text);
    const client = await ComparisonClient.open(server, [model], [roomy, "preset:max78000"]);
    const { rows } = await client.until(isComplete);
    expect(rows[0]?.figures?.bits.at(-1)).toBe(3);
    expect(rows[1]?.figures?.bits.at(-1)).not.toBe(3);
    expect(rows[1]?.notes.join()).toContain("pins are left out");
  });
});
