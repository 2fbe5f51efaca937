import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { parsePlan } from "../../../src/core/plan/planFile.ts";
import { ui } from "../../support/vscode/client.ts";
import { until } from "../../support/vscode/until.ts";
import {
  analyzed,
  bitsShown,
  closeAll,
  file,
  freshModel,
  layersOf,
  longTestMs,
  openModel,
  prepare,
  removeFolder,
  row,
} from "./support.ts";

describe("bits that are set by hand", () => {
  let model: vscode.Uri;
  let [layer, next, afterNext] = ["", "", ""];
  let recommended = 0;
  const plan = file("bits", "bits.sigmaquant.json");

  const planned = (name = layer) => {
    const text = readFileSync(plan.fsPath, "utf8");
    // VS Code is about to write it.
    if (text === "") return { bits: undefined, pinned: undefined };
    const found = parsePlan(text, plan.fsPath).layers.find((each) => each.name === name);
    return { bits: found?.weightBits, pinned: found?.pinned ?? false };
  };
  const isPinned = () =>
    // On the row that is selected the pin is a button.
    ui.webview.isVisible(row(layer, ":is([data-do=pin][title^=Unpin], .bits-rest .pin) >> visible=true"));

  before(async function () {
    this.timeout(longTestMs);
    await prepare();
    model = await freshModel("bits");
    await openModel(model);
    await analyzed();
    [, , layer = "", next = "", afterNext = ""] = await layersOf(model);
    recommended = await bitsShown(layer);
  });
  after(async () => {
    await closeAll();
    await removeFolder("bits");
  });

  it("write the plan, pinned, with a digit's key", async () => {
    assert.ok(!existsSync(plan.fsPath));
    await ui.webview.click(row(layer, ".cell-name"));
    await ui.keys("2");
    await until(async () => (await bitsShown(layer)) === 2);
    await until(() => existsSync(plan.fsPath));
    await until(() => planned().bits === 2);
    assert.deepEqual(planned(), { bits: 2, pinned: true });
    await until(isPinned);
    await ui.webview.waitFor(".count", "1 pinned");
  });

  it("step with plus and minus, as often as the keys are pressed, and let go with P", async () => {
    await ui.keys("+", "+", "+", "-", "-");
    await until(() => planned().bits === 3);
    await until(async () => (await bitsShown(layer)) === 3);
    await ui.keys("p");
    await until(() => planned().pinned === false);
    await ui.keys("p");
    await until(() => planned().pinned);
    await until(isPinned);
    await ui.keys("p", "p", "p", "p", "p");
    await until(() => planned().pinned === false);
    await until(async () => !(await isPinned()));
    await ui.keys("p");
    await until(isPinned);
  });

  it("are all kept when they are set faster than the plan is written", async () => {
    await ui.keys("ArrowDown", "2", "ArrowDown", "3", "ArrowUp");
    await until(() => planned(next).bits === 2 && planned(afterNext).bits === 3);
    await ui.webview.waitFor(".count", "3 pinned");
    await ui.keys("Delete", "ArrowDown", "Delete");
    await ui.webview.waitFor(".count", "1 pinned");
    assert.deepEqual([planned(next).pinned, planned(afterNext).pinned], [false, false]);
    assert.deepEqual(planned(), { bits: 3, pinned: true });
  });

  it("are there again after the editor was closed and opened", async () => {
    await closeAll();
    await openModel(model);
    await until(async () => (await bitsShown(layer)) === 3);
    await until(isPinned);
  });

  it("are chosen from a menu, too", async () => {
    await ui.webview.click(row(layer, ".cell-name"));
    await ui.webview.click(row(layer, ".step-number"));
    await ui.webview.waitFor("role=menu");
    await ui.webview.click("role=menuitemradio[name=/^4 bits/]");
    await until(() => planned().bits === 4);
  });

  it("are taken back by undo in the plan's editor, and the table follows", async () => {
    await ui.webview.click('role=button[name="Open Plan"]');
    await until(() => vscode.window.activeTextEditor?.document.uri.toString() === plan.toString());
    await ui.workbench.waitFor(".editor-group-container.active .monaco-editor.focused");
    await ui.keys("Control+z");
    await until(async () => (await bitsShown(layer)) === 3);
    await ui.keys("Control+Shift+z");
    await until(async () => (await bitsShown(layer)) === 4);
  });

  it("are edited in the plan's text, and followed before it is saved", async () => {
    const editor = vscode.window.activeTextEditor;
    assert.ok(editor);
    const { document } = editor;
    const at = document.getText().indexOf(`"name": "${layer}"`);
    const bitsAt = document.getText().indexOf('"weightBits": 4', at) + '"weightBits": '.length;
    editor.selection = new vscode.Selection(document.positionAt(bitsAt), document.positionAt(bitsAt + 1));
    await ui.type("8");
    await until(async () => (await bitsShown(layer)) === 8);
    assert.ok(document.isDirty);
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
    await until(async () => (await bitsShown(layer)) !== 8);
  });

  it("go back to what is recommended", async () => {
    await ui.webview.click(row(layer, ".cell-name"));
    await ui.keys("Delete");
    await until(async () => (await bitsShown(layer)) === recommended && planned().pinned === false);
  });
});
