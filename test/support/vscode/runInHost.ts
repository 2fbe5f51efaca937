import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { format } from "node:util";
import type { HostName } from "../../../scripts/vscodeHost/versions.mjs";
import { bridgeVariable, startBridge } from "./bridge.ts";
import { type Counts, countEvents, type InHostEvent, reportVariable, selectVariable } from "./inHostEvents.ts";
import type { Ui } from "./ui.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";
import { copyWorkspace } from "./workspace.ts";

/** The whole suite takes two or three minutes on two cores; fifteen means that it hangs. */
const suiteTimeoutMs = 15 * 60_000;

const logFile = /exthost\d*[\\/]sigmaquant\.[^\\/]+[\\/][^\\/]+\.log$/;

/** What to run where. */
export interface InHostRun {
  readonly host: HostName;
  /** The unpacked extension. */
  readonly extension: string;
  /** The bundled entry of the tests (inHost.ts). */
  readonly tests: string;
  /** The folder to open a copy of. */
  readonly workspace: string;
  /** Regular expression over full titles. */
  readonly only?: string;
}

/** Runs the tests inside the extension host of a real VS Code and passes on what they print. */
export async function runInHost(what: InHostRun): Promise<Counts> {
  const workspace = copyWorkspace(what.workspace);
  const reportFolder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-report-"));
  const report = path.join(reportFolder, "events.jsonl");
  const window = deferred<Ui>();
  const bridge = await startBridge(() => window.promise);
  const exit = deferred<number | string>();
  let workbench: Workbench | undefined;
  const violations: string[] = [];
  try {
    workbench = await openWorkbench({
      host: what.host,
      folder: workspace.folder,
      inHost: what,
      env: { [bridgeVariable]: bridge.address, [reportVariable]: report, [selectVariable]: what.only ?? "" },
      prepare: async (page) => {
        await page.exposeFunction("codeAutomationLog", (_type: string, args: unknown[]) => printLine(format(...args)));
        await page.exposeFunction("codeAutomationExit", (code: number) => exit.resolve(code));
        page.on("crash", () => exit.resolve("the page crashed"));
        page.on("console", (message) => {
          if (isViolation(message.text())) violations.push(`${message.text()} (${message.location().url})`);
        });
      },
    });
    window.resolve(workbench.ui);
    const timer = setTimeout(() => exit.resolve(`no end after ${suiteTimeoutMs / 60_000} minutes`), suiteTimeoutMs);
    const code = await exit.promise;
    clearTimeout(timer);
    const counts = countEvents(readEvents(report), what.only !== undefined);
    if (code !== 0) await explain(workbench, code, counts);
    const asked = workbench.askedOutside();
    if (asked.length > 0) console.log(`The window asked for things outside: ${asked.join(", ")}`);
    if (violations.length > 0) console.log(`Content security policies were violated:\n${violations.join("\n")}`);
    // An exit code that no test accounts for is a failure of its own.
    const unexplained = code !== 0 && counts.failed === 0 ? 1 : 0;
    const more = [
      ...(asked.length > 0 ? ["the window asked for things outside"] : []),
      ...(violations.length > 0 ? ["content security policies were violated"] : []),
    ];
    const failed = counts.failed + unexplained + more.length;
    return { ...counts, failed, failures: [...counts.failures, ...more] };
  } finally {
    await workbench?.close();
    bridge.close();
    workspace.remove();
    rmSync(reportFolder, { recursive: true, force: true });
  }
}

/** As Chromium tells of what a content security policy did not allow, in any page of the window. */
function isViolation(text: string): boolean {
  return /Content[- ]Security[- ]Policy|^Refused to /i.test(text);
}

/** Promise.withResolvers, which Node 20 has not. */
function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** What the tests reported; nothing where they did not get to it. */
export function readEvents(file: string): readonly InHostEvent[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as InHostEvent);
}

/** The workbench logs its own doings here too; mocha's lines are indented, and an extension's trouble has words for it. */
function printLine(line: string): void {
  const text = line.replace(/\n$/, "");
  if (/^\s/.test(text) || text === "") console.log(text);
}

/** Output channels of extensions that write logs have a file each below the server's data. */
function extensionLog(data: string): string {
  const files = readdirSync(data, { recursive: true, encoding: "utf8" }).filter((file) => logFile.test(file));
  return files.map((file) => readFileSync(path.join(data, file), "utf8")).join("\n");
}

async function explain(workbench: Workbench, code: number | string, counts: Counts): Promise<void> {
  const picture = await workbench.ui.screenshot("failed-run").catch(() => "none");
  console.log(`VS Code ${workbench.host.version} ended with ${code}; the window then: ${picture}`);
  console.log(`What the extension logged last:\n${extensionLog(workbench.server.folder).slice(-4000)}`);
  // Where tests failed they have said why.
  if (counts.failed === 0 || typeof code === "string") console.log(workbench.server.log().slice(-4000));
}
