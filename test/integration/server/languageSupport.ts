import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";
import { buildServer, type ServerBuild } from "../../support/server.ts";
import { LanguageClient } from "./languageClient.ts";

/** A device that ResNet-8 fits when it gets few bits, with a comment that edits have to leave alone. */
export const board = `{
  "name": "Board",
  "weightBits": [2, 4, 8],
  "operators": { "Conv": { "weightBits": [2, 4, 8] } },
  "memory": { "weightMemoryKiB": 442, "activationMemoryKiB": 512 },
  "compute": { "clockMHz": 100, "macsPerCycle": { "2x8": 16, "4x8": 8, "8x8": 4 }, "layerOverheadUs": 28 },
  "accuracy": { "maxDropPoints": 1 },
  "budgets": {
    "weightMemoryKiB": 30, // what the linker script leaves
    "latencyMs": 20,
    "bopsM": 400
  }
}
`;

let build: ServerBuild | undefined;

/** Builds the server once for a file of tests. */
export function useLanguageServer(): void {
  beforeAll(async () => {
    build = await buildServer();
  });
  afterAll(() => build?.remove());
}

export interface LanguageBench {
  readonly folder: string;
  readonly model: string;
  readonly profile: string;
  readonly plan: string;
  readonly client: LanguageClient;
}

/** ResNet-8 and a profile in a folder of their own, and a server on it; all goes when the test ends. No samples: nothing is measured. */
export async function languageBench(
  options: { readonly profile?: string; readonly trusted?: boolean; readonly folders?: readonly string[] } = {},
): Promise<LanguageBench> {
  if (build === undefined) throw new Error("useLanguageServer() is missing");
  const folder = emptyFolder();
  const model = writeModel(folder);
  const profile = path.join(folder, "board.hwprofile.json");
  writeFileSync(profile, options.profile ?? board);
  const client = await LanguageClient.start({
    build,
    folders: [folder, ...(options.folders ?? [])],
    ...(options.trusted !== undefined && { trusted: options.trusted }),
  });
  onTestFinished(() => client.stop());
  return { folder, model, profile, plan: path.join(folder, "resnet8.sigmaquant.json"), client };
}

export function emptyFolder(): string {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "sigmaquant-language-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return folder;
}

export function writeModel(folder: string, name = "resnet8.onnx"): string {
  mkdirSync(folder, { recursive: true });
  const model = path.join(folder, name);
  copyFileSync(path.join(root, "test/fixtures/models/resnet8.onnx"), model);
  return model;
}
