import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { writeSmallModel } from "../../support/smallWorkspace.ts";
import { ui } from "../../support/vscode/client.ts";
import { closeAll, dataRow, file, prepare, removeFolder } from "./support.ts";

describe("a file that is no model", () => {
  const model = file("broken", "broken.onnx");
  const whole = file("broken", "whole.onnx");

  before(async () => {
    await prepare();
    writeSmallModel(file("broken").fsPath, "whole.onnx");
    writeFileSync(model.fsPath, readFileSync(whole.fsPath).subarray(0, 200_000));
  });
  after(async () => {
    await closeAll();
    await removeFolder("broken");
  });

  it("is told in its editor: what, where, what to do, and the code last", async () => {
    await vscode.commands.executeCommand("vscode.open", model);
    const text = await ui.webview.waitFor(".fatal");
    assert.match(text, /broken\.onnx cannot be read/);
    assert.match(text, /byte \d+/);
    assert.match(await ui.webview.text(".fatal .band-code"), /^SQ2\d{3} [a-z-]+$/);
    for (const button of ["Try Again", "Open in Hex Editor", "Show Log"]) {
      assert.ok(await ui.webview.isVisible(`role=button[name="${button}"]`), button);
    }
    assert.ok(!(await ui.webview.isVisible(dataRow)));
  });

  it("is shown as a model as soon as it is one", async () => {
    copyFileSync(whole.fsPath, model.fsPath);
    await ui.webview.waitFor(dataRow);
    await ui.webview.waitUntilGone(".fatal");
    await ui.webview.waitFor("h1.name", "broken.onnx");
  });

  it("outside of the workspace, where no watcher looks, is read again with Try Again", async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-outside-"));
    const outside = path.join(folder, "outside.onnx");
    writeFileSync(outside, readFileSync(whole.fsPath).subarray(0, 100_000));
    try {
      await vscode.commands.executeCommand("vscode.open", vscode.Uri.file(outside));
      await ui.webview.waitFor(".fatal", "outside.onnx cannot be read");
      copyFileSync(whole.fsPath, outside);
      await ui.webview.click('role=button[name="Try Again"]');
      await ui.webview.waitFor(dataRow);
      await ui.webview.waitUntilGone(".fatal");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("that is deleted while it is open says so", async () => {
    await vscode.commands.executeCommand("vscode.open", model);
    await ui.webview.waitFor(dataRow);
    rmSync(model.fsPath);
    assert.match(await ui.webview.waitFor(".fatal"), /broken\.onnx/);
  });
});
