/** Runs a TypeScript program of the repository; Node 20 can't run it as it is. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { root, runNode } from "./run.mjs";

/**
 * @param {string} file relative to the root
 * @param {readonly string[]} args
 * @returns {Promise<number>} its exit code
 */
export async function runTs(file, args) {
  // Below the root, where Node finds the packages that are not bundled.
  mkdirSync(path.join(root, "dist-test"), { recursive: true });
  const folder = mkdtempSync(path.join(root, "dist-test/ts-"));
  const outfile = path.join(folder, "main.mjs");
  try {
    await build({
      absWorkingDir: root,
      entryPoints: [file],
      outfile,
      bundle: true,
      platform: "node",
      target: "node20",
      format: "esm",
      packages: "external",
      sourcemap: "inline",
      logLevel: "warning",
    });
    return (await runNode(outfile, args, { cwd: process.cwd() })).code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
