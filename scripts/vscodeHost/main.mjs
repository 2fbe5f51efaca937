/** Installs what the tests in a real VS Code need, ahead of time: both editors and the browser. `npm test` does the same. */
import { fail } from "../lib/ensureInstalled.mjs";
import { seconds } from "../lib/run.mjs";
import { ensureChromium } from "./chromium.mjs";
import { ensureHost } from "./install.mjs";
import { hostNames } from "./versions.mjs";

async function main() {
  const started = Date.now();
  const browser = ensureChromium().then((program) => console.log(`Browser: ${program} (${seconds(started)})`));
  const editors = hostNames.map(async (name) => {
    const host = await ensureHost(name);
    console.log(`VS Code ${host.version} (${name}): ${host.serverMain} (${seconds(started)})`);
  });
  await Promise.all([browser, ...editors]);
}

await main().catch(fail);
