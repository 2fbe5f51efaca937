/** The levels of `npm test`: each runs its programs under a time limit and counts what they say. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { checks } from "../check.mjs";
import { whyNoHost } from "../vscodeHost/install.mjs";
import { bundleTests, suites, testFiles } from "./bundleTests.mjs";
import { countVitest, settle } from "./counts.mjs";
import { packageFile, thisTarget } from "./package.mjs";
import { root } from "./run.mjs";
import { timedRun } from "./timedRun.mjs";

/** @typedef {import("./counts.mjs").Level} Level */

/**
 * @typedef {object} Choice which tests to run
 * @property {readonly string[]} files parts of test files' paths; none means all
 * @property {string | undefined} only regular expression over full titles
 * @property {readonly string[]} editors names of versions.mjs
 * @property {string | undefined} pictures folder for the pictures that tests take
 */

const minute = 60_000;
/** Several times what each takes on two busy cores; together less than the 90 minutes that continuous integration has. */
const limits = Object.freeze({
  build: 5 * minute,
  check: 5 * minute,
  vitest: 30 * minute,
  editors: 30 * minute,
  installed: 15 * minute,
});

/** Tests of the extension as a user has it: installed, notifications and all; the editor is driven from outside. */
const installedTests = "test/e2e/installed";

/** Builds what the tests of all levels run. */
export async function build() {
  await runOrThrow("esbuild.mjs", "The build failed; the messages above say where.");
}

/** @returns {Promise<readonly Level[]>} */
export async function checkLevel() {
  const level = { name: "check", passed: 0, failed: 0, skipped: 0 };
  for (const { name, program, args } of checks()) {
    const { code, timedOut } = await timedRun(path.join(root, program), args, { timeoutMs: limits.check });
    level[code === 0 ? "passed" : "failed"] += 1;
    console.log(`  ${code === 0 ? "✔" : "✘"} ${name}${timedOut ? " (took too long)" : ""}`);
  }
  return [level];
}

/** Tests of parts, of parts together and of the page: one run of vitest, a line for each in the summary. @param {Choice} choice @returns {Promise<readonly Level[]>} */
export function vitestLevels(choice) {
  const names = ["unit", "integration", "webview"].filter((name) => testFiles(`test/${name}`, []).length > 0);
  return vitest({ choice, config: "vitest.config.ts", timeoutMs: limits.vitest, names });
}

/**
 * Tests in real editors: in their extension host, and from outside with the extension installed as a user would.
 * @param {Choice} choice
 * @returns {Promise<readonly Level[]>}
 */
export async function editorLevels(choice) {
  const reason = whyNoHost();
  if (reason !== undefined) {
    // A newcomer's system may have no such editor, which is said; where changes are judged that would be a hole.
    const level = { name: "e2e", passed: 0, failed: 0, skipped: 0, note: `not run: ${reason}` };
    return [settle(level, { code: 0, timedOut: false }, { mayBeEmpty: process.env.CI === undefined })];
  }
  const bundles = await bundleTests(choice.files);
  try {
    /** @type {Level[]} */
    const levels = [];
    const installed = testFiles(installedTests, choice.files).length > 0;
    const packaged = installed || bundles.suites.some(({ name }) => suites[name].extension === undefined);
    const vsix = packaged && hasExtension() ? await packageExtension() : undefined;
    for (const { name, entry } of bundles.suites) {
      const { extension = vsix, workspace } = suites[name];
      if (extension === undefined) throw new Error(`The suite "${name}" has no extension to test.`);
      levels.push(
        await inHost({
          name,
          choice,
          args: ["--tests", entry, "--extension", extension, "--workspace", workspace],
          runner: bundles.runner,
        }),
      );
    }
    if (installed) {
      const env = vsix === undefined ? {} : { SIGMAQUANT_TEST_VSIX: vsix };
      const config = "test/e2e/vitest.config.ts";
      levels.push(...(await vitest({ choice, config, timeoutMs: limits.installed, names: ["e2e/installed"], env })));
    }
    return levels;
  } finally {
    bundles.remove();
  }
}

/** @param {{ name: string, choice: Choice, args: readonly string[], runner: string }} what @returns {Promise<Level>} */
async function inHost({ name, choice, args, runner }) {
  return withFile(async (file) => {
    const more = [
      ...choice.editors.flatMap((editor) => ["--editor", editor]),
      ...(choice.only === undefined ? [] : ["--only", choice.only]),
      ...["--counts", file],
    ];
    const ended = await timedRun(runner, [...args, ...more], { timeoutMs: limits.editors, env: environment(choice) });
    const level = { name: `e2e/${name}`, passed: 0, failed: 0, skipped: 0, ...readJson(file) };
    return settle(level, ended, { mayBeEmpty: choice.only !== undefined });
  });
}

/**
 * @param {{ choice: Choice, config: string, timeoutMs: number, names: readonly string[], env?: Record<string, string> }} what
 * @returns {Promise<readonly Level[]>}
 */
async function vitest({ choice, config, timeoutMs, names, env = {} }) {
  return withFile(async (file) => {
    const ended = await timedRun(
      path.join(root, "node_modules/vitest/vitest.mjs"),
      [
        ...["run", "--config", config, "--passWithNoTests"],
        ...["--reporter=default", "--reporter=json", `--outputFile.json=${file}`],
        ...(choice.only === undefined ? [] : ["--testNamePattern", choice.only]),
        ...choice.files,
      ],
      { timeoutMs, env: { ...environment(choice), ...env } },
    );
    const report = readJson(file) ?? { testResults: [] };
    const levels = names.map((name) => ({ name, ...countVitest(report, path.join(root, "test", name) + path.sep) }));
    const failed = levels.some((level) => level.failed > 0);
    const mayBeEmpty = choice.only !== undefined || choice.files.length > 0;
    // How the program ended says something of all its levels; it is held against the first that has no failure to account for it.
    return levels.map((level, at) =>
      settle(level, at === 0 && !failed ? ended : { code: 0, timedOut: at === 0 && ended.timedOut }, { mayBeEmpty }),
    );
  });
}

/** @param {Choice} choice @returns {Record<string, string>} */
function environment({ pictures, editors }) {
  return {
    ...(pictures === undefined ? {} : { SIGMAQUANT_PICTURES: path.resolve(root, pictures) }),
    ...(editors.length === 0 ? {} : { SIGMAQUANT_EDITORS: editors.join(",") }),
  };
}

/** @returns {Promise<string>} the .vsix */
async function packageExtension() {
  const args = ["--target", thisTarget()];
  await runOrThrow("scripts/package.mjs", "The extension could not be packaged.", args);
  return packageFile();
}

/** @param {string} file @param {string} message @param {readonly string[]} [args] */
async function runOrThrow(file, message, args = []) {
  const { code, timedOut } = await timedRun(path.join(root, file), args, { timeoutMs: limits.build });
  if (code !== 0) throw new Error(timedOut ? `${file} took too long and was ended.` : message);
}

function hasExtension() {
  return existsSync(path.join(root, "src/extension/extension.ts"));
}

/** @template T @param {(file: string) => Promise<T>} use @returns {Promise<T>} */
async function withFile(use) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-counts-"));
  try {
    return await use(path.join(folder, "counts.json"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} file */
function readJson(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}
