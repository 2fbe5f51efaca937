/**
 * `npm run package`: the extension as .vsix files in out/, one for each platform that ONNX Runtime runs on, and one without it for
 * all others. Prints what each weighs.
 *
 *   npm run package -- --target linux-x64    only that one (may be repeated; "universal" is the one without ONNX Runtime)
 */
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { ensureInstalled, fail } from "./lib/ensureInstalled.mjs";

async function main() {
  const { values } = parseArgs({ options: { target: { type: "string", multiple: true } } });
  await ensureInstalled();
  const { buildPackages, targets } = await import("./lib/package.mjs");
  await buildPackages(values.target ?? targets, (file, bytes) => {
    console.log(`${path.relative(process.cwd(), file)}  ${(bytes / 1e6).toFixed(1)} MB`);
  });
}

await main().catch(fail);
