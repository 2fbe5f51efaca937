/** Bundles the tests that run inside VS Code, and the program that runs them, into dist-test/. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { root } from "./run.mjs";

/** Suites of tests in the extension host: the editor's own smoke test, and the extension's. */
export const suites = Object.freeze({ host: "test/e2e/host", extension: "test/e2e/suite" });

/** @typedef {keyof typeof suites} SuiteName */

/** @param {SuiteName} name @returns {string} the module that VS Code is given as extensionTestsPath */
export function suiteEntry(name) {
  return path.join(root, "dist-test", name, "index.cjs");
}

/** The program that drives VS Code, in TypeScript as the tests; Node 20 can't run that as it is. */
export const runnerFile = path.join(root, "dist-test/runner.mjs");

/** Bundles all of it anew. */
export async function bundleTests() {
  rmSync(path.join(root, "dist-test"), { recursive: true, force: true });
  /** @type {import("esbuild").BuildOptions} */
  const shared = {
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: "node20",
    sourcemap: "inline",
    logLevel: "warning",
  };
  const names = /** @type {SuiteName[]} */ (Object.keys(suites));
  await Promise.all([
    build({
      ...shared,
      entryPoints: ["test/support/vscode/runner.ts"],
      outfile: runnerFile,
      format: "esm",
      packages: "external",
    }),
    ...names.map((name) =>
      build({
        ...shared,
        entryPoints: { index: "test/support/vscode/inHost.ts", ...testFiles(suites[name]) },
        outdir: path.dirname(suiteEntry(name)),
        outExtension: { ".js": ".cjs" },
        format: "cjs",
        // Mocha has to be the same for the runner and for each test; both find it in the repository's node_modules.
        external: ["vscode", "mocha"],
      }),
    ),
  ]);
}

/** @param {string} folder @returns {Record<string, string>} output name -> source */
function testFiles(folder) {
  if (!existsSync(path.join(root, folder))) return {};
  const files = readdirSync(path.join(root, folder)).filter((file) => file.endsWith(".test.ts"));
  return Object.fromEntries(files.map((file) => [file.replace(/\.ts$/, ""), path.join(folder, file)]));
}
