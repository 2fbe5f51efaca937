/** `node scripts/drawIcon.mjs`: media/icon.png from media/icons/icon.svg, by the browser that the tests use. The marketplace takes no SVG. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";
import { root } from "./lib/run.mjs";
import { ensureChromium } from "./vscodeHost/chromium.mjs";

/** What the marketplace asks for, in pixels. */
const size = 128;

const svg = readFileSync(path.join(root, "media/icons/icon.svg"), "utf8");
const browser = await chromium.launch({ executablePath: await ensureChromium(), args: ["--no-sandbox"] });
try {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body { margin: 0 } svg { display: block; width: ${size}px }</style>${svg}`);
  await page.screenshot({ path: path.join(root, "media/icon.png"), omitBackground: true });
} finally {
  await browser.close();
}
