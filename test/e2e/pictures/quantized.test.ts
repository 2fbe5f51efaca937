import { after, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { ui } from "../../support/vscode/client.ts";
import { until } from "../../support/vscode/until.ts";
import { analyzed, file, longTestMs, openModel, profilesSeen } from "../suite/support.ts";
import { clearStage, hintShown, placeCursor, resize, rest, setStage, take } from "./stage.ts";

const model = file("mobilenetv2.onnx");
const quantized = "mobilenetv2.microcontroller.onnx";

describe("pictures of a model that was quantized", function () {
  this.timeout(longTestMs);
  before(async () => {
    await setStage();
    await openModel(model);
    await profilesSeen();
    await analyzed(longTestMs);
  });
  after(async () => {
    await clearStage();
    const written = await vscode.workspace.findFiles("mobilenetv2.{sigmaquant.json,microcontroller.*}");
    for (const each of written) await vscode.workspace.fs.delete(each);
  });

  it("comparison: the quantized model beside the float one and others", async () => {
    await ui.webview.click('role=button[name="Quantize"]');
    await ui.webview.waitFor(".comparison h1", quantized, longTestMs);
    await take("comparison");
  });

  it("plan-editor: the bits of each layer, and what they cost", async () => {
    await ui.webview.click('role=button[name="Open Plan"]');
    await until(() => vscode.window.activeTextEditor?.document.uri.path.endsWith("sigmaquant.json") === true);
    // It came beside the model, where half of each line is out of sight.
    await vscode.commands.executeCommand("workbench.action.closeEditorsInOtherGroups");
    const editor = vscode.window.activeTextEditor as vscode.TextEditor;
    await resize({ width: 1040, height: 560 });
    await ui.pointAway();
    await hintShown("of loss");
    placeCursor(editor, "/l/l.3/m/m.0/Conv");
    const budgets = editor.document.positionAt(editor.document.getText().indexOf('"budgets"'));
    editor.revealRange(new vscode.Range(budgets, budgets), vscode.TextEditorRevealType.AtTop);
    await rest();
    await vscode.commands.executeCommand("editor.action.showHover");
    await ui.workbench.waitFor(".monaco-hover", "Sensitivity");
    await take("plan-editor", "pointing");
    await resize();
  });
});
