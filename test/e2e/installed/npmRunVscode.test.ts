import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import process from "node:process";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";
import { launchBrowser } from "../../support/browser.ts";
import { descendants, stillRunning } from "../../support/processes.ts";
import { chosenEditors } from "../../support/vscode/editors.ts";
import { Ui } from "../../support/vscode/ui.ts";
import { until } from "../../support/vscode/until.ts";

const host = path.join(root, "test/e2e/host");

/** An editor may have to be fetched first. */
const fetchTimeoutMs = 300_000;

/** `npm run vscode`, on the probe instead of this repository's extension, whatever editor this machine has. */
function startVscode(editor: string): { readonly program: ChildProcess; readonly printed: () => string } {
  const args = ["--browser", "--editor", editor, "--extension", path.join(host, "probe"), path.join(host, "workspace")];
  const program = spawn(process.execPath, [path.join(root, "scripts/vscode.mjs"), ...args], { stdio: "pipe" });
  let printed = "";
  for (const stream of [program.stdout, program.stderr]) {
    stream.on("data", (chunk) => {
      printed += chunk;
    });
  }
  return { program, printed: () => printed };
}

describe("npm run vscode, where there is no VS Code", () => {
  const [editor = "newest"] = chosenEditors();
  const { program, printed } = startVscode(editor);
  let browser: Browser | undefined;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    program.kill();
  });

  it(
    "prints the address of an editor that has the folder and the extension",
    async () => {
      const address = await until(() => /http:\S+/.exec(printed())?.[0] ?? program.exitCode !== null, fetchTimeoutMs);
      expect(address, printed()).toEqual(expect.any(String));
      const page = await browser?.newPage();
      if (page === undefined) throw new Error("no browser");
      await page.goto(String(address));
      const ui = new Ui(page, root);
      expect(await ui.explorerFiles()).toContain("first.probe");
      await ui.command("Host Probe: Ask");
      await ui.notification("How are you?");
    },
    fetchTimeoutMs,
  );

  it("ends with all that it started on Ctrl-C", async () => {
    const started = descendants(program.pid ?? 0);
    expect(started.length).toBeGreaterThan(1);
    program.kill("SIGINT");
    const [code] = program.exitCode === null ? await once(program, "exit") : [program.exitCode];
    expect(code, printed()).toBe(0);
    await until(() => stillRunning(started).length === 0);
  });
});
