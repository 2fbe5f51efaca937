/**
 * Runs a suite of tests in the extension host of one or both editors, or of a desktop's VS Code.
 *
 *   node runner.mjs --tests ENTRY --extension FOLDER|VSIX --workspace FOLDER [--editor newest|oldest]... [--only REGEX] [--counts FILE]
 *   node runner.mjs ... --desktop EXECUTABLE
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { root, seconds } from "../../../scripts/lib/run.mjs";
import { type HostName, hostNames, hostVersions } from "../../../scripts/vscodeHost/versions.mjs";
import type { Counts } from "./inHostEvents.ts";
import { type InHostRun, runInHost } from "./runInHost.ts";
import { runOnDesktop } from "./runOnDesktop.ts";
import { unpackVsix } from "./vsix.ts";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      tests: { type: "string" },
      extension: { type: "string" },
      workspace: { type: "string" },
      editor: { type: "string", multiple: true, default: [...hostNames] },
      only: { type: "string" },
      counts: { type: "string" },
      desktop: { type: "string" },
    },
  });
  const hosts = values.editor.map(hostNamed);
  const extension = path.resolve(root, given(values.extension, "--extension"));
  const unpacked = extension.endsWith(".vsix") ? unpackVsix(extension) : undefined;
  const what = {
    extension: unpacked?.folder ?? extension,
    tests: path.resolve(root, given(values.tests, "--tests")),
    workspace: path.resolve(root, given(values.workspace, "--workspace")),
    ...(values.only !== undefined && { only: values.only }),
  };
  const results: Counts[] = [];
  try {
    if (values.desktop !== undefined) results.push(await runOnDesktop({ ...what, executable: values.desktop }));
    else for (const host of hosts) results.push(await runOne({ ...what, host }));
  } finally {
    unpacked?.remove();
  }
  const total = sum(results);
  if (values.counts !== undefined) writeFileSync(values.counts, JSON.stringify(total));
  process.exitCode = total.failed > 0 ? 1 : 0;
}

async function runOne(what: InHostRun): Promise<Counts> {
  const started = Date.now();
  const editor = `VS Code ${hostVersions[what.host].codeServer.replace(/^4/, "1")}`;
  console.log(`\n${editor}`);
  try {
    const counts = await runInHost(what);
    console.log(`  took ${seconds(started)}`);
    const here = (lines: readonly string[]) => lines.map((line) => `${editor}: ${line}`);
    return { ...counts, failures: here(counts.failures), retried: here(counts.retried) };
  } catch (error) {
    console.error(error);
    return { passed: 0, failed: 1, skipped: 0, failures: [], retried: [] };
  }
}

function sum(results: readonly Counts[]): Counts {
  const add = (key: "passed" | "failed" | "skipped") => results.reduce((all, result) => all + result[key], 0);
  const lines = (key: "failures" | "retried") => results.flatMap((result) => result[key]);
  const [failures, retried] = [lines("failures"), lines("retried")];
  return { passed: add("passed"), failed: add("failed"), skipped: add("skipped"), failures, retried };
}

function given(value: string | undefined, option: string): string {
  if (value === undefined) throw new Error(`${option} is missing`);
  return value;
}

function hostNamed(value: string): HostName {
  const found = hostNames.find((name) => name === value);
  if (found === undefined) throw new Error(`--editor is one of ${hostNames.join(", ")}, not ${value}`);
  return found;
}

await main();
