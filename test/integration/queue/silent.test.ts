import path from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";
import { version } from "../../../src/queue/connection.ts";
import { cpuTicks, descendants } from "../../support/processes.ts";
import {
  begun,
  json,
  type Program,
  type Queue,
  sigmaquant,
  startQueue,
  startWorker,
  until,
  usePrograms,
} from "./support.ts";

usePrograms();

const resnet8 = path.join(root, "test/fixtures/models/resnet8.onnx");
/** Of 26 layers, which take a while. */
const mobileNet = path.join(root, "examples/mobilenetv2.onnx");
const evaluation = path.join(root, "examples/evaluation.npz");
/** Single samples, and many of them: there are layers left whenever the run is ended. */
const long = ["--calibration", evaluation, "--samples", "1024", "--batch", "1", "--bits", "2,3,4,5,6,7,8"];
const analyze = ({ url }: Queue) => sigmaquant(["analyze", mobileNet, ...long, "--queue", url]);

const own = (name: string) => `sigmaquant:${version}:${name}`;
/** What the driver keeps of a queue that is empty: its settings, the newest events, which results there are. */
const bookkeeping = ["meta", "events", "completed", "id", "marker"].map(own);

/** The process in which a worker runs models computes nothing. */
async function rests(worker: Program): Promise<void> {
  const used = () => descendants(worker.child.pid ?? -1).reduce((all, pid) => all + (cpuTicks(pid) ?? 0), 0);
  let before = -1;
  await until("it computes nothing", () => {
    const now = used();
    const same = now === before;
    before = now;
    return same;
  });
}

/** Keys that nothing removes by itself, but for bookkeeping and results. */
async function lasting({ redis, keys }: Queue): Promise<readonly string[]> {
  const results = new Set((await redis.zrange(own("completed"), "0", "-1")).map(own));
  const all = (await keys("*")).filter((key) => !bookkeeping.includes(key) && !results.has(key));
  const times = await Promise.all(all.map((key) => redis.ttl(key)));
  return all.filter((_, i) => times[i] === -1);
}

describe("an analysis that is killed in the middle", () => {
  it("has its layers dropped by the worker, which rests then; what is left expires", async () => {
    const queue = await startQueue();
    const worker = await startWorker(queue);
    const running = analyze(queue);
    await until("the worker is at a layer", () => begun(worker) > 0);
    running.child.kill("SIGKILL");
    await running.ended;
    // Else a quick machine is done with all layers before the run is missed.
    worker.child.kill("SIGSTOP");
    await until("the run is not heard of any more", async () => (await queue.keys("sigmaquant-run:*")).length === 0);
    // The one at work is counted in both.
    const layers = begun(worker) + (await queue.open()) - 1;
    worker.child.kill("SIGCONT");
    await until("no layer waits or is at work", async () => (await queue.open()) === 0);
    await rests(worker);
    expect(begun(worker)).toBeLessThan(layers);
    for (const state of ["failed", "delayed", "prioritized", "waiting-children"]) {
      expect(await queue.redis.zcard(own(state)), state).toBe(0);
    }
    expect(await queue.keys("sigmaquant-run:*")).toEqual([]);
    expect(await lasting(queue)).toEqual([]);
    // What it was at is done anew, by whoever asks for it.
    const again = await json<object>(["analyze", resnet8, "--bits", "2", "--queue", queue.url]);
    expect(again.code).toBe(0);
  });

  it("with its machine, or without a worker, is dropped by the first worker that comes", async () => {
    const queue = await startQueue();
    const worker = await startWorker(queue);
    const running = analyze(queue);
    await until("the worker is at a layer", () => begun(worker) > 0);
    for (const { child } of [running, worker]) child.kill("SIGKILL");
    await Promise.all([running.ended, worker.ended]);
    await until("the run is not heard of any more", async () => (await queue.keys("sigmaquant-run:*")).length === 0);
    expect(await queue.open()).toBeGreaterThan(0);
    const next = await startWorker(queue);
    await until("no layer waits or is at work", async () => (await queue.open()) === 0);
    expect(begun(next)).toBe(0);
    expect(await lasting(queue)).toEqual([]);
  });
});

describe("results that nobody has asked for in an hour", () => {
  it("are gone when a worker starts", async () => {
    const queue = await startQueue();
    const worker = await startWorker(queue);
    const short = ["analyze", resnet8, "--bits", "2", "--queue", queue.url];
    expect((await json<object>(short)).code).toBe(0);
    const done = await queue.redis.zrange(own("completed"), "0", "-1");
    expect(done.length).toBeGreaterThan(5);
    // As if that many had been done before.
    const [kept = "", ...old] = done;
    for (const job of old) await queue.redis.zincrby(own("completed"), -3_601_000, job);
    await startWorker(queue, { cache: worker.cache });
    expect(await queue.redis.zrange(own("completed"), "0", "-1")).toEqual([kept]);
    expect(await queue.keys(own("job-*"))).toEqual([own(kept)]);
  });
});

describe("an analysis whose machine sleeps", () => {
  it("for so long that its layers are dropped and what it sent is gone, goes on, to the same figures", async () => {
    const queue = await startQueue();
    const asleep = await startWorker(queue);
    const args = ["analyze", resnet8, "--calibration", evaluation, "--samples", "64", "--batch", "2"];
    const running = sigmaquant([...args, "--queue", queue.url, "--json"]);
    await until("the worker is at a layer", () => begun(asleep) > 0);
    for (const { child } of [running, asleep]) child.kill("SIGSTOP");
    await until("the run is not heard of any more", async () => (await queue.keys("sigmaquant-run:*")).length === 0);
    const other = await startWorker(queue);
    await until("no layer waits or is at work", async () => (await queue.open()) === 0);
    expect(begun(other)).toBe(0);
    const sent = await queue.keys("sigmaquant-blob:*");
    expect(sent.length).toBeGreaterThan(0);
    await queue.redis.del(...sent);
    // The other worker wakes up too, with a result in its hands that nobody gave it time for.
    for (const { child } of [running, asleep]) child.kill("SIGCONT");
    expect(await running.ended).toBe(0);
    expect(JSON.parse(running.stdout())).toEqual((await json<object>(args)).value);
  });
});
