/** Bundles the tests that run inside VS Code, and the program that runs them; Node 20 can't run TypeScript as it is. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { build } from "esbuild";
import { root } from "./run.mjs";

/**
 * @typedef {object} Suite tests that run in the extension host
 * @property {string} files the folder of its *.test.ts
 * @property {string} [extension] folder of the extension to test; without it, the one that this repository packages
 * @property {string} workspace the folder to open a copy of
 * @property {string} [asked] only run where what is wanted has this in it, such as its folder's name
 */

/** @typedef {"host" | "extension" | "pictures" | "measure"} SuiteName */

/**
 * The editors' own smoke test, the extension's tests, the pictures of it that the documentation shows, and how long it takes in a real window.
 * @type {Readonly<Record<SuiteName, Suite>>}
 */
export const suites = Object.freeze({
  host: { files: "test/e2e/host", extension: "test/e2e/host/probe", workspace: "test/e2e/host/workspace" },
  extension: { files: "test/e2e/suite", workspace: "examples" },
  pictures: { files: "test/e2e/pictures", workspace: "examples", asked: "pictures" },
  measure: { files: "test/e2e/measure", workspace: "examples", asked: "measure" },
});

/**
 * @typedef {object} Bundles
 * @property {string} runner the program that drives VS Code
 * @property {readonly { name: SuiteName, entry: string }[]} suites those with any tests, and the module that VS Code gets as extensionTestsPath
 * @property {() => void} remove
 */

/**
 * @param {readonly string[]} wanted parts of paths: only test files with one of them; none means all
 * @returns {Promise<Bundles>} in a folder of this run, as two runs in one checkout must not take each other's
 */
export async function bundleTests(wanted) {
  // Below the root, where Node finds the packages that are not bundled.
  mkdirSync(path.join(root, "dist-test"), { recursive: true });
  const folder = mkdtempSync(path.join(root, "dist-test/run-"));
  const remove = () => {
    process.off("exit", remove);
    rmSync(folder, { recursive: true, force: true });
  };
  // An interrupted run does not get to its end.
  process.once("exit", remove);
  /** @type {import("esbuild").BuildOptions} */
  const shared = {
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: "node20",
    sourcemap: "inline",
    logLevel: "warning",
  };
  const runner = path.join(folder, "runner.mjs");
  const names = /** @type {SuiteName[]} */ (Object.keys(suites));
  const found = names.map((name) => ({ name, tests: suiteFiles(suites[name], wanted) }));
  const some = found.filter(({ tests }) => tests.length > 0);
  try {
    await Promise.all([
      build({
        ...shared,
        entryPoints: ["test/support/vscode/runner.ts"],
        outfile: runner,
        format: "esm",
        packages: "external",
      }),
      ...some.map(({ name, tests }) =>
        build({
          ...shared,
          entryPoints: [
            { in: "test/support/vscode/inHost.ts", out: "index" },
            ...tests.map((file) => ({
              in: file,
              out: path.posix.relative(suites[name].files, file).replace(/\.ts$/, ""),
            })),
          ],
          outdir: path.join(folder, name),
          outExtension: { ".js": ".cjs" },
          format: "cjs",
          // As the programs themselves are bundled (esbuild.mjs): jsonc-parser's "main" can't be; in CommonJS import.meta is empty.
          mainFields: ["module", "main"],
          banner: { js: '"use strict"; const bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
          define: { "import.meta.url": "bundleUrl" },
          // Mocha has to be the same for the runner and for each test; both find it in the repository's node_modules.
          external: ["vscode", "mocha"],
        }),
      ),
    ]);
  } catch (error) {
    remove();
    throw error;
  }
  return { runner, suites: some.map(({ name }) => ({ name, entry: path.join(folder, name, "index.cjs") })), remove };
}

/** @param {Suite} suite @param {readonly string[]} wanted @returns {readonly string[]} its test files that are wanted */
function suiteFiles({ files, asked }, wanted) {
  if (asked === undefined) return testFiles(files, wanted);
  const named = wanted.filter((part) => part.includes(asked));
  return named.length === 0 ? [] : testFiles(files, named);
}

/**
 * @param {string} folder relative to the root
 * @param {readonly string[]} wanted
 * @returns {readonly string[]} the test files below the folder, relative to the root
 */
export function testFiles(folder, wanted) {
  if (!existsSync(path.join(root, folder))) return [];
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => path.posix.join(folder, file.replaceAll(path.sep, "/")))
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
}
