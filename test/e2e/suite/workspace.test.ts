import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { ui } from "../../support/vscode/client.ts";
import { until } from "../../support/vscode/until.ts";
import {
  acceptProposed,
  analyzed,
  closeAll,
  file,
  freshModel,
  layersOf,
  longTestMs,
  openModel,
  prepare,
  readJson,
  removeFolder,
} from "./support.ts";

/** Chooses the file that the dialog proposes, and waits until it is shown. */
async function saveAsProposed(name: string): Promise<vscode.Uri> {
  const target = file("around", name);
  await acceptProposed(target);
  await until(() => vscode.window.activeTextEditor?.document.uri.toString() === target.toString());
  return target;
}

describe("around an open model", () => {
  let model: vscode.Uri;

  before(async function () {
    this.timeout(longTestMs);
    await prepare();
    model = await freshModel("around");
    await openModel(model);
    await analyzed();
  });
  after(async () => {
    await closeAll();
    await removeFolder("around");
  });

  it("the status bar has the device and the verdict, and neither when another editor is active", async () => {
    await ui.statusItem("Example microcontroller");
    await ui.statusItem("Fits");
    await vscode.window.showTextDocument(file("README.md"));
    await ui.workbench.waitUntilGone(".statusbar-item:not(.hidden)", "Example microcontroller");
    assert.ok(!(await ui.statusBar()).some((text) => text.includes("Fits")));
    await openModel(model);
    await ui.statusItem("Fits");
  });

  it("the list of models has all of the workspace, with verdicts of those that have one", async () => {
    await vscode.commands.executeCommand("sigmaquant.models.focus");
    const rows = '.pane:has([aria-label^="ONNX Models"]) .monaco-list-row';
    assert.match(await ui.workbench.waitFor(rows, "around.onnx"), /around\.onnx.*Fits.*bits/s);
    await ui.workbench.waitFor(rows, "mobilenetv2.onnx");
    await vscode.window.showTextDocument(file("README.md"));
    await ui.workbench.click(`${rows}:has-text("around.onnx")`);
    await ui.webview.waitFor("h1.name", "around.onnx");
  });

  it("layers are exported as CSV, one line for each", async () => {
    await openModel(model);
    await ui.command("SigmaQuant: Export Layers as CSV...");
    const csv = await saveAsProposed("around.csv");
    const lines = readFileSync(csv.fsPath, "utf8").trimEnd().split(/\r?\n/);
    const layers = await layersOf(model);
    const tail = lines.slice(1, 1 + layers.length);
    assert.ok(
      layers.every((layer, at) => tail[at]?.includes(layer)),
      lines.join("\n"),
    );
  });

  it("a report is exported as text that says what the page says", async () => {
    await openModel(model);
    const verdict = await ui.webview.text(".verdict-headline");
    await ui.command("SigmaQuant: Export Report...");
    const report = await saveAsProposed("around.report.md");
    const text = readFileSync(report.fsPath, "utf8");
    assert.ok(text.includes(verdict), text.slice(0, 500));
  });

  it("node data for Model Explorer name the model's own nodes", async () => {
    await openModel(model);
    await ui.command("SigmaQuant: Export Node Data for Model Explorer...");
    const exported = await saveAsProposed("around.model-explorer.json");
    const data = readJson<Record<string, { readonly results: Record<string, { readonly value: number }> }>>(exported);
    assert.deepEqual(Object.keys(data["Weight bits"]?.results ?? {}).sort(), [...(await layersOf(model))].sort());
  });

  it("two plans are compared line by line", async () => {
    await openModel(model);
    await ui.webview.click("role=row >> nth=2");
    const other = file("around", "other.sigmaquant.json");
    await ui.command("SigmaQuant: Open Plan");
    await until(() => vscode.window.activeTextEditor?.document.uri.path.endsWith("around.sigmaquant.json"));
    const text = vscode.window.activeTextEditor?.document.getText() ?? "";
    await vscode.workspace.fs.writeFile(
      other,
      new TextEncoder().encode(text.replace(/"weightBits": \d/, '"weightBits": 2')),
    );
    await openModel(model);
    await ui.command("SigmaQuant: Compare with...");
    await ui.quickChoose("other.sigmaquant.json");
    await until(() => vscode.window.tabGroups.activeTabGroup.activeTab?.input instanceof vscode.TabInputTextDiff);
  });

  it("a profile is checked against its schema as it is typed", async () => {
    const document = await vscode.workspace.openTextDocument(file("microcontroller.hwprofile.json"));
    const editor = await vscode.window.showTextDocument(document);
    const at = document.positionAt(document.getText().indexOf('"weightMemoryKiB"'));
    await editor.edit((edit) => edit.insert(at, '"weightMemoryKB": 3, '));
    await until(() => vscode.languages.getDiagnostics(document.uri).length > 0);
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  });
});
