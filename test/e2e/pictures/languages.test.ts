import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { ui } from "../../support/vscode/client.ts";
import { until } from "../../support/vscode/until.ts";
import { analyzed, file, longTestMs, openModel } from "../suite/support.ts";
import { clearStage, hintShown, placeCursor, resize, rest, setStage, showText, take } from "./stage.ts";

const model = file("mobilenetv2.onnx");
const profile = file("microcontroller.hwprofile.json");

/** The example's device as somebody may write it, with two slips and a budget that can't be met. */
const typed = `{
  "$schema": "sigmaquant://schemas/hwprofile.json",
  "name": "Shelf camera",
  // Weights of 2 to 8 bits, unpacked as they are read.
  "extends": "preset:generic",
  "weightBits": [2, 3, 4, 4, 6, 8],
  "operators": {
    "Gem": { "weightBits": [4, 8] },
  },
  "memory": { "weightMemoryKiB": 1024, "activationMemoryKiB": 128 },
  "compute": {
    "clockMHz": 160,
    "macsPerCycle": { "2x8": 4, "4x8": 2, "8x8": 1 },
    "layerOverheadUs": 20,
  },
  "accuracy": { "maxDropPoints": 1 },
  "budgets": {
    "weightMemoryKiB": 48,
    "activationMemoryKiB": 64,
    "latencyMs": 8,
  },
}
`;

describe("pictures of texts", function () {
  this.timeout(longTestMs);
  before(async () => {
    await setStage();
    await openModel(model);
    await analyzed(longTestMs);
  });
  after(clearStage);

  it("model-text: a model as text, with what is known of its layers", async () => {
    await vscode.commands.executeCommand("sigmaquant.openAsText", model);
    await until(() => vscode.window.activeTextEditor?.document.uri.path.endsWith("(text)") === true);
    await hintShown("KL");
    await resize({ width: 1100, height: 520 });
    await take("model-text");
    await resize();
  });

  it("profile-editor: hints, problems and their fixes", async () => {
    const saved = readFileSync(profile.fsPath, "utf8");
    writeFileSync(profile.fsPath, typed);
    try {
      await resize({ width: 1100, height: 840 });
      const editor = await showText(profile, '"latencyMs": ');
      await hintShown("left");
      await ui.workbench.waitFor(".codelens-decoration", "cannot be met");
      await until(() => vscode.languages.getDiagnostics(profile).length >= 3);
      await vscode.commands.executeCommand("workbench.actions.view.problems");
      await ui.workbench.waitFor(".markers-panel .monaco-list-row", "SQ3102");
      await vscode.window.showTextDocument(editor.document);
      placeCursor(editor, '"latencyMs": ');
      editor.revealRange(new vscode.Range(0, 0, 0, 0));
      await rest();
      await vscode.commands.executeCommand("editor.action.quickFix");
      await ui.workbench.waitFor(".action-widget", "Raise latencyMs");
      await take("profile-editor", "pointing");
      await ui.keys("Escape");
    } finally {
      await resize();
      writeFileSync(profile.fsPath, saved);
    }
  });
});
