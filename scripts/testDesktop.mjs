/**
 * `npm run test:desktop`: the tests in the extension host once more, in a desktop's VS Code, which @vscode/test-electron starts.
 *
 *   npm run test:desktop                                 downloads VS Code (into the user's cache folder)
 *   VSCODE_EXECUTABLE=/usr/share/code/code npm run ...   takes this one; its Electron program, not the `code` script
 *   npm run test:desktop -- --version 1.100.3            downloads this version
 *   npm run test:desktop -- table --only "sorts"         only these files, only tests with these titles
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { settle, summary } from "./lib/counts.mjs";
import { ensureInstalled, fail } from "./lib/ensureInstalled.mjs";
import { timedRun } from "./lib/timedRun.mjs";

/** The suite takes some minutes; more means that it hangs. */
const suiteTimeoutMs = 20 * 60_000;

const variable = "VSCODE_EXECUTABLE";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { version: { type: "string", default: "stable" }, only: { type: "string" } },
});

async function main() {
  await ensureInstalled();
  const executable = await desktopVscode();
  const { bundleTests, suites } = await import("./lib/bundleTests.mjs");
  const { buildPackages, packageFile, thisTarget } = await import("./lib/package.mjs");
  const bundles = await bundleTests(positionals);
  const folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-counts-"));
  try {
    /** @type {import("./lib/counts.mjs").Level[]} */
    const levels = [];
    if (bundles.suites.some(({ name }) => suites[name].extension === undefined)) {
      await buildPackages([thisTarget()], () => undefined);
    }
    for (const { name, entry } of bundles.suites) {
      const { extension = packageFile(), workspace } = suites[name];
      const file = path.join(folder, `${name}.json`);
      const args = [
        ...["--tests", entry, "--extension", extension, "--workspace", workspace],
        ...["--desktop", executable, "--counts", file],
        ...(values.only === undefined ? [] : ["--only", values.only]),
      ];
      console.log(`\n=== ${name}, in ${executable}`);
      const ended = await timedRun(bundles.runner, args, { timeoutMs: suiteTimeoutMs });
      const counts = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
      const level = { name: `desktop/${name}`, passed: 0, failed: 0, skipped: 0, ...counts };
      levels.push(settle(level, ended, { mayBeEmpty: values.only !== undefined }));
    }
    if (levels.length === 0) throw new Error(`No test file has one of these in its path: ${positionals.join(", ")}.`);
    const { lines, ok } = summary(levels);
    console.log(`\n${lines.join("\n")}`);
    process.exitCode = ok ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    bundles.remove();
  }
}

/** @returns {Promise<string>} the program of a desktop's VS Code */
async function desktopVscode() {
  if (process.platform === "linux" && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) {
    throw new Error(
      "A desktop's VS Code needs a display, and there is none. Run this on a desktop, or in a virtual one: " +
        "xvfb-run -a npm run test:desktop. `npm test` runs the same tests in a browser.",
    );
  }
  const given = process.env[variable];
  if (given) {
    if (!existsSync(given)) throw new Error(`${variable} names ${given}, which is not there.`);
    return path.resolve(given);
  }
  const { downloadAndUnzipVSCode, SilentReporter } = await import("@vscode/test-electron");
  const { cacheFolder } = await import("./vscodeHost/cache.mjs");
  console.log(`Downloading VS Code (${values.version}), if it is not there yet...`);
  try {
    return await downloadAndUnzipVSCode({
      version: values.version,
      cachePath: path.join(cacheFolder(), "vscode-desktop"),
      reporter: new SilentReporter(),
    });
  } catch (error) {
    throw new Error(
      `VS Code could not be downloaded: ${error instanceof Error ? error.message : error}\n` +
        `Install it and name its program: ${variable}=/usr/share/code/code npm run test:desktop ` +
        '(macOS: "/Applications/Visual Studio Code.app/Contents/MacOS/Electron"; Windows: Code.exe). ' +
        "`npm test` runs the same tests in a browser.",
    );
  }
}

await main().catch(fail);
