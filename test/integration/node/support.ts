import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { create, toBinary } from "@bufbuild/protobuf";
import * as esbuild from "esbuild";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
  type ValueInfoProto,
} from "onnx-buf";
import { onTestFinished } from "vitest";
import { nodeBuild } from "../../../esbuild.mjs";

export const root = fileURLToPath(new URL("../../..", import.meta.url));
export const resnet8 = path.join(root, "test/fixtures/models/resnet8.onnx");
export const examples = path.join(root, "examples");

/** An empty folder that other users can enter, removed when the test ends. */
export function tempFolder(): string {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "sigmaquant-test-")));
  chmodSync(folder, 0o755);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function listed(folder: string): readonly string[] {
  return readdirSync(folder).sort();
}

export interface ModelParts {
  readonly nodes: readonly NodeProto[];
  readonly inputs?: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly initializers?: readonly TensorProto[];
  readonly opset?: number;
  readonly irVersion?: number;
}

/** A serialized model. */
export function modelOf({
  nodes,
  inputs = [],
  outputs,
  initializers = [],
  opset = 13,
  irVersion = 8,
}: ModelParts): Uint8Array {
  const graph = create(GraphProtoSchema, {
    name: "g",
    node: [...nodes],
    input: [...inputs],
    output: [...outputs],
    initializer: [...initializers],
  });
  const opsetImport = [create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(opset) })];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: BigInt(irVersion), opsetImport, graph }));
}

/** Bundles a program as what ships is bundled. @returns its path and esbuild's account of it */
export async function bundle(source: string, folder: string): Promise<{ file: string; inputs: readonly string[] }> {
  const { entryPoints: _, outdir: __, outExtension: ___, ...options } = nodeBuild();
  const file = path.join(folder, "program.cjs");
  const { metafile } = await esbuild.build({
    ...options,
    sourcemap: false,
    metafile: true,
    stdin: { contents: source, resolveDir: root, loader: "ts" },
    outfile: file,
  });
  return { file, inputs: Object.keys(metafile.inputs) };
}

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a process and gathers what it says. */
export function start(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly uid?: number } = {},
): { readonly child: ChildProcess; readonly ended: Promise<Outcome>; said(text: string): Promise<void> } {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  let stdout = "";
  let stderr = "";
  const waiting: { readonly text: string; readonly resolve: () => void }[] = [];
  child.stdout?.on("data", (piece: Buffer) => {
    stdout += piece.toString();
    for (const { text, resolve } of waiting) if (stdout.includes(text)) resolve();
  });
  child.stderr?.on("data", (piece: Buffer) => {
    stderr += piece.toString();
  });
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
  const said = (text: string) => {
    if (stdout.includes(text)) return Promise.resolve();
    const heard = new Promise<void>((resolve) => waiting.push({ text, resolve }));
    const silent = ended.then((outcome) => {
      if (!outcome.stdout.includes(text)) throw new Error(`ended without saying ${text}: ${outcome.stderr}`);
    });
    return Promise.race([heard, silent]);
  };
  return { child, ended, said };
}

/** A user without rights: the tests' own, or nobody where that is root, whom no permission stops. */
export const ordinaryUser = process.getuid?.() === 0 ? { uid: 65_534 } : {};
