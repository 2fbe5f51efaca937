/** Runs other programs: no shell, so that paths with spaces and Windows work alike; none is left behind when this one ends. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The repository's root: the nearest folder above with a package.json, as this file is also bundled into others. */
export const root = packageFolder(path.dirname(fileURLToPath(import.meta.url)));

/** @param {string} folder @returns {string} */
function packageFolder(folder) {
  if (existsSync(path.join(folder, "package.json"))) return folder;
  const parent = path.dirname(folder);
  if (parent === folder) throw new Error("These scripts have to lie inside the repository.");
  return packageFolder(parent);
}

/** Exit code of a program that a signal ended, as shells report it for SIGTERM. */
const killedCode = 143;

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, quiet?: boolean, shell?: boolean }} [how] `quiet` collects what it prints instead
 *   of passing it on.
 * @returns {Promise<{ code: number, output: string }>} `output` is empty unless quiet. Rejects if it can't be started.
 */
export function run(command, args, { cwd = root, env = process.env, quiet = false, shell = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, shell, stdio: quiet ? ["ignore", "pipe", "pipe"] : "inherit" });
    let output = "";
    child.stdout?.on("data", (chunk) => (output += chunk));
    child.stderr?.on("data", (chunk) => (output += chunk));
    const stop = () => child.kill();
    process.once("exit", stop);
    child.once("error", reject);
    child.once("close", (code) => {
      process.off("exit", stop);
      resolve({ code: code ?? killedCode, output });
    });
  });
}

/**
 * Runs a program of ours (a JavaScript file) with this Node.
 * @param {string} file relative to the root
 * @param {readonly string[]} [args]
 * @param {Parameters<typeof run>[2]} [how]
 */
export function runNode(file, args = [], how = {}) {
  return run(process.execPath, [path.resolve(root, file), ...args], how);
}

/**
 * Runs npm: the one that started us where there is one, else the one on the PATH.
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [how]
 */
export function runNpm(args, how = {}) {
  const started = process.env.npm_execpath;
  if (started !== undefined && /npm-cli\.c?js$/.test(started)) return run(process.execPath, [started, ...args], how);
  // npm is a .cmd file on Windows, which only a shell can start; none of our arguments needs quoting.
  return run("npm", args, { ...how, shell: process.platform === "win32" });
}

/**
 * The full path of a program on the PATH.
 * @param {string} name without its Windows extension
 * @returns {string | undefined}
 */
export function findOnPath(name) {
  const extensions = process.platform === "win32" ? [".exe", ".cmd", ".bat"] : [""];
  for (const folder of (process.env.PATH ?? "").split(path.delimiter)) {
    for (const extension of extensions) {
      const candidate = path.join(folder, name + extension);
      if (folder !== "" && existsSync(candidate)) return candidate;
    }
  }
  return undefined;
}

/** @param {number} since from Date.now() @returns {string} such as "12.3 s" */
export function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
