/**
 * Runs a benchmark:  node bench/run.mjs NAME [arguments]
 *
 * NAME is a file of bench/ without its ending, or one of bench/speed/ (weightStatistics), which speed/main then runs alone.
 * Bundles bench/NAME.ts with esbuild into a temporary folder and runs it in a Node of its own, since Node 20 doesn't
 * take TypeScript. Packages stay outside the bundle: they are found from this repository's node_modules.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const [asked = "", ...others] = process.argv.slice(2);
const alone = path.basename(asked) === asked && existsSync(path.join(here, "speed", `${asked}.ts`));
const [name, rest] = alone ? ["speed/main", [asked, ...others]] : [asked, others];
const entry = path.join(here, `${name}.ts`);
if (!name || path.relative(here, entry).startsWith("..") || !existsSync(entry)) {
  const known = ["", "speed"].flatMap((folder) => readdirSync(path.join(here, folder)));
  const names = [...known, "accuracy/main.ts", "fuzz/main.ts", "sweep/main.ts"].filter((file) => file.endsWith(".ts"));
  console.error(
    `usage: node bench/run.mjs NAME, with NAME one of: ${names.map((file) => file.slice(0, -3)).join(", ")}`,
  );
  process.exit(2);
}

// Inside the repository, so that imports of packages resolve; node_modules/ is where tools keep what is not for git.
const folder = mkdtempSync(path.join(here, "../node_modules/.bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const outfile = path.join(folder, `${path.basename(name)}.mjs`);
await esbuild.build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  logLevel: "warning",
});
const child = spawn(process.execPath, ["--enable-source-maps", outfile, ...rest], { stdio: "inherit" });
child.on("exit", (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1);
});
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => child.kill(signal));
