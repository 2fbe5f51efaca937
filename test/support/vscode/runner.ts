/**
 * Runs a suite of tests in the extension host of one or both editors.
 *
 *   node dist-test/runner.mjs --suite extension --vsix FILE [--host newest|oldest]... [--only REGEX] [--counts FILE]
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { type SuiteName, suiteEntry, suites } from "../../../scripts/lib/bundleTests.mjs";
import { root, seconds } from "../../../scripts/lib/run.mjs";
import { HostUnavailable } from "../../../scripts/vscodeHost/install.mjs";
import { type HostName, hostNames, hostVersions } from "../../../scripts/vscodeHost/versions.mjs";
import type { Counts } from "./inHostEvents.ts";
import { runInHost } from "./runInHost.ts";
import { unpackVsix } from "./vsix.ts";

/** The extension of the editor's own smoke test. */
const probe = path.join(root, "test/e2e/host/probe");

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      suite: { type: "string", default: "extension" },
      host: { type: "string", multiple: true, default: [...hostNames] },
      vsix: { type: "string" },
      only: { type: "string" },
      counts: { type: "string" },
    },
  });
  const suite = oneOf(values.suite, Object.keys(suites) as SuiteName[], "--suite");
  const hosts = values.host.map((name) => oneOf(name, hostNames, "--host"));
  const total = { passed: 0, failed: 0, skipped: 0 };
  const unpacked = values.vsix === undefined ? undefined : unpackVsix(values.vsix);
  if (suite === "extension" && unpacked === undefined) throw new Error("The suite of the extension needs --vsix FILE.");
  try {
    for (const host of hosts) {
      const counts = await runOne(suite, host, unpacked?.folder ?? probe, values.only);
      total.passed += counts.passed;
      total.failed += counts.failed;
      total.skipped += counts.skipped;
    }
  } finally {
    unpacked?.remove();
  }
  if (values.counts !== undefined) writeFileSync(values.counts, JSON.stringify(total));
  process.exitCode = total.failed > 0 ? 1 : 0;
}

async function runOne(suite: SuiteName, host: HostName, extension: string, only: string | undefined): Promise<Counts> {
  const started = Date.now();
  console.log(`\nVS Code ${hostVersions[host].codeServer.replace(/^4/, "1")}, suite "${suite}"`);
  try {
    const workspace = path.join(root, suite === "host" ? "test/e2e/host/workspace" : "examples");
    const tests = suiteEntry(suite);
    const counts = await runInHost({ host, extension, tests, workspace, ...(only !== undefined && { only }) });
    console.log(`  took ${seconds(started)}`);
    return counts;
  } catch (error) {
    if (error instanceof HostUnavailable) {
      console.log(`SKIPPED: ${error.message}`);
      return { passed: 0, failed: 0, skipped: 1 };
    }
    console.error(error);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

function oneOf<T extends string>(value: string, choices: readonly T[], option: string): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new Error(`${option} is one of ${choices.join(", ")}, not ${value}`);
  return found;
}

await main();
