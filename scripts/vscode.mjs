/**
 * `npm run vscode`: the extension on examples/, in the VS Code of this machine or, where there is none, in one that is fetched from the
 * npm registry and shown in a browser.
 *
 *   npm run vscode -- --browser           the latter in any case
 *   npm run vscode -- --editor oldest     the oldest VS Code that the extension supports (in a browser)
 *   npm run vscode -- FOLDER              another folder than examples/
 *   npm run vscode -- --extension DIR     another extension than this repository's
 *   npm run vscode -- --port 8080         a port of your choice (in a browser)
 */
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { ensureInstalled, fail } from "./lib/ensureInstalled.mjs";
import { findOnPath, root, run, runNode } from "./lib/run.mjs";
import { ensureHost, whyNoHost } from "./vscodeHost/install.mjs";
import { startServer } from "./vscodeHost/server.mjs";
import { hostNames } from "./vscodeHost/versions.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    browser: { type: "boolean", default: false },
    editor: { type: "string" },
    extension: { type: "string", default: root },
    port: { type: "string" },
  },
});

async function main() {
  const extension = path.resolve(values.extension);
  const folder = path.resolve(positionals[0] ?? path.join(root, "examples"));
  if (extension === root) {
    await ensureInstalled();
    const built = await runNode("esbuild.mjs");
    if (built.code !== 0) throw new Error("The build failed; the messages above say where.");
  }
  const code = findOnPath("code");
  // A desktop's VS Code does not run as root.
  const desktop = code !== undefined && process.getuid?.() !== 0;
  if (desktop && !values.browser && values.editor === undefined && values.port === undefined) {
    await openOnDesktop(code, extension, folder);
  } else {
    await serve(extension, folder);
  }
}

/** @param {string} code @param {string} extension @param {string} folder */
async function openOnDesktop(code, extension, folder) {
  console.log(`Opening ${folder} in ${code}. After a change: npm run build, then "Developer: Reload Window" there.`);
  // On Windows it is a .cmd, which only a shell starts, and a shell wants its arguments quoted.
  const shell = process.platform === "win32";
  const quote = (/** @type {string} */ text) => (shell ? `"${text}"` : text);
  const args = ["--new-window", `--extensionDevelopmentPath=${extension}`, folder].map(quote);
  process.exitCode = (await run(quote(code), args, { shell })).code;
}

/** @param {string} extension @param {string} folder */
async function serve(extension, folder) {
  const name = hostNames.find((host) => host === (values.editor ?? "newest"));
  if (name === undefined) throw new Error(`--editor is one of ${hostNames.join(", ")}, not ${values.editor}`);
  const reason = whyNoHost();
  if (reason !== undefined) {
    throw new Error(
      `There is no \`code\` on the PATH, and ${reason}. ` +
        "Install VS Code, and in it run the command \"Shell Command: Install 'code' command in PATH\".",
    );
  }
  console.log("Starting VS Code; the first time it is fetched from the npm registry, which takes a minute...");
  const host = await ensureHost(name);
  const server = await startServer(host, {
    extension,
    ...(values.port !== undefined && { port: Number(values.port) }),
  });
  const url = `${server.origin}/?folder=${encodeURIComponent(folder)}`;
  console.log(
    `\nVS Code ${host.version} on ${folder}:\n\n  ${url}\n\nCtrl-C ends it. It has no password, and listens to this machine only.`,
  );
  await openBrowser(url);
  await untilInterruptedOr(server.ended);
  await server.stop();
  console.log("Ended.");
}

/** Shows the address where there is a desktop to show it on. @param {string} url */
async function openBrowser(url) {
  const opener = findOnPath("xdg-open");
  if (opener === undefined || !(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)) return;
  await run(opener, [url], { quiet: true }).catch(() => undefined);
}

/** @param {Promise<unknown>} ended @returns {Promise<void>} */
function untilInterruptedOr(ended) {
  return new Promise((resolve) => {
    ended.then(() => resolve());
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => resolve());
  });
}

await main().catch(fail);
