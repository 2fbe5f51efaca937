import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import * as esbuild from "esbuild";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, onTestFinished } from "vitest";
import { nodeBuild, nodeEntries } from "../../../esbuild.mjs";
import { ensureRedis } from "../../../scripts/lib/redis.mjs";
import { root } from "../../../scripts/lib/run.mjs";
import { version } from "../../../src/queue/connection.ts";
import { descendants, stillRunning } from "../../support/processes.ts";

/** Installing a server may take a minute, and building some seconds. */
const setUpMs = 600_000;
/** Conditions are looked at this often, and given up when the test is. */
const pollMs = 20;

let folder = "";
let server = "";
/** All that was started, to see at the end that nothing is left. */
const started: number[] = [];

/** Bundles the programs as they ship, and finds a Redis server; once for the tests of a file. */
export function usePrograms(): void {
  beforeAll(async () => {
    server = await ensureRedis();
    folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-queue-"));
    const { cli, engine, computeThread, queueDriver } = nodeEntries;
    await esbuild.build({
      ...nodeBuild({ outdir: folder }),
      entryPoints: { cli, engine, computeThread, queueDriver },
      sourcemap: false,
    });
    symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  }, setUpMs);
  afterAll(async () => {
    await until("all processes have ended", () => stillRunning(started).length === 0);
    rmSync(folder, { recursive: true, force: true });
  });
}

/** Waits for a condition; the test's own time limit is the end of it. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const signal = AbortSignal.timeout(120_000);
  while (!(await holds())) {
    if (signal.aborted) throw new Error(`still not: ${what}`);
    await sleep(pollMs);
  }
}

export interface Queue {
  readonly url: string;
  readonly redis: Redis;
  readonly server: ChildProcess;
  /** The list of jobs that are at work. */
  readonly active: string;
  /** Keys of ours and of the driver that match. */
  keys(pattern: string): Promise<readonly string[]>;
  /** Jobs that wait or are at work. */
  open(): Promise<number>;
}

/** An own server on a free port, gone when the test ends. */
export async function startQueue(options: { readonly password?: string } = {}): Promise<Queue> {
  const port = await freePort();
  const work = mkdtempSync(path.join(folder, "redis-"));
  const { password } = options;
  const settings = ["--bind", "127.0.0.1", "--port", String(port), "--save", "", "--appendonly", "no", "--dir", work];
  const child = launch(server, [...settings, ...(password === undefined ? [] : ["--requirepass", password])]);
  const redis = new Redis({
    host: "127.0.0.1",
    port,
    ...(password !== undefined && { password }),
    retryStrategy: () => pollMs,
    maxRetriesPerRequest: null,
  });
  redis.on("error", () => undefined);
  onTestFinished(async () => {
    redis.disconnect();
    child.kill("SIGKILL");
    await gone(child);
  });
  await redis.ping();
  const list = (name: string) => redis.llen(`sigmaquant:${version}:${name}`);
  return {
    url: `redis://127.0.0.1:${port}`,
    redis,
    server: child,
    active: `sigmaquant:${version}:active`,
    keys: (pattern) => redis.keys(pattern),
    open: async () => (await list("wait")) + (await list("active")),
  };
}

/** A port where nobody listens. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export interface Program {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves when stderr has this. */
  says(text: string | RegExp): Promise<void>;
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Starts the terminal program; what still runs when the test ends is killed, with all that it started. */
export function sigmaquant(args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
  const child = launch(process.execPath, [path.join(folder, "cli.cjs"), ...args], env);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = gone(child).then(() => child.exitCode);
  onTestFinished(async () => {
    if (child.pid !== undefined) started.push(...descendants(child.pid));
    child.kill("SIGKILL");
    await ended;
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    says: (text) =>
      until(`it says ${text}; it said ${stderr}`, () => {
        const found = typeof text === "string" ? stderr.includes(text) : text.test(stderr);
        if (!found && child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr}`);
        return found;
      }),
  };
}

/** Runs it to its end and reads its JSON. */
export async function json<T>(
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly value: T; readonly stderr: string }> {
  const program = sigmaquant([...args, "--json"]);
  const code = await program.ended;
  return { code, value: JSON.parse(program.stdout()) as T, stderr: program.stderr() };
}

export interface Failure {
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string; readonly item?: string };
}

/** A worker that listens already. @param cache its folder, where it is to have that of another */
export async function startWorker(
  queue: Pick<Queue, "url">,
  { cache = newFolder("cache-") }: { readonly cache?: string } = {},
): Promise<Program & { readonly cache: string }> {
  const program = sigmaquant(["worker", "--queue", queue.url, "--cache", cache, "--verbose"]);
  await program.says("Waiting for jobs");
  return { ...program, cache };
}

/** Layers that a worker has begun. */
export function begun(worker: Program): number {
  return worker.stderr().match(/ at [2-8, ]+ bits$/gm)?.length ?? 0;
}

/** Blobs that a worker has fetched. */
export function fetched(worker: Program): readonly string[] {
  return [...worker.stderr().matchAll(/^Fetched .*\((\w+)\)$/gm)].map(([, hash]) => hash ?? "");
}

/** A folder of the test's own. */
export function newFolder(name: string): string {
  const made = mkdtempSync(path.join(folder, name));
  mkdirSync(made, { recursive: true });
  return made;
}

/** Ends a worker as a lost machine does, and sees that what it had started ends too. */
export async function lose(worker: Program): Promise<void> {
  const { pid } = worker.child;
  if (pid === undefined) throw new Error("it does not run");
  const below = descendants(pid);
  expect(below.length).toBeGreaterThan(0);
  worker.child.kill("SIGKILL");
  await worker.ended;
  await until("its engine has ended", () => stillRunning(below).length === 0);
}

function launch(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (child.pid !== undefined) started.push(child.pid);
  child.on("error", () => undefined);
  return child;
}

function gone(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("close", () => resolve());
  });
}
