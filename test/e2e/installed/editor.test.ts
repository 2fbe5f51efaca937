import { existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root, runNode } from "../../../scripts/lib/run.mjs";
import { descendants, stillRunning } from "../../support/processes.ts";
import { chosenEditors } from "../../support/vscode/editors.ts";
import { until } from "../../support/vscode/until.ts";
import { openWorkbench, type Workbench } from "../../support/vscode/workbench.ts";
import { copyWorkspace } from "../../support/vscode/workspace.ts";

const probe = path.join(root, "test/e2e/host/probe");
const workspace = copyWorkspace(path.join(root, "test/e2e/host/workspace"));
afterAll(workspace.remove);

async function packageProbe(folder: string): Promise<string> {
  const vsix = path.join(folder, "probe.vsix");
  const args = ["package", "--out", vsix, "--allow-missing-repository", "--skip-license", "--no-dependencies"];
  const vsce = await runNode("node_modules/@vscode/vsce/vsce", args, { cwd: probe, quiet: true });
  expect(vsce.code, vsce.output).toBe(0);
  return vsix;
}

describe.each(chosenEditors())("an extension installed in the %s editor", (host) => {
  const packages = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-probe-"));
  let workbench: Workbench | undefined;
  const ui = () => {
    if (workbench === undefined) throw new Error("the editor did not start");
    return workbench.ui;
  };

  beforeAll(async () => {
    const vsix = await packageProbe(packages);
    // Which of the two editors asks by itself has changed.
    const settings = { "security.workspace.trust.startupPrompt": "always" };
    workbench = await openWorkbench({ host, folder: workspace.folder, vsix, trust: true, settings });
  });
  afterAll(async () => {
    await workbench?.close();
    rmSync(packages, { recursive: true, force: true });
  });

  it("is asked about trust in the folder, as on a desktop", async () => {
    expect(await ui().dialog()).toContain("Do you trust the authors");
    await ui().dialogButton("Yes, I trust the authors");
  });

  it("shows notifications, and takes the click on their buttons", async () => {
    await ui().command("Host Probe: Ask");
    expect(await ui().notification("How are you?")).toContain("Fine");
    await ui().notificationButton("How are you?", "Fine");
    await ui().statusItem("The answer is Fine");
  });

  it("opens its custom editor", async () => {
    await ui().openFile("first.probe");
    await ui().webview.fill("#name", "Grace");
    await ui().webview.click("#ping");
    expect(await ui().webview.waitFor("#answer", "Hello")).toBe("Hello, Grace!");
  });

  it("asks nothing of any other server", () => {
    expect(workbench?.askedOutside()).toEqual([]);
  });

  it("leaves no process and no data behind", async () => {
    const started = descendants(process.pid);
    expect(started.length).toBeGreaterThan(3);
    const data = workbench?.server.folder ?? "";
    expect(existsSync(data)).toBe(true);
    await workbench?.close();
    workbench = undefined;
    await until(() => stillRunning(started).length === 0);
    expect(existsSync(data)).toBe(false);
  });
});
