/** Starts and ends VS Code's server: a free port, folders of its own, and nothing left behind. */
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { root, run } from "../lib/run.mjs";

/** @typedef {import("./install.mjs").Host} Host */

/**
 * @typedef {object} Server
 * @property {string} origin such as http://127.0.0.1:40123
 * @property {string} folder its data; gone after stop()
 * @property {() => string} log what it printed
 * @property {Promise<unknown>} ended when it has ended, asked to or not
 * @property {() => Promise<void>} stop ends it and everything that it started, and deletes its data
 */

/** It is up in a second or two; a machine that is busy with other things may need far longer. */
const startTimeoutMs = 60_000;
/** A little more than the guard's own patience. */
const stopTimeoutMs = 5_000;

/** What keeps the editor quiet and the same on every run. */
export const calmSettings = Object.freeze({
  "workbench.startupEditor": "none",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.enableExperiments": false,
  "workbench.tips.enabled": false,
  "chat.disableAIFeatures": true,
  "git.enabled": false,
  "telemetry.telemetryLevel": "off",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
});

/**
 * @typedef {object} StartOptions
 * @property {Record<string, unknown>} [settings] the user's
 * @property {boolean} [trust] ask whether a folder is trusted, as on a desktop
 * @property {boolean} [testDriver] let the page choose the extension and tests to run, which also hides notifications
 * @property {string} [vsix] install this package first
 * @property {string} [extension] folder of an extension to have as if installed: it is linked, so that a new build shows after a reload
 * @property {Record<string, string>} [env] for the server and its extension hosts
 * @property {number} [port] a free one if not given
 */

/**
 * @param {Host} host
 * @param {StartOptions} [how]
 * @returns {Promise<Server>}
 */
export async function startServer(host, how = {}) {
  const { settings = {}, trust = false, testDriver = false, vsix, extension, env = {}, port = 0 } = how;
  const folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-vscode-"));
  const dataArgs = dataFolders(folder, { ...calmSettings, "security.workspace.trust.enabled": trust, ...settings });
  try {
    // An extension put into the folder of extensions later is not seen.
    if (extension !== undefined) linkExtension(folder, extension);
    if (vsix !== undefined) await installExtension(host, dataArgs, vsix);
    const args = [
      ...["--host", "127.0.0.1", "--port", String(port), "--without-connection-token", "--accept-server-license-terms"],
      ...["--disable-telemetry", ...dataArgs],
      ...(testDriver ? ["--enable-smoke-test-driver"] : []),
      ...(trust ? [] : ["--disable-workspace-trust"]),
    ];
    return await startGuarded(host, args, folder, serverEnvironment(host, env));
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** @param {string} folder @param {Record<string, unknown>} settings @returns {string[]} the server's arguments that name its folders */
function dataFolders(folder, settings) {
  const user = path.join(folder, "user");
  mkdirSync(path.join(user, "User"), { recursive: true });
  writeFileSync(path.join(user, "User/settings.json"), JSON.stringify(settings, undefined, 2));
  const extensions = extensionsFolder(folder);
  return ["--server-data-dir", path.join(folder, "server"), "--user-data-dir", user, "--extensions-dir", extensions];
}

/** @param {string} folder */
function extensionsFolder(folder) {
  return path.join(folder, "extensions");
}

/** @param {string} folder @param {string} extension */
function linkExtension(folder, extension) {
  const manifest = JSON.parse(readFileSync(path.join(extension, "package.json"), "utf8"));
  mkdirSync(extensionsFolder(folder), { recursive: true });
  const name = `${manifest.publisher}.${manifest.name}-${manifest.version}`;
  symlinkSync(extension, path.join(extensionsFolder(folder), name), "dir");
}

/** @param {Host} host @param {readonly string[]} dataArgs @param {string} vsix */
async function installExtension(host, dataArgs, vsix) {
  const args = [
    host.serverMain,
    ...dataArgs,
    "--accept-server-license-terms",
    "--install-extension",
    path.resolve(vsix),
  ];
  const { code, output } = await run(host.node, args, { quiet: true, env: serverEnvironment(host, {}) });
  if (code !== 0 || !output.includes("was successfully installed")) {
    throw new Error(`VS Code ${host.version} did not install ${vsix}:\n${output}`);
  }
}

/** @param {Host} host @param {Record<string, string>} extra */
function serverEnvironment(host, extra) {
  // A terminal inside VS Code sets variables that would make this server a part of that one.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VSCODE|ELECTRON)_/.test(name)));
  const PATH = [path.dirname(host.node), env.PATH ?? ""].join(path.delimiter);
  return { ...env, PATH, EXTENSIONS_GALLERY: JSON.stringify({ serviceUrl: "" }), ...extra };
}

/** @param {Host} host @param {string[]} args @param {string} folder @param {NodeJS.ProcessEnv} env @returns {Promise<Server>} */
async function startGuarded(host, args, folder, env) {
  const guard = path.join(root, "scripts/vscodeHost/guard.cjs");
  const child = spawn(process.execPath, [guard, host.node, host.serverMain, ...args], {
    env,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const logFile = path.join(folder, "server.log");
  const file = createWriteStream(logFile);
  child.stdout.pipe(file);
  child.stderr.pipe(file);
  const ended = new Promise((resolve) => child.once("close", resolve));
  const log = () => readFileSync(logFile, "utf8");
  const stop = async () => {
    child.stdin.end();
    const patience = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
    await ended;
    clearTimeout(patience);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  try {
    const port = await listeningPort(child, host);
    return { origin: `http://127.0.0.1:${port}`, folder, log, ended, stop };
  } catch (error) {
    const printed = log();
    await stop();
    throw new Error(`${error instanceof Error ? error.message : error}\n${printed}`);
  }
}

/**
 * @param {import("node:child_process").ChildProcessByStdio<import("node:stream").Writable, import("node:stream").Readable, import("node:stream").Readable>} child
 * @param {Host} host
 * @returns {Promise<string>}
 */
function listeningPort(child, host) {
  return new Promise((resolve, reject) => {
    let printed = "";
    const timer = setTimeout(
      () => reject(new Error(`VS Code ${host.version} did not start in ${startTimeoutMs / 1000} s:`)),
      startTimeoutMs,
    );
    child.stdout.on("data", (chunk) => {
      printed += chunk;
      const port = /Extension host agent listening on (\d+)/.exec(printed)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(port);
    });
    child.once("close", () => {
      clearTimeout(timer);
      reject(new Error(`VS Code ${host.version} ended before it listened:`));
    });
  });
}
