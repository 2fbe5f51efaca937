/** Makes node_modules what package-lock.json asks for. Only Node's own modules here: it runs in a fresh clone. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { root, runNpm, seconds } from "./run.mjs";

/** Installs (`npm ci`, no install scripts: .npmrc) where something is missing or of another version; else does nothing. */
export async function ensureInstalled() {
  const reason = whyInstall();
  if (reason === undefined) return;
  console.log(`Installing dependencies (${reason})...`);
  const started = Date.now();
  const { code } = await runNpm(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  if (code !== 0) {
    throw new Error(
      `npm ci failed with exit code ${code}. It needs the npm registry (or a filled npm cache); try it by hand to see more.`,
    );
  }
  console.log(`Installed in ${seconds(started)}.`);
}

/**
 * Compares by content, not by file times, which a checkout or a copy changes.
 * @returns {string | undefined} nothing where node_modules is as the lock file says
 */
function whyInstall() {
  const installed = readPackages(path.join(root, "node_modules/.package-lock.json"));
  if (installed === undefined) return "there are none yet";
  const wanted = readPackages(path.join(root, "package-lock.json"));
  if (wanted === undefined) throw new Error("package-lock.json is missing or broken; restore it with git.");
  for (const [place, wish] of Object.entries(wanted)) {
    // The empty key is the project itself. Optional packages of other platforms are rightly absent.
    if (place === "" || wish.optional || wish.peer) continue;
    if (installed[place]?.version !== wish.version) return `${place} ${wish.version} is wanted`;
  }
  return undefined;
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean, peer?: boolean }> | undefined}
 */
function readPackages(file) {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** Ends the process with a message instead of a stack trace. @param {unknown} error */
export function fail(error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
