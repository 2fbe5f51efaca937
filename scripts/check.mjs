/** `npm run check`: types, then lint and format. `npm test` counts each as a test. */
import { existsSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { root, runNode } from "./lib/run.mjs";

const compiler = "node_modules/typescript/bin/tsc";

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {string} program a JavaScript file
 * @property {readonly string[]} args
 */

/** @returns {readonly Check[]} */
export function checks() {
  // The page has the DOM and no Node, so it has types of its own.
  const projects = ["tsconfig.json", "webview/tsconfig.json"].filter((file) => existsSync(path.join(root, file)));
  return [
    ...projects.map((project) => ({ name: `types (${project})`, program: compiler, args: ["-p", project] })),
    { name: "lint and format", program: "node_modules/@biomejs/biome/bin/biome", args: ["check", "."] },
  ];
}

async function main() {
  for (const { program, args } of checks()) {
    const { code } = await runNode(program, args);
    if (code !== 0) process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
