import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { ui } from "../../support/vscode/client.ts";
import { until } from "../../support/vscode/until.ts";
import {
  acceptProposed,
  allBits,
  analyzed,
  choose,
  closeAll,
  dataRow,
  file,
  freshModel,
  longTestMs,
  openModel,
  prepare,
  profilesSeen,
  readJson,
  removeFolder,
  waitForLimit,
} from "./support.ts";

const selectProfile = "SigmaQuant: Select Device Profile";

const budget = '"weightMemoryKiB": 48';

/** Opens the profile beside the model with the budget's figure selected, ready to type another. */
async function selectBudget(): Promise<vscode.TextEditor> {
  const document = await vscode.workspace.openTextDocument(file("microcontroller.hwprofile.json"));
  const editor = await vscode.window.showTextDocument(document, vscode.ViewColumn.Beside);
  const at = document.getText().indexOf(budget) + budget.length;
  editor.selection = new vscode.Selection(document.positionAt(at - 2), document.positionAt(at));
  await ui.workbench.waitFor(".editor-group-container.active .monaco-editor.focused");
  await ui.statusItem("(2 selected)");
  return editor;
}

function total(bits: ReadonlyMap<string, number>): number {
  return [...bits.values()].reduce((sum, each) => sum + each, 0);
}

describe("a device profile", () => {
  let model: vscode.Uri;

  before(async function () {
    this.timeout(longTestMs);
    await prepare();
    model = await freshModel("profiles");
    await openModel(model);
    await analyzed();
  });
  after(async () => {
    await closeAll();
    await removeFolder("profiles");
  });

  it("changes the bits in the open table while it is typed in, not saved, and gives them back with undo", async () => {
    const before = await allBits();
    const saved = readFileSync(file("microcontroller.hwprofile.json").fsPath, "utf8");
    const editor = await selectBudget();
    await ui.type("30");
    await waitForLimit("Weight memory", "30 KiB");
    await until(async () => total(await allBits()) < total(before));
    assert.ok(editor.document.isDirty);
    assert.equal(readFileSync(file("microcontroller.hwprofile.json").fsPath, "utf8"), saved);
    await ui.keys("Control+z");
    await until(() => editor.document.getText() === saved);
    await waitForLimit("Weight memory", "48 KiB");
    await until(async () => total(await allBits()) === total(before));
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  });

  it("whose budget can't be met is answered with what is missing and what would do", async () => {
    const editor = await selectBudget();
    await ui.type("12");
    await ui.webview.waitFor(".verdict, .band", "Does not fit: weight memory");
    await ui.webview.waitFor("role=button[name=/^Raise budget to/]");
    await ui.webview.click("role=button[name=/^Raise budget to/]");
    await ui.webview.waitFor(".verdict, .band", "Fits");
    const raised = /"weightMemoryKiB": ([\d.]+)/.exec(editor.document.getText())?.[1];
    assert.ok(Number(raised) > 12 && Number(raised) < 48, raised);
    await vscode.window.showTextDocument(editor.document, editor.viewColumn);
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
    await waitForLimit("Weight memory", "48 KiB");
  });

  it("can be tried in the page: bits follow the budget that is dragged, and the file stays as it is until it is written", async () => {
    const saved = readFileSync(file("microcontroller.hwprofile.json").fsPath, "utf8");
    const before = await allBits();
    const limit = "role=slider[name=/[Ww]eight memory/]";
    await ui.webview.focus(limit);
    for (let i = 0; i < 3; i++) await ui.keys("Shift+ArrowLeft");
    await ui.webview.waitFor(".banner", "Trying");
    await until(async () => total(await allBits()) < total(before));
    assert.equal(readFileSync(file("microcontroller.hwprofile.json").fsPath, "utf8"), saved);
    await ui.webview.click('role=button[name="Reset"]');
    await ui.webview.waitUntilGone(".banner", "Trying");
    await until(async () => total(await allBits()) === total(before));
  });

  it("can be another: chosen by command, it decides which bits there are", async () => {
    await choose(selectProfile, "max78000");
    await ui.statusItem("MAX78000");
    await until(async () => [...(await allBits()).values()].every((bits) => [2, 4, 8].includes(bits)));
    await choose(selectProfile, "microcontroller");
    await ui.statusItem("Example microcontroller");
  });

  it("of one's own starts from a preset, by command, and is valid", async () => {
    const profile = file("shelf-camera.hwprofile.json");
    try {
      await choose("SigmaQuant: New Device Profile...", "MAX78000");
      await ui.workbench.waitFor(".quick-input-widget", "Name of the device");
      await ui.quickType("Shelf camera");
      await ui.keys("Enter");
      await acceptProposed(profile);
      await until(() => vscode.window.activeTextEditor?.document.uri.toString() === profile.toString());
      const parsed = readJson<Record<string, unknown>>(profile);
      assert.equal(parsed.name, "Shelf camera");
      assert.equal(parsed.extends, "preset:max78000");
      assert.deepEqual(vscode.languages.getDiagnostics(profile), []);
      await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
      await ui.webview.waitFor(dataRow);
      await profilesSeen();
      await choose(selectProfile, "shelf-camera");
      await ui.statusItem("Shelf camera");
      await ui.webview.waitFor(".setting-profile", "shelf-camera");
      await choose(selectProfile, "microcontroller");
      await ui.statusItem("Example microcontroller");
    } finally {
      // What went wrong before it was made is what is to be told.
      if (existsSync(profile.fsPath)) await vscode.workspace.fs.delete(profile);
    }
  });
});
