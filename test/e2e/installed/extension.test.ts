import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandLine, descendants, hasLoaded, stillRunning } from "../../support/processes.ts";
import { writeProfile, writeSmallModel } from "../../support/smallWorkspace.ts";
import { chosenEditors } from "../../support/vscode/editors.ts";
import { until } from "../../support/vscode/until.ts";
import { openWorkbench, type Workbench } from "../../support/vscode/workbench.ts";

/** An analysis of ResNet-8 on a machine that is busy with other things. */
const analysisMs = 240_000;
const testMs = 2 * analysisMs;

const quantize = "Quantize for Device...";
const written = ["csv", "md"].map((ext) => `resnet8.microcontroller.report.${ext}`);
const quantized = "resnet8.microcontroller.onnx";

/** The engines of the extension that run now, below this process. */
function engines(): readonly number[] {
  return descendants(process.pid).filter((pid) => commandLine(pid).includes(path.join("dist", "engine.cjs")));
}

describe.each(chosenEditors())("the extension, installed from its package in the %s editor", (host) => {
  const parent = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-installed-"));
  const folder = path.join(parent, "camera");
  const files = () => readdirSync(folder).sort();
  let workbench: Workbench | undefined;
  const window = () => {
    if (workbench === undefined) throw new Error("the editor did not start");
    return workbench;
  };
  const ui = () => window().ui;
  const bits = async (layer: string) =>
    Number((await ui().webview.texts(`.row[data-layer="${layer}"] .cell-weightBits b >> visible=true`))[0]);

  beforeAll(async () => {
    writeSmallModel(folder);
    writeProfile(folder);
    const vsix = process.env.SIGMAQUANT_TEST_VSIX;
    if (vsix === undefined) throw new Error("there is no package to install: run this with npm test");
    const settings = {
      // Which of the two editors asks by itself has changed.
      "security.workspace.trust.startupPrompt": "always",
      "sigmaquant.sensitivitySamples": 32,
    };
    workbench = await openWorkbench({ host, folder, vsix, trust: true, settings });
  });
  afterAll(async () => {
    await workbench?.close();
    rmSync(parent, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  it("only reads in a folder that is not trusted: layers, sigma and bits are there, and the model is not run", async () => {
    const before = files();
    expect(await ui().dialog()).toContain("Do you trust the authors");
    await ui().dialogButton("No, I don't trust the authors");
    await ui().openFile("resnet8.onnx");
    await ui().webview.waitFor(".banner", "Restricted Mode: the model is shown but not run.");
    await ui().webview.waitFor(".verdict-headline", "Fits, accuracy unknown");
    await until(async () =>
      (await ui().webview.texts(".row[data-layer] .cell-sigma")).every((sigma) => Number(sigma) > 0),
    );
    await ui().explorerMenu("resnet8.onnx", quantize);
    await ui().notification("Restricted Mode does not allow");
    expect(engines().some((pid) => hasLoaded(pid, "onnxruntime"))).toBe(false);
    expect(files()).toEqual(before);
  });

  it(
    "runs the model as soon as the folder is trusted",
    async () => {
      await ui().notificationButton("Restricted Mode does not allow", "Manage Workspace Trust");
      await ui().workbench.click('.workspace-trust-editor .monaco-button:has-text("Trust")');
      // Newer editors lay it over everything.
      await ui().command("View: Close All Editors");
      await ui().workbench.waitUntilGone(".monaco-modal-editor-block");
      await ui().openFile("resnet8.onnx");
      await ui().webview.waitFor(".verdict-detail", "samples", analysisMs);
      await ui().webview.waitUntilGone(".work", undefined, analysisMs);
      expect(await ui().webview.isVisible(".banner")).toBe(false);
    },
    testMs,
  );

  it("keeps what is pinned when the window is loaded again", async () => {
    const [, , layer = ""] = (await ui().webview.attributes(".row[data-layer]", "data-layer")).map(String);
    const other = (await bits(layer)) === 4 ? 3 : 4;
    await ui().webview.click(`.row[data-layer="${layer}"] .cell-name`);
    await ui().keys(String(other));
    await ui().webview.waitFor(".count", "1 pinned");
    await until(() => existsSync(path.join(folder, "resnet8.sigmaquant.json")));
    await window().page.reload();
    await ui().webview.waitFor("h1.name", "resnet8.onnx");
    await ui().webview.waitFor(".count", "1 pinned");
    await until(async () => (await bits(layer)) === other);
    await ui().webview.click(`.row[data-layer="${layer}"] .cell-name`);
    await ui().keys("Delete");
    await ui().webview.waitUntilGone(".count", "1 pinned");
  });

  it(
    "tells how far it is in a notification when no page shows it; cancelled there, nothing is left behind",
    async () => {
      await ui().command("View: Close All Editors");
      const before = files();
      await ui().explorerMenu("resnet8.onnx", quantize);
      await ui().notification("Quantizing resnet8.onnx");
      await ui().notificationButton("Quantizing resnet8.onnx", "Cancel");
      await ui().workbench.waitUntilGone(".notification-toast", "Quantizing resnet8.onnx");
      await until(() => engines().length === 0);
      expect(files()).toEqual(before);
    },
    testMs,
  );

  it(
    "quantizes from the explorer, opens the comparison, and asks before it replaces what it wrote",
    async () => {
      await ui().explorerMenu("resnet8.onnx", quantize);
      await ui().notification("Quantizing resnet8.onnx");
      await ui().webview.waitFor(".comparison h1", quantized, analysisMs);
      expect(files()).toEqual(expect.arrayContaining([quantized, ...written]));
      await ui().explorerMenu("resnet8.onnx", quantize);
      expect(await ui().dialog()).toContain("Replace them?");
      await ui().dialogButton("Cancel");
      expect(await ui().webview.isVisible(".work")).toBe(false);
    },
    testMs,
  );

  it(
    "tells how each of several came out: what can't be read, and what was left as it is, ends none of the others",
    async () => {
      const at = (name: string) => path.join(folder, name);
      copyFileSync(at("resnet8.onnx"), at("copy.onnx"));
      writeFileSync(at("broken.onnx"), readFileSync(at("copy.onnx")).subarray(0, 200_000));
      const before = statSync(at(quantized)).mtimeMs;
      await ui().command("View: Close All Editors");
      await ui().selectFiles("broken.onnx", "resnet8.onnx", "copy.onnx");
      await ui().explorerMenu("broken.onnx", quantize);
      expect(await ui().dialog()).toContain("Replace them?");
      await ui().dialogButton("Skip");
      expect(await ui().notification("broken.onnx: ")).toMatch(/SQ2\d{3}/);
      await ui().notification("copy.onnx: Fits", analysisMs);
      expect(files()).toContain("copy.microcontroller.onnx");
      expect(files()).not.toContain("broken.microcontroller.onnx");
      expect(statSync(at(quantized)).mtimeMs).toBe(before);
    },
    testMs,
  );

  it("asks nothing of any other server", () => {
    expect(window().askedOutside()).toEqual([]);
  });

  it("leaves no process behind", async () => {
    const started = descendants(process.pid);
    expect(started.some((pid) => commandLine(pid).includes(path.join("dist", "server.cjs")))).toBe(true);
    await workbench?.close();
    workbench = undefined;
    await until(() => stillRunning(started).length === 0);
  });
});
