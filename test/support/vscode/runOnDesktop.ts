import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { runTests, TestRunFailedError } from "@vscode/test-electron";
import { type Browser, chromium, type Page } from "playwright-core";
import { root } from "../../../scripts/lib/run.mjs";
import { calmSettings } from "../../../scripts/vscodeHost/server.mjs";
import { bridgeVariable, startBridge } from "./bridge.ts";
import { type Counts, countEvents, reportVariable, selectVariable } from "./inHostEvents.ts";
import { type InHostRun, readEvents } from "./runInHost.ts";
import { Ui } from "./ui.ts";
import { copyWorkspace } from "./workspace.ts";

/** A desktop that is busy shows its first window late. */
const windowTimeoutMs = 60_000;
const windowPollMs = 250;

/** The tests find menus and dialogs in the page; a desktop would show its own. */
const pageSettings = { "window.titleBarStyle": "custom", "window.menuStyle": "custom", "window.dialogStyle": "custom" };

/** What to run on which desktop's VS Code. */
export interface DesktopRun extends Omit<InHostRun, "host"> {
  /** The Electron program, not the `code` script around it. */
  readonly executable: string;
}

/**
 * Runs the tests inside the extension host of a desktop's VS Code, started by @vscode/test-electron; the hands on its window are the
 * same as in a browser, by the debugging port of its Chromium.
 */
export async function runOnDesktop(what: DesktopRun): Promise<Counts> {
  const workspace = copyWorkspace(what.workspace);
  const folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-desktop-"));
  const report = path.join(folder, "events.jsonl");
  const port = await freePort();
  const opened = openedWindow(port);
  // Asked for by the first test; where there is none the run has an end of its own.
  opened.catch(() => undefined);
  const bridge = await startBridge(async () => (await opened).ui);
  try {
    const code = await exitCode({
      vscodeExecutablePath: what.executable,
      extensionDevelopmentPath: what.extension,
      extensionTestsPath: what.tests,
      launchArgs: [workspace.folder, `--remote-debugging-port=${port}`, ...dataFolders(folder)],
      extensionTestsEnv: {
        [bridgeVariable]: bridge.address,
        [reportVariable]: report,
        [selectVariable]: what.only ?? "",
      },
    });
    const counts = countEvents(readEvents(report), what.only !== undefined);
    // An exit code that no test accounts for is a failure of its own.
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } finally {
    await opened.then(
      ({ browser }) => browser.close(),
      () => undefined,
    );
    bridge.close();
    workspace.remove();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

async function exitCode(options: Parameters<typeof runTests>[0]): Promise<number> {
  try {
    return await runTests(options);
  } catch (error) {
    if (error instanceof TestRunFailedError) return error.code ?? 1;
    throw error;
  }
}

/** Folders of this run, so that nothing of the user's VS Code is touched, or gets into a test. */
function dataFolders(folder: string): readonly string[] {
  const user = path.join(folder, "user");
  mkdirSync(path.join(user, "User"), { recursive: true });
  writeFileSync(path.join(user, "User/settings.json"), JSON.stringify({ ...calmSettings, ...pageSettings }));
  return [`--user-data-dir=${user}`, `--extensions-dir=${path.join(folder, "extensions")}`];
}

/** Waits for VS Code's window behind a debugging port. */
async function openedWindow(port: number): Promise<{ readonly browser: Browser; readonly ui: Ui }> {
  const deadline = Date.now() + windowTimeoutMs;
  let browser: Browser | undefined;
  for (;;) {
    browser ??= await chromium.connectOverCDP(`http://127.0.0.1:${port}`).catch(() => undefined);
    const page = browser && (await workbenchOf(browser));
    if (browser && page) {
      const pictures = process.env.SIGMAQUANT_PICTURES ?? path.join(root, "test-results/pictures/desktop");
      mkdirSync(pictures, { recursive: true });
      return { browser, ui: new Ui(page, pictures) };
    }
    if (Date.now() > deadline) throw new Error(`VS Code showed no window in ${windowTimeoutMs / 1000} s`);
    await sleep(windowPollMs);
  }
}

async function workbenchOf(browser: Browser): Promise<Page | undefined> {
  for (const page of browser.contexts().flatMap((context) => context.pages())) {
    // A window that is still loading, or of another kind, has none.
    if (
      (await page
        .locator(".monaco-workbench")
        .count()
        .catch(() => 0)) > 0
    )
      return page;
  }
  return undefined;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
