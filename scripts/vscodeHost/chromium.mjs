/** Finds the browser that the tests drive, or installs Debian's. */
import { existsSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { aptInstall, canAptInstall } from "../lib/aptInstall.mjs";
import { findOnPath } from "../lib/run.mjs";

/** Set to a browser of your choice. */
const variable = "CHROME_PATH";

const programs = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"];

/** Where installers put it on systems that don't list it on the PATH. */
const usualPlaces = {
  darwin: [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ],
  win32: ["ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA"].flatMap((root) =>
    ["Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe"].map((file) =>
      path.join(process.env[root] ?? "", file),
    ),
  ),
};

/** @returns {string | undefined} the program's path */
export function findChromium() {
  const chosen = process.env[variable];
  if (chosen) {
    if (!existsSync(chosen)) throw new Error(`${variable} names ${chosen}, which is not there.`);
    return chosen;
  }
  const places = process.platform === "darwin" || process.platform === "win32" ? usualPlaces[process.platform] : [];
  return programs.map(findOnPath).find((found) => found !== undefined) ?? places.find((place) => existsSync(place));
}

/** @returns {Promise<string>} the program's path; on a Debian, as root, installs it first if it is missing */
export async function ensureChromium() {
  const found = findChromium();
  if (found !== undefined) return found;
  if (!canAptInstall()) {
    throw new Error(
      `The tests need Chromium or Chrome. Install it (Debian, Ubuntu: sudo apt-get install chromium) or set ${variable} to its path.`,
    );
  }
  await aptInstall("chromium");
  const installed = findChromium();
  if (installed === undefined) throw new Error("Chromium was installed, but is not on the PATH.");
  return installed;
}
