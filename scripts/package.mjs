/** `npm run package [-- TARGET...]`: the extension as .vsix files in out/, for this machine's platform or for those named. */
import { statSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { ensureInstalled, fail } from "./lib/ensureInstalled.mjs";

async function main() {
  await ensureInstalled();
  const { buildPackage, thisTarget } = await import("./lib/package.mjs");
  const named = process.argv.slice(2);
  for (const target of named.length > 0 ? named : [thisTarget()]) {
    const vsix = await buildPackage(target);
    console.log(`${path.relative(process.cwd(), vsix)}  ${(statSync(vsix).size / 2 ** 20).toFixed(1)} MiB`);
  }
}

await main().catch(fail);
