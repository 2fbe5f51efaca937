/** Installs the editors of versions.mjs into the user's cache, from the npm registry alone; a second clone finds them there. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import process from "node:process";
import { root, run, runNpm } from "../lib/run.mjs";
import { cachedFolder, cacheFolder } from "./cache.mjs";
import { hostVersions, recipeRevision } from "./versions.mjs";

/** @typedef {import("./versions.mjs").HostName} HostName */
/** @typedef {import("./versions.mjs").HostVersion} HostVersion */

/**
 * @typedef {object} Host
 * @property {HostName} name
 * @property {string} version of VS Code, such as 1.100.3
 * @property {string} node the Node that runs it
 * @property {string} serverMain its server's entry point
 */

/** Node releases that VS Code 1.100's server has been tried on; with another it gets the newest editor's Node. */
const nodesForOldest = [20, 22, 24];

/**
 * The editor, installed if need be.
 * @param {HostName} name
 * @returns {Promise<Host>}
 * @throws where whyNoHost() has a reason, or the registry can't be reached
 */
export async function ensureHost(name) {
  const reason = whyNoHost();
  if (reason !== undefined) throw new Error(reason);
  const platform = `${process.platform}-${process.arch}`;
  const version = hostVersions[name];
  const home = path.join(cacheFolder(), "vscode-host");
  const folder = path.join(home, `${version.codeServer}-${platform}-r${recipeRevision}`);
  const nodeVersion = version.node ?? (runsOldest(process.version) ? undefined : hostVersions.newest.node);
  const nodeFolder = path.join(home, `node-${nodeVersion}-${platform}`);
  await Promise.all([
    cachedFolder(folder, (empty) => installEditor(version, platform, empty)),
    nodeVersion === undefined
      ? undefined
      : cachedFolder(nodeFolder, (empty) => installNode(nodeVersion, platform, empty)),
  ]);
  return {
    name,
    version: version.codeServer.replace(/^4/, "1"),
    node: nodeVersion === undefined ? process.execPath : path.join(nodeFolder, "bin/node"),
    serverMain: path.join(folder, "out/server-main.js"),
  };
}

/** @param {string} version such as v20.11.1 */
function runsOldest(version) {
  return nodesForOldest.includes(Number(version.slice(1).split(".")[0]));
}

/** @returns {string | undefined} why no editor can be had on this system, if so */
export function whyNoHost() {
  const { platform, arch } = process;
  if (platform !== "linux" || (arch !== "x64" && arch !== "arm64")) {
    return `the editor from the npm registry runs on Linux (x64, arm64), not on ${platform} ${arch}`;
  }
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return header.glibcVersionRuntime === undefined ? "the editor from the npm registry needs glibc" : undefined;
}

/** @param {HostVersion} version @param {string} platform @param {string} folder */
async function installEditor(version, platform, folder) {
  const archive = await fetchPackage("code-server", version.codeServer, folder);
  await unpack(archive, folder, {
    // Only VS Code itself: code-server's own program around it adds nothing that a test needs, and 300 packages.
    only: "package/lib/vscode",
    strip: 3,
    without: ["*.map", ...version.withoutExtensions.map((name) => `package/lib/vscode/extensions/${name}`)],
  });
  const manifestFile = path.join(folder, "package.json");
  const manifest = JSON.parse(readFileSync(manifestFile, "utf8"));
  for (const name of version.without) delete manifest.dependencies[name];
  Object.assign(manifest.dependencies, version.extra);
  writeFileSync(manifestFile, JSON.stringify(manifest));
  await npm(["install", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder);
  replaceNativeParts(folder, platform);
}

/** What install scripts would compile or fetch. @param {string} folder @param {string} platform */
function replaceNativeParts(folder, platform) {
  const modules = path.join(folder, "node_modules");
  copyFileSync(path.join(root, "scripts/vscodeHost/spdlog.cjs"), path.join(modules, "@vscode/spdlog/index.js"));
  const binaries = path.join(modules, "@vscode/ripgrep-universal/bin");
  for (const name of readdirSync(binaries)) {
    if (name !== platform) rmSync(path.join(binaries, name), { recursive: true });
  }
  const oldRipgrep = path.join(modules, "@vscode/ripgrep");
  if (existsSync(oldRipgrep)) {
    mkdirSync(path.join(oldRipgrep, "bin"), { recursive: true });
    copyFileSync(path.join(binaries, platform, "rg"), path.join(oldRipgrep, "bin/rg"));
    chmodSync(path.join(oldRipgrep, "bin/rg"), 0o755);
  }
}

/** @param {string} version @param {string} platform @param {string} folder */
async function installNode(version, platform, folder) {
  const archive = await fetchPackage(`node-${platform}`, version, folder);
  await unpack(archive, folder, { only: "package/bin/node", strip: 1, without: [] });
}

/** @param {string} name @param {string} version @param {string} folder @returns {Promise<string>} the archive */
async function fetchPackage(name, version, folder) {
  await npm(["pack", `${name}@${version}`, "--silent"], folder);
  return path.join(folder, `${name}-${version}.tgz`);
}

/**
 * @param {string} archive deleted afterwards
 * @param {string} folder
 * @param {{ only: string, strip: number, without: readonly string[] }} what
 */
async function unpack(archive, folder, { only, strip, without }) {
  const excludes = without.map((pattern) => `--exclude=${pattern}`);
  const args = ["-xzf", archive, "-C", folder, `--strip-components=${strip}`, ...excludes, only];
  const { code, output } = await run("tar", args, { quiet: true });
  if (code !== 0) throw new Error(`Unpacking ${path.basename(archive)} failed: ${output}`);
  rmSync(archive);
}

/** @param {readonly string[]} args @param {string} cwd */
async function npm(args, cwd) {
  // npm tells the programs that it starts of its settings by these; this project's are not the editor's.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(config_(?!cache|registry|offline)|package_)/i.test(name)),
  );
  if (process.env.npm_execpath !== undefined) env.npm_execpath = process.env.npm_execpath;
  const { code, output } = await runNpm(args, { cwd, env, quiet: true });
  if (code !== 0) {
    throw new Error(
      `Fetching the editor that the tests drive failed: npm ${args.join(" ")} (exit ${code})\n${output.trim()}`,
    );
  }
}
