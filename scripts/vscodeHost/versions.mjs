/**
 * The builds of VS Code that the tests drive. code-server is VS Code's own workbench and server, on the npm registry, so that a real
 * editor can be had where its maker's download server can't be reached. Its version is VS Code's with a 4 for the 1.
 */

/**
 * @typedef {object} HostVersion
 * @property {string} codeServer version of the npm package code-server
 * @property {string | undefined} node version of the npm package node-linux-*; undefined: the Node that runs the tests will do
 * @property {readonly string[]} without dependencies of its server that no test touches; they are most of its size or need a compiler
 * @property {Readonly<Record<string, string>>} extra packages that it needs besides
 * @property {readonly string[]} withoutExtensions built-in extensions left out, for their size and their noise
 */

/** @typedef {"newest" | "oldest"} HostName */

/** Of the registry's ripgreps this one carries its binaries; VS Code 1.100's fetches them in an install script, which we don't run. */
const ripgrep = Object.freeze({ "@vscode/ripgrep-universal": "1.18.0" });

/** Native parts for other systems, or for sign-in and network proxies. */
const neverNeeded = ["kerberos", "@vscode/windows-process-tree", "@vscode/windows-registry"];

/** @type {Readonly<Record<HostName, HostVersion>>} */
export const hostVersions = Object.freeze({
  newest: {
    codeServer: "4.139.1",
    node: "24.21.0",
    without: [
      ...neverNeeded,
      "@github/copilot-sdk",
      "@microsoft/mxc-sdk",
      "@devcontainers/cli",
      "@vscode/sandbox-runtime",
      "@vscode/sqlite3",
      "ssh2",
    ],
    extra: {},
    withoutExtensions: ["copilot", "mermaid-markdown-features"],
  },
  // The low end of engines.vscode (^1.100.0).
  oldest: { codeServer: "4.100.3", node: undefined, without: neverNeeded, extra: ripgrep, withoutExtensions: [] },
});

/** Both names, newest first. */
export const hostNames = /** @type {const} */ (["newest", "oldest"]);

/** Counts changes of the recipe, so that an installation by an older one is not taken for a new one. */
export const recipeRevision = 1;
