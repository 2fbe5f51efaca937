import process from "node:process";
import { type Browser, chromium } from "playwright-core";
import { ensureChromium } from "../../scripts/vscodeHost/chromium.mjs";

/** Quiet, without a display and, as root, without the sandbox that Chromium refuses to root. */
const chromiumArgs = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser without a window (or with one: SIGMAQUANT_HEADED=1, to watch a test). The caller closes it. */
export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await ensureChromium(),
    headless: process.env.SIGMAQUANT_HEADED === undefined,
    args: chromiumArgs,
  });
}
