import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { ui } from "../../support/vscode/client.ts";
import { pictures } from "../../support/vscode/pictures.ts";
import { until } from "../../support/vscode/until.ts";
import {
  analyzed,
  closeAll,
  file,
  freshModel,
  longTestMs,
  openModel,
  prepare,
  removeFolder,
  setting,
} from "./support.ts";

const python = `import onnxruntime as ort

# Runs beside "net.onnx".
session = ort.InferenceSession("net.onnx")
other = ort.InferenceSession("no_such_model.onnx")
`;

const cpp = `#include <onnxruntime_cxx_api.h>

int main() {
  Ort::Env env;
  Ort::Session session(env, L"named\\\\net.onnx", Ort::SessionOptions{});
}
`;

async function write(name: string, text: string): Promise<vscode.TextDocument> {
  const uri = file("named", name);
  await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document, { preview: false });
  return document;
}

/** Titles of the lenses of ours, with their lines. */
async function lenses({ uri }: vscode.TextDocument): Promise<readonly string[]> {
  const found = await vscode.commands.executeCommand<vscode.CodeLens[]>("vscode.executeCodeLensProvider", uri);
  return found.map(({ command, range }) => `${range.start.line}: ${command?.title}`);
}

const state = (line: number) =>
  new RegExp(`^${line}: \\$\\((pass|error)\\) (Fits|Does not fit).*, \\d\\.\\d bits on average$`);

describe("code that names a model", () => {
  let model: vscode.Uri;

  before(async function () {
    this.timeout(longTestMs);
    await prepare();
    model = await freshModel("named", "net.onnx");
    await openModel(model);
    await analyzed();
  });
  after(async () => {
    await setting("modelCodeLens", undefined);
    await closeAll();
    await removeFolder("named");
  });

  it("has nothing above it while the model has no plan", async () => {
    const document = await write("early.py", python);
    assert.equal(document.languageId, "python");
    assert.deepEqual(await lenses(document), []);
  });

  it("has its verdict and average bits above the line once there is a plan, and the way to the model", async () => {
    await openModel(model);
    await ui.command("SigmaQuant: Open Plan");
    await until(() => vscode.window.activeTextEditor?.document.uri.path.endsWith("net.sigmaquant.json") === true);
    await closeAll();
    const document = await write("run.py", python);
    await until(async () => (await lenses(document)).length === 2);
    const [verdict = "", open] = await lenses(document);
    assert.match(verdict, state(3));
    assert.equal(open, "3: Open net.onnx");
    await ui.workbench.waitFor(".codelens-decoration", "bits on average");
    await pictures("code-names-python");
    await ui.workbench.click('.codelens-decoration a:has-text("Open net.onnx")');
    await ui.webview.waitFor("h1.name", "net.onnx");
  });

  it("is found in C++ too, by a Windows path from the workspace's folder", async () => {
    const document = await write("main.cpp", cpp);
    assert.equal(document.languageId, "cpp");
    await until(async () => (await lenses(document)).length === 2);
    assert.match((await lenses(document))[0] ?? "", state(4));
    await ui.workbench.waitFor(".codelens-decoration", "bits on average");
    await ui.screenshot("code-names-cpp");
  });

  it("follows what is typed", async () => {
    const document = await write("typed.py", "");
    const editor = await vscode.window.showTextDocument(document);
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '\n\nload("net.onnx")\n'));
    await until(async () => (await lenses(document)).length === 2);
    assert.match((await lenses(document))[0] ?? "", state(2));
    await ui.workbench.waitFor(".codelens-decoration", "bits on average");
    await vscode.commands.executeCommand("undo");
    await until(async () => (await lenses(document)).length === 0);
    await document.save();
  });

  it("has nothing above it in other languages", async () => {
    const document = await write("notes.json", '{ "model": "net.onnx" }');
    assert.ok(!(await lenses(document)).some((title) => title.includes("bits on average")));
  });

  it("has nothing above it when the setting says so, at once", async () => {
    const document = await write("run.py", python);
    await ui.workbench.waitFor(".codelens-decoration", "bits on average");
    await setting("modelCodeLens", false);
    assert.deepEqual(await lenses(document), []);
    await ui.workbench.waitUntilGone(".codelens-decoration", "bits on average");
    await setting("modelCodeLens", true);
    await ui.workbench.waitFor(".codelens-decoration", "bits on average");
  });

  it("has nothing above it once the plan is gone", async () => {
    const document = await write("run.py", python);
    await ui.workbench.waitFor(".codelens-decoration", "bits on average");
    await vscode.workspace.fs.delete(file("named", "net.sigmaquant.json"));
    await until(async () => (await lenses(document)).length === 0);
    await ui.workbench.waitUntilGone(".codelens-decoration", "bits on average");
  });
});
