import { mkdirSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { ui } from "../../support/vscode/client.ts";
import { analyzed, file, longTestMs, openModel, removeFolder } from "../suite/support.ts";
import { clearStage, resize, setStage, take } from "./stage.ts";

const folder = "boards";

/** Boards with devices that there are, and budgets of their own. */
const boards = {
  stm32n6: { name: "STM32N6", extends: "preset:stm32n6", budgets: { weightMemoryKiB: 256, latencyMs: 1 } },
  gap9: { name: "GAP9, NE16", extends: "preset:gap9", budgets: { weightMemoryKiB: 64, latencyMs: 0.2 } },
  max78000: { name: "MAX78000", extends: "preset:max78000", budgets: { weightMemoryKiB: 48, latencyMs: 1 } },
  "shift-add": { name: "Shift-add", extends: "preset:shift-add", budgets: { weightMemoryKiB: 40 } },
  "cortex-m7": { name: "Cortex-M7", extends: "preset:cortex-m7", budgets: { weightMemoryKiB: 48, latencyMs: 30 } },
};

describe("pictures of devices side by side", function () {
  this.timeout(longTestMs);
  before(async () => {
    await setStage();
    mkdirSync(file(folder).fsPath);
    for (const [name, board] of Object.entries(boards)) {
      writeFileSync(file(folder, `${name}.hwprofile.json`).fsPath, JSON.stringify(board, null, 2));
    }
    await openModel(file("mobilenetv2.onnx"));
    await analyzed(longTestMs);
  });
  after(async () => {
    await clearStage();
    // File by file: of a folder that goes away as a whole VS Code does not tell which files were in it.
    for (const each of await vscode.workspace.findFiles(`${folder}/*`)) await vscode.workspace.fs.delete(each);
    await removeFolder(folder);
  });

  it("compare-devices: one model on several", async () => {
    await ui.command("SigmaQuant: Compare Devices...");
    await ui.workbench.waitFor(".quick-input-count", `${Object.keys(boards).length + 1} Selected`);
    await ui.keys("Enter");
    await ui.webview.waitFor("h1", "Compare devices");
    await ui.webview.waitFor(".d-status", "All plans were run", longTestMs);
    await ui.webview.click('.d-row:has-text("MAX78000") .d-verdict');
    await resize({ width: 1280, height: 560 });
    await take("compare-devices");
    await resize();
  });
});
