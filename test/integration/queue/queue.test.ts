import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Queue } from "bullmq";
import { describe, expect, it } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";
import { writeModel } from "../../../src/core/onnx/write.ts";
import { atomicWriteAll } from "../../../src/node/files.ts";
import { openModelFile } from "../../../src/node/openModel.ts";
import { version } from "../../../src/queue/connection.ts";
import {
  begun,
  type Failure,
  fetched,
  freePort,
  json,
  lose,
  newFolder,
  sigmaquant,
  startQueue,
  startWorker,
  until,
  usePrograms,
} from "./support.ts";

usePrograms();

const model = path.join(root, "test/fixtures/models/resnet8.onnx");
const calibration = path.join(root, "examples/calibration.npz");
const samples = ["--calibration", calibration, "--samples", "32"];
/** Small runs, of which a layer has many: it takes a while. */
const slow = ["--batch", "2", "--bits", "2,3,4,5,6,7,8"];

interface Analysis {
  readonly metric: string;
  readonly layers: readonly { readonly name: string; readonly sensitivity?: Readonly<Record<string, number>> }[];
}

const analyze = (...more: readonly string[]) => ["analyze", model, ...samples, ...more];

describe("three workers, one of which is lost in the middle of a layer", () => {
  it("come to what this machine alone comes to, to the last bit", async () => {
    const queue = await startQueue();
    const workers = await Promise.all([startWorker(queue), startWorker(queue), startWorker(queue)]);
    const [lost, ...others] = workers;
    const running = json<Analysis>(analyze(...slow, "--queue", queue.url));
    if (!lost) throw new Error("no worker");
    await until("it is at a layer", () => begun(lost) > 0);
    // It can't hand in what it is at any more.
    lost.child.kill("SIGSTOP");
    expect(await queue.redis.llen(queue.active)).toBeGreaterThan(0);
    await lose(lost);
    const { code, value } = await running;
    const local = await json<Analysis>(analyze(...slow));
    expect(code).toBe(0);
    expect(value).toEqual(local.value);
    expect(local.value.layers.filter(({ sensitivity }) => sensitivity?.[2] !== undefined).length).toBe(10);
    // Some job was taken from the lost one and given to another.
    const jobs = await queue.keys("sigmaquant:*:job-*");
    const again = await Promise.all(jobs.map((key) => queue.redis.hget(key, "stc")));
    expect(again.filter((times) => Number(times) > 0).length).toBeGreaterThanOrEqual(1);
    expect(others.map(begun).every((layers) => layers > 0)).toBe(true);
  });
});

describe("quantize with a queue", () => {
  it("makes the same plan and the same model, with weights that workers recover from the samples", async () => {
    const queue = await startQueue();
    await Promise.all([startWorker(queue), startWorker(queue)]);
    const run = async (...more: readonly string[]) => {
      const work = newFolder("quantize-");
      const copy = path.join(work, "model.onnx");
      copyFileSync(model, copy);
      const args = ["quantize", copy, ...samples, "--weight-memory", "32KiB", "--bits", "2,4,8", "--threads", "1"];
      const ended = await json<{ readonly files: { readonly model: string; readonly plan: string } }>([
        ...args,
        ...more,
      ]);
      expect(ended.stderr).not.toContain("error");
      const { files } = ended.value;
      return { plan: readFileSync(files.plan, "utf8"), model: readFileSync(files.model) };
    };
    const far = await run("--queue", queue.url);
    const here = await run();
    expect(JSON.parse(far.plan)).toEqual(JSON.parse(here.plan));
    expect(far.model.equals(here.model)).toBe(true);
  });
});

describe("a worker", () => {
  it("fetches a model and its samples once, and not again when it is started anew", async () => {
    const queue = await startQueue();
    const worker = await startWorker(queue);
    const first = await json<Analysis>(analyze("--bits", "2", "--queue", queue.url));
    // The model and the samples.
    expect(fetched(worker)).toHaveLength(2);
    await json<Analysis>(analyze("--bits", "3", "--queue", queue.url));
    expect(fetched(worker)).toHaveLength(2);
    worker.child.kill("SIGINT");
    expect(await worker.ended).toBe(0);
    const next = await startWorker(queue, { cache: worker.cache });
    const other = await json<Analysis>(analyze("--bits", "4", "--queue", queue.url));
    expect(fetched(next)).toEqual([]);
    expect([first.code, other.code]).toEqual([0, 0]);
  });

  it("that is ended gives its layer back", async () => {
    const queue = await startQueue();
    const worker = await startWorker(queue);
    const running = json<Analysis>(analyze(...slow, "--queue", queue.url));
    await until("it is at a layer", () => begun(worker) > 0);
    worker.child.kill("SIGINT");
    expect(await worker.ended).toBe(0);
    expect(await queue.redis.llen(queue.active)).toBe(0);
    await startWorker(queue);
    expect((await running).code).toBe(0);
  });

  it("refuses data that do not have their hash, and has them sent anew", async () => {
    const queue = await startQueue();
    const before = await startWorker(queue);
    await json<Analysis>(analyze("--bits", "2", "--queue", queue.url));
    before.child.kill("SIGINT");
    await before.ended;
    // One byte of the model, or of the samples.
    const chunks = (await queue.keys("sigmaquant-blob:*:0")).toSorted();
    const sizes = await Promise.all(chunks.map((key) => queue.redis.strlen(key)));
    await queue.redis.setrange(chunks[sizes.indexOf(Math.max(...sizes))] ?? "", 1000, "\x07");
    await startWorker(queue);
    const { code, value } = await json<Failure>(analyze("--bits", "3", "--queue", queue.url));
    expect(code).toBe(2);
    expect(value.error).toMatchObject({ code: "SQ6203" });
    expect(value.error.message).toMatch(/do not have the hash/);
    expect((await json<Analysis>(analyze("--bits", "3", "--queue", queue.url))).code).toBe(0);
  });

  it("refuses jobs that are none", async () => {
    const queue = await startQueue();
    const worker = await startWorker(queue);
    const port = Number(new URL(queue.url).port);
    const bare = new Queue(version, { connection: { host: "127.0.0.1", port }, prefix: "sigmaquant" });
    const strange = { sweep: { sha256: "../../etc/passwd", bytes: 1 }, layer: "x", bits: [2] };
    const job = await bare.add("layer", strange, { jobId: "job-x" });
    await until("it has failed", async () => (await job.getState()) === "failed");
    const failed = await bare.getJob("job-x");
    expect(failed?.failedReason).toContain("SQ6203");
    await bare.close();
    // It goes on.
    expect((await json<Analysis>(analyze("--bits", "2", "--queue", queue.url))).code).toBe(0);
    expect(begun(worker)).toBe(10);
  });
});

describe("a model with external data", () => {
  it("is sent with them, and lies with a worker as it lay here", async () => {
    const work = newFolder("external-");
    const split = path.join(work, "split.onnx");
    const whole = await openModelFile(model);
    const location = "weights/w.bin";
    mkdirSync(path.join(work, "weights"));
    await atomicWriteAll([split, path.join(work, location)], async ([sink, data]) => {
      if (!sink || !data) throw new Error("no sinks");
      await writeModel(whole.model, sink, { external: { location, sink: data } });
    });
    await whole.close();
    const queue = await startQueue();
    const worker = await startWorker(queue);
    const args = ["analyze", split, ...samples, "--bits", "3"];
    const far = await json<Analysis>([...args, "--queue", queue.url]);
    expect(far.value).toEqual((await json<Analysis>(args)).value);
    expect(fetched(worker)).toHaveLength(3);
    const [kept = ""] = readdirSync(worker.cache, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(location),
    );
    expect(readFileSync(path.join(worker.cache, kept)).equals(readFileSync(path.join(work, location)))).toBe(true);
  });
});

describe("an analysis that is interrupted", () => {
  it("takes its layers out of the queue and has workers stop", async () => {
    const queue = await startQueue();
    const worker = await startWorker(queue);
    const running = sigmaquant([...analyze(...slow, "--queue", queue.url), "--verbose"]);
    await until("a worker is at a layer", () => begun(worker) > 0);
    running.child.kill("SIGINT");
    expect(await running.ended).toBe(130);
    expect(running.stderr()).toContain("Interrupted");
    await until("nothing is left to do", async () => (await queue.open()) === 0);
    const layers = begun(worker);
    expect(layers).toBeLessThan(10);
    expect((await json<Analysis>(analyze("--bits", "2", "--queue", queue.url))).code).toBe(0);
  });
});

describe("an analysis without", () => {
  it("a worker asks for one", async () => {
    const queue = await startQueue();
    const { code, value } = await json<Failure>(analyze("--bits", "2", "--queue", queue.url));
    expect(code).toBe(2);
    expect(value.error).toMatchObject({ code: "SQ6202" });
    expect(value.error.remedy).toContain(`sigmaquant worker --queue ${queue.url}`);
    expect(await queue.open()).toBe(0);
  });

  it("a server says so", async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    for (const args of [analyze("--bits", "2", "--queue", url), ["worker", "--queue", url]]) {
      const { code, value } = await json<Failure>(args);
      expect(code).toBe(2);
      expect(value.error).toMatchObject({ code: "SQ6201" });
      expect(value.error.message).toContain(url);
    }
  });

  it("the right password says so, and never shows the wrong one", async () => {
    const queue = await startQueue({ password: "right" });
    const url = queue.url.replace("//", "//:wr0ng%21@");
    for (const args of [analyze("--bits", "2", "--queue", url), ["worker", "--queue", url]]) {
      const program = sigmaquant([...args, "--json", "--verbose"]);
      expect(await program.ended).toBe(2);
      expect(program.stdout()).toContain("SQ6201");
      expect(program.stdout() + program.stderr()).not.toMatch(/wr0ng/);
    }
  });

  it("an address says so, and does not show what it was given", async () => {
    const program = sigmaquant(analyze("--queue", "http://me:wr0ng@host"));
    expect(await program.ended).toBe(2);
    expect(program.stderr()).toContain("SQ1035");
    expect(program.stderr()).not.toMatch(/wr0ng/);
  });
});

describe("a server that is lost in the middle of a run", () => {
  it("ends it with an error, and the worker too", async () => {
    const queue = await startQueue();
    const worker = await startWorker(queue);
    const running = json<Failure>(analyze(...slow, "--queue", queue.url));
    await until("a worker is at a layer", () => begun(worker) > 0);
    queue.server.kill("SIGKILL");
    const { code, value } = await running;
    expect(code).toBe(2);
    expect(value.error).toMatchObject({ code: "SQ6201" });
    expect(await worker.ended).toBe(2);
    expect(worker.stderr()).toContain("SQ6201");
  });
});
