import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import type { EditorSnapshot } from "../../../src/protocol/editor.ts";
import { buildServer, type ServerBuild, type ServerOptions, TestServer } from "../../support/server.ts";
import { writeProfile, writeSmallModel } from "../../support/smallWorkspace.ts";

/** What a test works in; all of it goes when the test ends. */
export interface Bench {
  /** The workspace's folder. */
  readonly folder: string;
  /** Where servers keep analyses. */
  readonly cacheFolder: string;
  /** Where servers put what is of the moment; empty when all is well. */
  readonly tempFolder: string;
  /** Starts a server on the workspace; it is stopped when the test ends. */
  start(options?: Partial<ServerOptions>): Promise<TestServer>;
}

/** A workspace with ResNet-8, small sets of real samples and the example's profile. */
export interface SmallBench extends Bench {
  readonly model: string;
  readonly profile: string;
}

let build: ServerBuild | undefined;

/** Builds the server once for a file of tests. */
export function useServerBuild(): void {
  beforeAll(async () => {
    build = await buildServer();
  });
  afterAll(() => build?.remove());
}

/** A folder of analyses for a file of tests that are about something else: the model is analyzed once for all of them. */
export function useSharedCache(): () => string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-cache-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}

/** An empty workspace, with a cache of its own unless another is given. */
export function emptyBench(shared?: string): Bench {
  const base = realpathSync(mkdtempSync(path.join(os.tmpdir(), "sigmaquant-server-")));
  const [folder, tempFolder] = [path.join(base, "workspace"), path.join(base, "temp")];
  const cacheFolder = shared ?? path.join(base, "cache");
  for (const each of [folder, cacheFolder, tempFolder]) mkdirSync(each, { recursive: true });
  const started: TestServer[] = [];
  onTestFinished(async () => {
    await Promise.all(started.map((server) => server.stop()));
    rmSync(base, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });
  const start = async (options: Partial<ServerOptions> = {}): Promise<TestServer> => {
    if (build === undefined) throw new Error("useServerBuild() is missing");
    const server = await TestServer.start(build, { folder, cacheFolder, tempFolder, ...options });
    started.push(server);
    return server;
  };
  return { folder, cacheFolder, tempFolder, start };
}

/** @param shared as for `emptyBench` */
export function smallBench(shared?: string): SmallBench {
  const bench = emptyBench(shared);
  return { ...bench, model: writeSmallModel(bench.folder), profile: writeProfile(bench.folder) };
}

/** All files below a folder, by their paths in it. */
export function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
}

/** Bits of every layer, in the network's order. */
export function bitsOf({ layers }: EditorSnapshot): readonly (number | null | undefined)[] {
  return layers.map(({ weightBits }) => weightBits);
}

export function noticesOf({ notices }: EditorSnapshot): readonly string[] {
  return notices.map(({ kind }) => kind);
}

/** A budget's limit, in the program's unit. */
export function limitOf({ budgets }: EditorSnapshot, name = "weightMemory"): number | undefined {
  return budgets.find((budget) => budget.name === name)?.limit;
}

export function isIdle({ work }: EditorSnapshot): boolean {
  return work === undefined;
}

/** Nothing is at work, and the bits shown were run. */
export function isDecided(snapshot: EditorSnapshot): boolean {
  return isIdle(snapshot) && snapshot.accuracy !== undefined && snapshot.trace.length > 0;
}

/** Sensitivities are being measured, and some are there. */
export function isMeasuring(snapshot: EditorSnapshot): boolean {
  return snapshot.work?.stage === "Measuring" && snapshot.work.done > 3;
}
