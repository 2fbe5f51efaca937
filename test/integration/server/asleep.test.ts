import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";
import type { EditorSnapshot } from "../../../src/protocol/editor.ts";
import { requests } from "../../../src/protocol/requests.ts";
import { uriOf } from "../../support/server.ts";
import { modelHash, quick, undisturbed } from "./faultsSupport.ts";
import { bitsOf, isDecided, isMeasuring, smallBench, useServerBuild } from "./support.ts";

useServerBuild();

/** Longer than anything that the server gives an engine time for: the longest is a job that was cancelled, which has 15 s. */
const asleepMs = 16_000;

const isQuantizing = (snapshot: EditorSnapshot) => snapshot.work?.kind === "quantize" && isMeasuring(snapshot);

describe("a machine that sleeps in the middle of a run", () => {
  it.each([
    ["the engine's process", false],
    ["the server's and the engine's", true],
  ])("(%s, stopped for longer than anything is waited for) comes to the same file, byte for byte", async (_, both) => {
    const { hash } = await undisturbed();
    const bench = smallBench();
    const server = await bench.start({ settings: quick });
    await server.open(bench.model);
    const { now: after } = server;
    const run = server.request(requests.quantize, { uri: uriOf(bench.model), overwrite: true });
    await server.until(bench.model, isQuantizing, { after });
    const { engines } = server;
    const stopped = both ? [server.pid, ...engines] : engines;
    expect(engines.length).toBeGreaterThan(0);
    for (const pid of stopped) process.kill(pid, "SIGSTOP");
    await sleep(asleepMs);
    for (const pid of stopped) process.kill(pid, "SIGCONT");
    expect((await run).kind).toBe("done");
    expect(server.engines).toEqual(engines);
    expect(modelHash(bench)).toBe(hash);
  });
});

describe("a clock that jumps in the middle of an analysis", () => {
  afterEach(() => vi.unstubAllEnvs());

  it.each([
    ["back", -5],
    ["ahead", 5],
  ])("(%s, by hours) changes nothing: pages are told as before, and the bits are the same", async (_, hours) => {
    const { bits } = await undisturbed();
    vi.stubEnv("NODE_OPTIONS", `--require ${JSON.stringify(path.join(root, "test/support/clockJump.cjs"))}`);
    vi.stubEnv("CLOCK_JUMP_HOURS", String(hours));
    const bench = smallBench();
    const server = await bench.start({ settings: quick });
    await server.open(bench.model);
    await server.until(bench.model, isMeasuring);
    const { now: after } = server;
    for (const pid of [server.pid, ...server.engines]) process.kill(pid, "SIGUSR2");
    const last = await server.until(bench.model, isDecided, { after });
    expect(bitsOf(last)).toEqual(bits);
    const told = server.snapshots.slice(after).map(({ snapshot }) => snapshot);
    // As they come, and not at the end alone.
    expect(told.filter(({ work }) => work !== undefined).length).toBeGreaterThan(2);
    const left = told.flatMap(({ work }) => work?.secondsLeft ?? []);
    expect(left.filter((seconds) => seconds < 0 || seconds > 3600)).toEqual([]);
    const sequences = told.map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  });
});
