import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { ui } from "../../support/vscode/client.ts";
import { pictures } from "../../support/vscode/pictures.ts";
import { until } from "../../support/vscode/until.ts";
import {
  acceptProposed,
  analysisMs,
  analyzed,
  closeAll,
  file,
  freshModel,
  longTestMs,
  openModel,
  prepare,
  removeFolder,
} from "./support.ts";

const folder = "devices";
const compare = "SigmaQuant: Compare Devices...";
const deviceRow = ".d-row";
const named = (name: string, within = "") => `${deviceRow}:has(.d-name:text-is("${name}")) ${within}`.trim();

/** Profiles of one budget beside the model, by the names of their devices. */
const limits = { Roomy: 64, Tight: 34, Tiny: 9 } as const;
const profileOf = (name: string) => file(folder, `${name.toLowerCase()}.hwprofile.json`);

function profileText(name: string, weightMemoryKiB: number): string {
  return JSON.stringify({ name, extends: "preset:generic", budgets: { weightMemoryKiB } }, null, 2);
}

/** Runs the command and takes the devices that it proposes. */
async function compareProposed(): Promise<void> {
  await ui.command(compare);
  await ui.workbench.waitFor(".quick-input-list .monaco-list-row", "roomy");
  await ui.workbench.waitFor(".quick-input-widget", "Select the devices to compare");
  // On a busy machine the list comes before its checks; Enter would then choose nothing.
  await ui.workbench.waitFor(".quick-input-count", "4 Selected");
  await ui.keys("Enter");
  await ui.webview.waitFor("h1", "Compare devices");
}

/** Waits until the plan of every row was run. */
async function allRun(): Promise<void> {
  await ui.webview.waitFor(".d-status", "All plans were run", analysisMs);
}

async function deviceNames(): Promise<readonly string[]> {
  return (await ui.webview.texts(`${deviceRow} .d-name`)).map((text) => text.trim());
}

describe("devices side by side", () => {
  let model: vscode.Uri;

  before(async function () {
    this.timeout(longTestMs);
    await prepare();
    model = await freshModel(folder);
    for (const [name, limit] of Object.entries(limits)) writeFileSync(profileOf(name).fsPath, profileText(name, limit));
    await openModel(model);
    await analyzed();
  });
  after(async () => {
    await closeAll();
    await removeFolder(folder);
  });

  it("are shown by the command: the workspace's devices, each with what is expected, then with its plan run", async function () {
    this.timeout(longTestMs);
    await compareProposed();
    await ui.webview.waitFor(named("Tiny", ".d-verdict"), "Does not fit");
    await allRun();
    assert.deepEqual([...(await deviceNames())].sort(), ["Example microcontroller", "Roomy", "Tight", "Tiny"]);
    assert.match(await ui.webview.text(named("Roomy", ".d-loss")), /simulated/);
    assert.match(await ui.webview.text(named("Tight", ".d-weightMemory")), /of 34/);
    // The profile in the model's own folder is nearest.
    assert.match(await ui.webview.text(named("Roomy", ".d-device")), /in use/);
    assert.match(await ui.webview.text(".facts"), /devices\.onnx.*4 profiles.*3 fit.*top-1 on 200 samples/s);
    await pictures("compare-devices");
  });

  it("have the figures that the model's own editor has for its device", async () => {
    const shown = await ui.webview.text(named("Roomy", ".d-weightMemory"));
    await openModel(model);
    const gauge = await ui.webview.text(".gauge .gauge-value");
    assert.equal(shown.replace(/\s+/g, " ").trim(), gauge.replace(/\s+/g, " ").replace(/ KiB$/, "").trim());
    await compareProposed();
  });

  it("are sorted by a click on a header, and by keyboard", async () => {
    const given = await deviceNames();
    const head = "role=columnheader[name=/^Weight memory/]";
    await ui.webview.click(head);
    await until(async () => (await ui.webview.attribute(head, "aria-sort")) === "descending");
    assert.equal((await deviceNames())[0], "Roomy");
    await ui.webview.click(named("Roomy", ".d-average"));
    await ui.keys("ArrowUp", "Enter");
    await until(
      async () => (await ui.webview.attribute("role=columnheader[name=/^Average/]", "aria-sort")) === "descending",
    );
    await ui.keys("Enter", "Enter");
    await until(async () => (await deviceNames()).join() === given.join());
  });

  it("lead to a row's profile with Enter, and follow it while it is typed in", async function () {
    this.timeout(longTestMs);
    const before = await ui.webview.text(named("Tight", ".d-loss"));
    await ui.webview.click(named("Tight", ".d-verdict"));
    await ui.keys("Enter");
    await until(() => vscode.window.activeTextEditor?.document.uri.toString() === profileOf("Tight").toString());
    const { document } = vscode.window.activeTextEditor as vscode.TextEditor;
    await vscode.commands.executeCommand("workbench.action.moveEditorToNextGroup");
    const edit = new vscode.WorkspaceEdit();
    const at = document.getText().indexOf("34");
    edit.replace(document.uri, new vscode.Range(document.positionAt(at), document.positionAt(at + 2)), "30");
    await vscode.workspace.applyEdit(edit);
    assert.ok(document.isDirty);
    await ui.webview.waitFor(named("Tight", ".d-loss"), "expected");
    await ui.webview.click("role=button[name=/^Run Plan/]");
    await allRun();
    await ui.webview.waitFor(named("Tight", ".d-loss"), "simulated");
    // Given back, what was run for it before holds again.
    await vscode.window.showTextDocument(document, vscode.ViewColumn.Two);
    await vscode.commands.executeCommand("workbench.action.files.revert");
    await until(async () => (await ui.webview.text(named("Tight", ".d-loss"))) === before);
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
    // From the comparison itself: the same models, and its devices checked.
    await compareProposed();
    assert.equal((await deviceNames()).length, 4);
  });

  it("make a device the model's own: the editor follows", async function () {
    this.timeout(longTestMs);
    await openModel(model);
    await compareProposed();
    await ui.webview.click(named("Tight", ".d-verdict"), { button: "right" });
    await ui.webview.click("role=menuitem[name=/^Use for devices.onnx/]");
    await ui.webview.waitFor(named("Tight", ".d-device"), "in use");
    await openModel(model);
    await ui.statusItem("Tight");
    await ui.webview.waitFor(".setting-profile", "tight");
    await compareProposed();
    await ui.webview.click(named("Roomy", ".d-verdict"), { button: "right" });
    await ui.webview.click("role=menuitem[name=/^Use for devices.onnx/]");
    await ui.webview.waitFor(named("Roomy", ".d-device"), "in use");
  });

  it("are saved as a spreadsheet", async () => {
    const target = file(folder, "devices.devices.csv");
    await ui.webview.click('role=button[name="Export…"]');
    await acceptProposed(target);
    await until(() => vscode.window.activeTextEditor?.document.uri.toString() === target.toString());
    const [head, ...rows] = readFileSync(target.fsPath, "utf8").trimEnd().split("\r\n");
    assert.match(head ?? "", /^model,device,profile,verdict,/);
    assert.equal(rows.length, 4);
    assert.ok(rows.some((row) => row.startsWith("devices.onnx,Tiny,") && row.includes("infeasible")));
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
    await ui.webview.waitFor(deviceRow);
  });

  it("can be others: presets are added, read in a tab of their own, and taken out again", async function () {
    this.timeout(longTestMs);
    await ui.webview.click('role=button[name="Add Profile…"]');
    await ui.workbench.waitFor(".quick-input-list .monaco-list-row", "max78000");
    await ui.quickType("max78000");
    await ui.quickChoose("max78000");
    await ui.keys("Enter");
    await ui.webview.waitFor(named("MAX78000", ".d-verdict"), "Fits", analysisMs);
    await ui.webview.click(named("MAX78000", ".d-verdict"));
    await ui.keys("Enter");
    await until(() => vscode.window.activeTextEditor?.document.uri.scheme === "sigmaquant-preset");
    const text = vscode.window.activeTextEditor?.document.getText() ?? "";
    assert.equal((JSON.parse(text) as { name: string }).name, "MAX78000");
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
    await ui.webview.click(named("MAX78000", ".d-verdict"));
    await ui.keys("Delete");
    await ui.webview.waitUntilGone(named("MAX78000"));
    assert.equal((await deviceNames()).length, 4);
  });

  it("are shown by the lens over a profile, for the model that it is about", async function () {
    this.timeout(longTestMs);
    await closeAll();
    await openModel(model);
    const document = await vscode.workspace.openTextDocument(profileOf("Roomy"));
    await vscode.window.showTextDocument(document);
    await ui.workbench.waitFor(".codelens-decoration a", "Compare devices");
    await ui.workbench.click('.codelens-decoration a:has-text("Compare devices")');
    await ui.webview.waitFor("h1", "Compare devices");
    await ui.webview.waitFor(named("Roomy", ".d-verdict"), "Fits", analysisMs);
    await allRun();
  });

  it("are models side by side, where several are on one device", async function () {
    this.timeout(longTestMs);
    const second = file(folder, "second.onnx");
    await vscode.workspace.fs.copy(model, second);
    const shown = vscode.commands.executeCommand("sigmaquant.compareDevices", model, [model, second]);
    await ui.workbench.waitFor(".quick-input-list .monaco-list-row", "roomy");
    // One device of those that are proposed: the others are unchecked.
    for (const other of ["roomy", "tiny", "microcontroller"]) await ui.quickChoose(other);
    await ui.keys("Enter");
    await shown;
    await ui.webview.waitFor("h1", "Compare models");
    await allRun();
    assert.deepEqual(await deviceNames(), ["devices.onnx", "second.onnx"]);
    const sizes = await ui.webview.texts(`${deviceRow} .d-weightMemory`);
    assert.equal(new Set(sizes.map((text) => text.trim())).size, 1);
  });
});
