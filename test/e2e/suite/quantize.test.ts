import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { parsePlan } from "../../../src/core/plan/planFile.ts";
import { ui } from "../../support/vscode/client.ts";
import { until } from "../../support/vscode/until.ts";
import {
  analysisMs,
  closeAll,
  file,
  freshModel,
  longTestMs,
  openModel,
  ours,
  prepare,
  profilesSeen,
  removeFolder,
} from "./support.ts";

/** What a test uses of ONNX Runtime. */
interface Runtime {
  readonly InferenceSession: {
    create(path: string): Promise<{
      readonly inputNames: readonly string[];
      readonly outputNames: readonly string[];
      run(
        feeds: Record<string, unknown>,
      ): Promise<Record<string, { readonly dims: readonly number[]; readonly data: Float32Array }>>;
      release(): Promise<void>;
    }>;
  };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => unknown;
}

/** The example's images: one channel of 28 x 28; ten classes. */
const image = [1, 1, 28, 28] as const;
const classes = 10;

/** ONNX Runtime as the package under test ships it. */
function runtime(): Runtime {
  process.env.ORT_DISABLE_TELEMETRY = "1";
  const extension = vscode.extensions.getExtension("sigmaquant.sigmaquant");
  assert.ok(extension);
  return createRequire(path.join(extension.extensionPath, "dist/engine.cjs"))("onnxruntime-node") as Runtime;
}

/** Runs a model on one image of zeros. @returns the scores of the classes */
async function scoresOf(model: vscode.Uri): Promise<Float32Array> {
  const { InferenceSession, Tensor } = runtime();
  const session = await InferenceSession.create(model.fsPath);
  try {
    const [input = "", output = ""] = [session.inputNames[0], session.outputNames[0]];
    const zeros = new Float32Array(image[2] * image[3]);
    const out = (await session.run({ [input]: new Tensor("float32", zeros, image) }))[output];
    assert.ok(out);
    assert.deepEqual([...out.dims], [1, classes]);
    return out.data;
  } finally {
    await session.release();
  }
}

function planOf(uri: vscode.Uri) {
  return parsePlan(readFileSync(uri.fsPath, "utf8"), uri.fsPath);
}

describe("quantizing", () => {
  before(async () => {
    await prepare();
    // Which device there is would be asked for if the profiles of the tests before were still known.
    await openModel(file("mobilenetv2.onnx"));
    await profilesSeen();
    await closeAll();
  });
  after(closeAll);

  it("from the explorer's context menu writes a model that loads and fits, and shows the comparison", async function () {
    this.timeout(longTestMs);
    const labels = await ui.explorerMenu("mobilenetv2.onnx", "Quantize for Device...");
    assert.ok(labels.includes("Analyze Sensitivities") && labels.includes("Compare with..."), labels.join(", "));
    const quantized = file("mobilenetv2.microcontroller.onnx");
    await until(() => existsSync(quantized.fsPath), longTestMs);
    await ui.webview.waitFor(".comparison h1", "mobilenetv2.microcontroller.onnx");
    assert.match(await ui.webview.text(".comparison .verdict-headline"), /^Fits, /);
    const table = await ui.webview.text("table.compared");
    for (const column of ["Float", "Quantized", "Uniform 8", "Change"]) assert.ok(table.includes(column), table);
    // What the table says of the file is so.
    const plan = planOf(file("mobilenetv2.sigmaquant.json"));
    assert.equal(plan.verdict.verdict, "feasible");
    const memory = plan.budgets.find(({ name }) => name === "weightMemory");
    assert.ok(memory?.use !== undefined && memory.limit === 48 * 1024 && memory.use <= memory.limit);
    assert.ok(statSync(quantized.fsPath).size < statSync(file("mobilenetv2.onnx").fsPath).size / 2);
    assert.ok(existsSync(file("mobilenetv2.microcontroller.report.md").fsPath));
    const [float, integer] = [await scoresOf(file("mobilenetv2.onnx")), await scoresOf(quantized)];
    assert.equal(integer.indexOf(Math.max(...integer)), float.indexOf(Math.max(...float)));
  });

  it("shows the files that it wrote, the layers behind them, and the report", async () => {
    await vscode.commands.executeCommand("vscode.open", file("mobilenetv2.onnx"));
    await ui.webview.waitFor(".comparison");
    await ui.webview.click('role=button[name="mobilenetv2.onnx"]');
    await ui.webview.waitFor(".row[data-layer]");
    await ui.webview.click('role=button[name="Comparison"]');
    await ui.webview.click('role=button[name="Open Report"]');
    await until(() => vscode.window.tabGroups.activeTabGroup.activeTab?.label.includes("report.md"));
  });

  it("takes several models that are selected in the explorer, one after the other", async function () {
    this.timeout(longTestMs);
    const models = [await freshModel("several", "first.onnx"), await freshModel("several", "second.onnx")];
    await closeAll();
    await vscode.commands.executeCommand("revealInExplorer", models[1]);
    await ui.selectFiles("second.onnx");
    await ui.webview.waitFor("h1.name", "second.onnx");
    await ui.workbench.click('.explorer-folders-view .monaco-list-row:has-text("first.onnx")', {
      modifiers: ["ControlOrMeta"],
    });
    await until(async () => (await ui.workbench.count(".explorer-folders-view .monaco-list-row.selected")) === 2);
    await ui.explorerMenu("first.onnx", "Quantize for Device...");
    const written = ["first.microcontroller.onnx", "second.microcontroller.onnx"].map((name) => file("several", name));
    await until(() => written.every(({ fsPath }) => existsSync(fsPath)), 2 * analysisMs);
    for (const name of ["first", "second"]) {
      await until(() => existsSync(file("several", `${name}.sigmaquant.json`).fsPath));
      assert.equal(planOf(file("several", `${name}.sigmaquant.json`)).model, `${name}.onnx`);
    }
    // The last run has ended when its comparison is there.
    await ui.webview.waitFor(".comparison h1", "second.microcontroller.onnx");
    await removeFolder("several");
  });

  it("goes on with the others when one of several can't be read", async function () {
    this.timeout(longTestMs);
    const good = await freshModel("mixed", "good.onnx");
    const broken = file("mixed", "broken.onnx");
    writeFileSync(broken.fsPath, readFileSync(good.fsPath).subarray(0, 200_000));
    await vscode.commands.executeCommand("sigmaquant.quantize", broken, [broken, good]);
    assert.ok(existsSync(file("mixed", "good.microcontroller.onnx").fsPath));
    assert.ok(!existsSync(file("mixed", "broken.microcontroller.onnx").fsPath));
    await closeAll();
    await removeFolder("mixed");
  });

  it("goes on when the model's editor is closed", async function () {
    this.timeout(longTestMs);
    const model = await freshModel("closed");
    await openModel(model);
    const run = vscode.commands.executeCommand("sigmaquant.quantize", model);
    await ui.webview.waitFor(".work");
    await vscode.commands.executeCommand("workbench.action.closeAllEditors");
    await run;
    assert.ok(existsSync(file("closed", "closed.microcontroller.onnx").fsPath));
    await closeAll();
    await removeFolder("closed");
  });

  it("goes on when another command that needs the model has come to its end", async function () {
    this.timeout(longTestMs);
    const model = await freshModel("meanwhile");
    const run = vscode.commands.executeCommand("sigmaquant.quantize", model);
    await until(() => ours("engine").length > 0);
    await vscode.commands.executeCommand("sigmaquant.resetWhatIf", model);
    await run;
    assert.ok(existsSync(file("meanwhile", "meanwhile.microcontroller.onnx").fsPath));
    await closeAll();
    await removeFolder("meanwhile");
  });

  it("leaves no model open that no editor has, nor does allocating from a profile's lens", async function () {
    this.timeout(longTestMs);
    await closeAll();
    await until(() => ours("engine").length === 0);
    const model = await freshModel("allocated");
    const profile = file("microcontroller.hwprofile.json").toString();
    await vscode.commands.executeCommand("sigmaquant.allocateFor", { uri: model.toString(), profile });
    const [shown] = vscode.window.visibleTextEditors.filter(({ document }) =>
      document.uri.path.endsWith("sigmaquant.json"),
    );
    assert.equal(shown?.document.uri.path, file("allocated", "allocated.sigmaquant.json").path);
    await until(() => ours("engine").length === 0);
    await closeAll();
    await removeFolder("allocated");
  });
});
