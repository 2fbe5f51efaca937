import { spawn } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import * as esbuild from "esbuild";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { nodeBuild, nodeEntries } from "../../../esbuild.mjs";
import { root } from "../../../scripts/lib/run.mjs";
import { openNpz } from "../../../src/core/data/npz.ts";
import { openFileSource } from "../../../src/node/files.ts";
import { bytesOf, npy, zip } from "../../unit/data/support.ts";

export const resnet8 = path.join(root, "test/fixtures/models/resnet8.onnx");
export const examples = path.join(root, "examples");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Options {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Sends SIGINT when stderr has this. */
  readonly interruptAt?: string;
}

let program = "";

/** Bundles the terminal program as what ships is bundled, once for the tests of a file. */
export function useProgram(): void {
  let folder = "";
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-cli-"));
    const { cli, computeThread } = nodeEntries;
    await esbuild.build({
      ...nodeBuild({ outdir: folder }),
      entryPoints: { cli, computeThread },
      sourcemap: false,
    });
    // ONNX Runtime is found from where the bundle lies, as in an installed package.
    symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
    program = path.join(folder, "cli.cjs");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
}

/** Runs the program to its end. */
export function sigmaquant(args: readonly string[], options: Options = {}): Promise<Ended> {
  const { cwd = root, env = {}, interruptAt } = options;
  const own = { ...process.env, ...env };
  const child = spawn(process.execPath, [program, ...args], { cwd, env: own, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  let interrupted = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    if (interruptAt === undefined || interrupted || !stderr.includes(interruptAt)) return;
    interrupted = true;
    child.kill("SIGINT");
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** The program's JSON, which has to be all of stdout. */
export async function json<T>(args: readonly string[], options: Options = {}): Promise<{ ended: Ended; value: T }> {
  const ended = await sigmaquant([...args, "--json"], options);
  try {
    return { ended, value: JSON.parse(ended.stdout) as T };
  } catch {
    throw new Error(`no JSON on stdout (exit code ${ended.code}): ${ended.stdout}${ended.stderr}`);
  }
}

export interface Workspace {
  readonly folder: string;
  readonly model: string;
  /** 32 labelled images, and 40 others. */
  readonly calibration: string;
  readonly evaluation: string;
  file(name: string, content: string | Uint8Array): string;
  list(): readonly string[];
}

/** A folder with resnet8 and images for it, removed when the test ends. */
export async function workspace(name = "work"): Promise<Workspace> {
  const parent = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-cli-test-"));
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
  const folder = path.join(parent, name);
  mkdirSync(folder);
  const at = (file: string) => path.join(folder, file);
  copyFileSync(resnet8, at("resnet8.onnx"));
  copyFileSync(path.join(examples, "preprocess.json"), at("preprocess.json"));
  const { train, test } = await images();
  writeFileSync(at("calib.npz"), train);
  writeFileSync(at("test.npz"), test);
  return {
    folder,
    model: at("resnet8.onnx"),
    calibration: at("calib.npz"),
    evaluation: at("test.npz"),
    file(file, content) {
      writeFileSync(at(file), content);
      return at(file);
    },
    list: () => readdirSync(folder).sort(),
  };
}

const imageBytes = 28 * 28;
let made: Promise<{ readonly train: Uint8Array; readonly test: Uint8Array }> | undefined;

/** Small parts of the example's sets. */
function images() {
  made ??= (async () => ({ train: await firstOf("calibration.npz", 32), test: await firstOf("evaluation.npz", 40) }))();
  return made;
}

async function firstOf(set: string, count: number): Promise<Uint8Array> {
  const source = await openFileSource(path.join(examples, set));
  const file = await openNpz(source, set);
  const rows = async (name: string) => (await (await file.open(name)).rows(0, count)).data;
  const pixels = (await rows("input")) as Uint8Array;
  const labels = (await rows("labels")) as BigInt64Array;
  await source.close();
  if (pixels.length !== count * imageBytes) throw new Error(`${pixels.length} bytes of images`);
  return zip([
    { name: "input.npy", content: npy("|u1", `(${count}, 1, 28, 28)`, pixels) },
    { name: "labels.npy", content: npy("<i8", `(${count},)`, bytesOf(labels)) },
  ]);
}

export function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, "utf8")) as T;
}
