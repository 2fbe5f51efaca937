import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { describe, expect, it, vi } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";
import { memorySource } from "../../../src/core/data/npz.ts";
import { random } from "../../../src/core/data/random.ts";
import { readModel } from "../../../src/core/onnx/read.ts";
import type { EditorSnapshot } from "../../../src/protocol/editor.ts";
import { requests } from "../../../src/protocol/requests.ts";
import { stillRunning } from "../../support/processes.ts";
import { type TestServer, uriOf } from "../../support/server.ts";
import { until } from "../../support/vscode/until.ts";
import { modelHash, quick, retrain, undisturbed, written } from "./faultsSupport.ts";
import {
  bitsOf,
  filesIn,
  isDecided,
  isMeasuring,
  noticesOf,
  type SmallBench,
  smallBench,
  useServerBuild,
} from "./support.ts";

useServerBuild();

/** How often a process is killed at a random moment. FAULT_ROUNDS=200 is for the night. */
const rounds = Number(process.env.FAULT_ROUNDS ?? 3);
const seed = 7;
/** Each time a server or an engine starts anew, on however busy a machine. */
vi.setConfig({ testTimeout: (rounds + 8) * 30_000 });

/** Nothing is there but what was, and perhaps all files of a run; each of them can be read. */
async function nothingHalf({ folder, tempFolder }: SmallBench, before: readonly string[]): Promise<void> {
  const now = filesIn(folder);
  expect(now.filter((name) => !before.includes(name) && !written.includes(name))).toEqual([]);
  expect(before.filter((name) => !now.includes(name))).toEqual([]);
  expect(filesIn(tempFolder)).toEqual([]);
  const model = path.join(folder, "resnet8.microcontroller.onnx");
  if (existsSync(model)) await readModel(memorySource(Uint8Array.from(readFileSync(model))));
  const plan = path.join(folder, "resnet8.sigmaquant.json");
  if (existsSync(plan)) expect(JSON.parse(readFileSync(plan, "utf8"))).toHaveProperty("layers");
}

/** What is kept of analyses. */
function analyses({ cacheFolder }: SmallBench): readonly string[] {
  return filesIn(cacheFolder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => path.join(cacheFolder, name));
}

/** A server with a model whose analysis was stopped in the middle of measuring. */
async function cutOff(bench: SmallBench): Promise<TestServer> {
  const server = await bench.start({ settings: quick });
  await server.open(bench.model);
  await server.until(bench.model, isMeasuring);
  await server.request(requests.cancel, { uri: uriOf(bench.model) });
  await server.until(bench.model, (snapshot) => snapshot.work === undefined && noticesOf(snapshot).includes("stopped"));
  return server;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe("a process that is killed at a random moment", () => {
  it(`leaves no process and no half file behind, and the next run is right: ${rounds} engines during runs to files`, async () => {
    const { hash, ms } = await undisturbed();
    const bench = smallBench();
    const before = filesIn(bench.folder);
    const server = await bench.start({ settings: quick });
    const uri = uriOf(bench.model);
    await server.open(bench.model);
    let ended = 0;
    for (let round = 0; round < rounds; round++) {
      const run = server.request(requests.quantize, { uri, overwrite: true }).then(
        () => "done",
        (error: { data?: { code?: string } }) => error.data?.code ?? String(error),
      );
      await pause(random(seed, round).next() * ms);
      const engines = server.engines;
      for (const engine of engines) process.kill(engine, "SIGKILL");
      const outcome = await run;
      expect(["done", "SQ6101"], `round ${round}: ${outcome}`).toContain(outcome);
      if (outcome !== "done") ended++;
      await until(() => stillRunning(engines).length === 0);
      await nothingHalf(bench, before);
    }
    expect(ended).toBeGreaterThan(0);
    const done = await server.request(requests.quantize, { uri, overwrite: true });
    expect(done.kind).toBe("done");
    expect(modelHash(bench)).toBe(hash);
    await nothingHalf(bench, [...before, ...written]);
    expect(server.engines.length).toBeLessThanOrEqual(1);
  });

  it(`goes on with what was kept, to the same figures: ${rounds} servers during analyses`, async () => {
    const { ms, bits } = await undisturbed();
    const bench = smallBench();
    const before = filesIn(bench.folder);
    let interrupted = 0;
    for (let round = 0; round < rounds; round++) {
      const server = await bench.start({ settings: quick });
      await server.open(bench.model);
      void server.request(requests.analyze, { uri: uriOf(bench.model) }).catch(() => undefined);
      await pause(random(seed, 100 + round).next() * ms);
      const engines = server.engines;
      const isDone = server.told(bench.model).some(isDecided);
      await server.kill();
      await until(() => stillRunning(engines).length === 0);
      await nothingHalf(bench, before);
      for (const file of analyses(bench)) expect(() => JSON.parse(readFileSync(file, "utf8")), file).not.toThrow();
      if (!isDone) interrupted++;
      // Begun again, so that the next has something to interrupt.
      else
        for (const name of readdirSync(bench.cacheFolder))
          rmSync(path.join(bench.cacheFolder, name), { recursive: true });
    }
    expect(interrupted).toBeGreaterThan(0);
    const server = await bench.start({ settings: quick });
    await server.open(bench.model);
    await server.request(requests.analyze, { uri: uriOf(bench.model) });
    const last = await server.until(bench.model, isDecided);
    expect(bitsOf(last)).toEqual(bits);
    expect(filesIn(bench.cacheFolder).filter((name) => name.includes(".tmp"))).toEqual([]);
  });

  it("in the middle of writing is cleaned up after, by the engine itself where its server dies", async () => {
    const bench = smallBench();
    const before = filesIn(bench.folder);
    const server = await bench.start({ settings: quick });
    await server.open(bench.model);
    void server.request(requests.quantize, { uri: uriOf(bench.model), overwrite: true }).catch(() => undefined);
    // The written file is run beside the float one before it takes its place: its folder is there meanwhile.
    await until(() => filesIn(bench.folder).some((name) => name.endsWith(".onnx") && name.includes(".draft")));
    const engines = server.engines;
    await server.kill();
    await until(() => stillRunning(engines).length === 0);
    await nothingHalf(bench, before);
  });
});

describe("two servers, as of two windows,", () => {
  it("on one model and one cache come to the same figures, and a third finds them", async () => {
    const bench = smallBench();
    const servers = await Promise.all([0, 1].map(() => bench.start({ settings: quick })));
    const decided = await Promise.all(
      servers.map(async (server) => {
        await server.open(bench.model);
        return server.until(bench.model, isDecided);
      }),
    );
    const figures = ({ layers }: EditorSnapshot) => layers.map(({ sensitivity, sigma }) => [sensitivity, sigma]);
    expect(figures(decided[1] as EditorSnapshot)).toEqual(figures(decided[0] as EditorSnapshot));
    const runs = servers.map((server) =>
      server.request(requests.quantize, { uri: uriOf(bench.model), overwrite: true }),
    );
    expect((await Promise.all(runs)).map(({ kind }) => kind)).toEqual(["done", "done"]);
    await nothingHalf(
      bench,
      filesIn(bench.folder).filter((name) => !name.startsWith(".")),
    );
    const third = await bench.start({ settings: quick });
    await third.open(bench.model);
    const last = await third.until(bench.model, isDecided);
    expect(figures(last)).toEqual(figures(decided[0] as EditorSnapshot));
    expect(third.told(bench.model).some(({ work }) => work?.stage === "Measuring")).toBe(false);
  });
});

describe("a cache", () => {
  it("that is damaged is measured again, to the same figures", async () => {
    const bench = smallBench();
    const first = await bench.start({ settings: quick });
    await first.open(bench.model);
    const before = await first.until(bench.model, isDecided);
    await first.stop();
    expect(analyses(bench).length).toBeGreaterThan(0);
    for (const file of analyses(bench)) {
      writeFileSync(file, readFileSync(file, "utf8").replace(/"nmse":[^,}]+/, '"nmse":"small"'));
    }
    const second = await bench.start({ settings: quick });
    await second.open(bench.model);
    const after = await second.until(bench.model, isDecided);
    expect(second.told(bench.model).some(({ work }) => work?.stage === "Measuring")).toBe(true);
    expect(bitsOf(after)).toEqual(bitsOf(before));
    expect(after.layers.map(({ sensitivity }) => sensitivity)).toEqual(
      before.layers.map(({ sensitivity }) => sensitivity),
    );
    expect(noticesOf(after)).toEqual(noticesOf(before));
  });

  it("never has figures of a file that took the model's place when nobody told of it", async () => {
    const bench = smallBench();
    const original = readFileSync(bench.model);
    const first = await cutOff(bench);
    retrain(bench.model);
    await first.request(requests.analyze, { uri: uriOf(bench.model) });
    const other = await first.until(bench.model, isDecided);
    await first.stop();
    writeFileSync(bench.model, original);
    const figures = async (server: TestServer) => {
      await server.open(bench.model);
      const { layers } = await server.until(bench.model, isDecided);
      await server.stop();
      return layers.map(({ name, sensitivity, sigma }) => [name, sigma, sensitivity]);
    };
    const kept = await figures(await bench.start({ settings: quick }));
    const anew = await figures(await bench.start({ settings: quick, cacheFolder: `${bench.cacheFolder}-other` }));
    expect(kept).toEqual(anew);
    // What was shown was of the file that was there.
    const retrained = smallBench();
    retrain(retrained.model);
    const alone = await retrained.start({ settings: quick });
    await alone.open(retrained.model);
    const right = await alone.until(retrained.model, isDecided);
    expect(other.layers.map(({ sensitivity }) => sensitivity)).toEqual(
      right.layers.map(({ sensitivity }) => sensitivity),
    );
  });

  it("never has figures of other samples either: the run ends in SQ1005, and the next looks at them anew", async () => {
    const bench = smallBench();
    const set = path.join(bench.folder, "calibration.npz");
    const original = readFileSync(set);
    const server = await cutOff(bench);
    const { now: after } = server;
    writeFileSync(set, readFileSync(path.join(root, "examples/calibration.npz")));
    expect(readFileSync(set).equals(original)).toBe(false);
    await server.request(requests.analyze, { uri: uriOf(bench.model) });
    const refused = await server.until(bench.model, (one) => noticesOf(one).includes("problem"), { after });
    expect(JSON.stringify(refused.notices)).toContain("SQ1005");
    await server.request(requests.analyze, { uri: uriOf(bench.model) });
    await server.until(bench.model, (one) => isDecided(one) && !noticesOf(one).includes("problem"), { after });
    expect(analyses(bench)).toHaveLength(2);
  });

  it("that finds no room costs nothing but itself", async () => {
    const bench = smallBench();
    const server = await bench.start({ settings: quick });
    limitFiles(server, 1);
    await server.open(bench.model);
    const last = await server.until(bench.model, isDecided);
    expect(noticesOf(last)).not.toContain("failed");
    expect(filesIn(path.join(bench.cacheFolder, "analyses"))).toEqual([]);
    expect(server.log.join("\n")).toContain("could not be cached");
  });
});

describe("a disk", () => {
  it("that is full ends a run to files with a code, nothing left behind; with room it works", async () => {
    const bench = smallBench();
    const before = filesIn(bench.folder);
    const server = await bench.start({ settings: quick });
    await server.open(bench.model);
    await server.until(bench.model, isDecided);
    limitFiles(server, 1024);
    const run = () => server.request(requests.quantize, { uri: uriOf(bench.model), overwrite: false });
    await expect(run()).rejects.toMatchObject({ data: { code: "SQ1011" } });
    await nothingHalf(bench, before);
    expect(filesIn(bench.folder)).toEqual(before);
    limitFiles(server, "unlimited");
    expect((await run()).kind).toBe("done");
  });
});

describe("a model's file", () => {
  it("that is deleted while it is measured costs the analysis at most, and is told", async () => {
    const bench = smallBench();
    const server = await bench.start({ settings: { samples: 64 } });
    await server.open(bench.model);
    await server.until(bench.model, isMeasuring);
    rmSync(bench.model);
    await server.filesChanged(3, bench.model);
    const last = await server.until(bench.model, (snapshot) => snapshot.fatal !== undefined);
    expect(last.fatal?.code).toBe("SQ1001");
    expect(server.log.filter((line) => /TypeError|RangeError|unhandled/i.test(line))).toEqual([]);
  });
});

/** Files of a server and its engines can't grow beyond: EFBIG stands for a full disk, which needs a disk to fill. */
function limitFiles(server: TestServer, bytes: number | "unlimited"): void {
  for (const pid of [server.pid, ...server.engines])
    execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:`]);
}
