import { after, afterEach, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { ui } from "../../support/vscode/client.ts";
import { useTheme } from "../../support/vscode/pictures.ts";
import { analyzed, file, longTestMs, openModel, row, rowNames, setting, waitForLimit } from "../suite/support.ts";
import { clearStage, replace, resize, rest, setStage, showText, take } from "./stage.ts";

const model = file("mobilenetv2.onnx");
/** Of the layers that the table shows at once. */
const selected = 5;
/** As many columns of pixels as a page beside two others has. */
const narrow = { width: 450, height: 860 };
const small = { width: 900, height: 640 };
/** So many samples that an analysis is still at work when its picture is taken. */
const manySamples = 512;

describe("pictures of the model's editor", function () {
  this.timeout(longTestMs);
  before(setStage);
  afterEach(() => resize());
  after(clearStage);

  it("context-menu: what can be done with a model in the explorer", async () => {
    await resize(small);
    await vscode.commands.executeCommand("workbench.view.explorer");
    const labels = await ui.explorerMenuItems("mobilenetv2.onnx");
    if (!labels.includes("Quantize for Device...")) throw new Error(`only ${labels.join(", ")}`);
    await ui.workbench.click('.explorer-folders-view .monaco-list-row:has-text("mobilenetv2.onnx")', {
      button: "right",
    });
    const item = '.monaco-menu-container .action-item:has-text("Quantize for Device...")';
    await ui.workbench.waitFor(item);
    await ui.workbench.hover(item);
    await take("context-menu", "pointing");
    await ui.keys("Escape");
    await vscode.commands.executeCommand("workbench.action.closeSidebar");
  });

  it("progress: an analysis at work", async () => {
    await setting("sensitivitySamples", manySamples);
    await openModel(model);
    await ui.webview.waitFor(".work:has-text(' bits, '):has-text('left')", undefined, longTestMs);
    await take("progress");
    await analyzed(longTestMs);
  });

  it("editor-dark, editor-light, editor-high-contrast: the layers of a model and the bits that they get", async () => {
    await setting("sensitivitySamples", undefined);
    await openModel(model);
    await analyzed(longTestMs);
    await ui.webview.click(row((await rowNames())[selected] ?? "", ".cell-name"));
    for (const [theme, name] of [
      ["dark", "dark"],
      ["light", "light"],
      ["highContrast", "high-contrast"],
    ] as const) {
      await useTheme(theme);
      await take(`editor-${name}`);
    }
    await useTheme("dark");
  });

  it("editor-narrow: the same beside other things", async () => {
    await openModel(model);
    await analyzed(longTestMs);
    await resize(narrow);
    await take("editor-narrow");
  });

  it("infeasible: a budget that no mix of bits meets, and what would do", async () => {
    const { document } = await showText(file("microcontroller.hwprofile.json"), '"weightMemoryKiB": 48');
    await replace(document, '"weightMemoryKiB": 48', '"weightMemoryKiB": 30');
    await openModel(model);
    await waitForLimit("Weight memory", "30 KiB");
    await ui.webview.waitFor("role=button[name=/^Raise budget to/]");
    // Its plan is run by itself.
    await rest();
    await ui.webview.waitUntilGone(".work", undefined, longTestMs);
    await take("infeasible");
  });
});
