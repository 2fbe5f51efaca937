import assert from "node:assert/strict";
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "mocha";
import * as vscode from "vscode";
import { bytes } from "../../support/onnx/encode.ts";
import { chainFile } from "../../support/onnx/generated.ts";
import { ui } from "../../support/vscode/client.ts";
import { pictures } from "../../support/vscode/pictures.ts";
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

const scheme = "sigmaquant-text";
const layer = "/l/l.0/c1/Conv";
/** producer_version of a ModelProto. */
const producerVersionField = 3;

/** The text of a model in the active editor; waits for it. */
async function shown(name: string): Promise<vscode.TextEditor> {
  await until(() => vscode.window.activeTextEditor?.document.uri.path.endsWith(`${name} (text)`) === true);
  return vscode.window.activeTextEditor as vscode.TextEditor;
}

/** Line on which a text has something, with the hints on it. */
async function hintsOn({ document }: vscode.TextEditor, piece: string): Promise<readonly string[]> {
  const line = lineOf(document, piece);
  const hints = await vscode.commands.executeCommand<vscode.InlayHint[]>(
    "vscode.executeInlayHintProvider",
    document.uri,
    document.lineAt(line).range,
  );
  return hints.filter(({ position }) => position.line === line).map(({ label }) => String(label));
}

function lineOf(document: vscode.TextDocument, piece: string): number {
  const at = document.getText().indexOf(piece);
  assert.ok(at >= 0, `the text has ${piece}`);
  return document.positionAt(at).line;
}

async function place(editor: vscode.TextEditor, piece: string, within = 1): Promise<vscode.Position> {
  const position = editor.document.positionAt(editor.document.getText().indexOf(piece) + within);
  editor.selection = new vscode.Selection(position, position);
  editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenter);
  return position;
}

async function lensTitles({ document }: vscode.TextEditor): Promise<readonly string[]> {
  const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
    "vscode.executeCodeLensProvider",
    document.uri,
  );
  return lenses.map(({ command }) => command?.title ?? "");
}

/** Names in the tabs, without the places at which VS Code may break them. */
async function tabs(): Promise<readonly string[]> {
  return (await ui.tabs()).map((tab) => tab.replaceAll(/\s/g, ""));
}

describe("a model as text", () => {
  let model: vscode.Uri;
  let editor: vscode.TextEditor;

  before(async function () {
    this.timeout(longTestMs);
    await prepare();
    model = await freshModel("astext");
    await openModel(model);
    await analyzed();
    await ui.command("SigmaQuant: Open Model as Text");
    editor = await shown("astext.onnx");
  });
  after(async () => {
    await closeAll();
    await removeFolder("astext");
    await removeFolder("large");
  });

  it("is in a tab of its own beside the model's, in its own language, and can't be typed in", async () => {
    assert.deepEqual(await tabs(), ["astext.onnx", "astext.onnx(text)"]);
    const { document } = editor;
    assert.equal(document.languageId, "onnx-text");
    assert.equal(vscode.workspace.fs.isWritableFileSystem(scheme), false);
    await ui.keys("x");
    assert.equal(document.isDirty, false);
    assert.match(
      document.getText(),
      /^<\n {2}ir_version: \d+,\n[\s\S]*\ntorch_jit \(float\[batch,1,28,28\] input\) =>/,
    );
  });

  it("has bits, sigma and sensitivity beside each layer, the same bits as the table", async () => {
    const layers = await layersOf(model);
    await until(async () =>
      (await Promise.all(layers.map((name) => hintsOn(editor, `["${name}"]`)))).every((h) => h.length === 1),
    );
    const [label = ""] = await hintsOn(editor, `["${layer}"]`);
    assert.match(label, /^\d bits, σ 0\.\d{3}, KL (<0\.0001|0\.\d{4})$/);
    await ui.workbench.waitFor(".view-line", label.slice(0, 6));
    assert.match((await lensTitles(editor))[0] ?? "", /^\$\(pass\) 10 of 10 layers quantized, \d\.\d bits on average$/);
    await pictures("model-as-text");
    await openModel(model);
    assert.equal(await bitsShown(layer), Number(label.charAt(0)));
  });

  it("follows bits that are changed in the table", async () => {
    await openModel(model);
    const before = await bitsShown(layer);
    const bits = before === 2 ? 4 : 2;
    await ui.webview.click(row(layer));
    await ui.keys(String(bits));
    await until(async () => (await bitsShown(layer)) === bits);
    await vscode.window.showTextDocument(editor.document);
    editor = await shown("astext.onnx");
    await until(async () => (await hintsOn(editor, `["${layer}"]`))[0]?.startsWith(`${bits} bits`) === true);
    // On the screen too, without anybody asking.
    await place(editor, `["${layer}"]`);
    await ui.workbench.waitFor(".view-line", `${bits} bits`);
  });

  it("tells a layer's story in a hover, with the way to its row", async () => {
    const position = await place(editor, `["${layer}"]`, 4);
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      "vscode.executeHoverProvider",
      editor.document.uri,
      position,
    );
    const text = hovers
      .flatMap(({ contents }) => contents.map((part) => (part as vscode.MarkdownString).value))
      .join("\n");
    assert.match(text, /Conv, 16×16×3×3, 2,304 parameters, σ 0\.\d{4}/);
    assert.match(text, /\*\*2 now\*\*|\*\*4 now\*\*/);
    await vscode.commands.executeCommand("editor.action.showHover");
    await ui.workbench.waitFor(".monaco-hover", "Show in table");
    await ui.screenshot("model-as-text-hover");
    await ui.workbench.click('.monaco-hover a:has-text("Show in table")');
    await ui.webview.waitFor(`${row(layer)}[aria-selected="true"]`);
  });

  it("leads from a layer's name to its row, and from a value's name to where it is made", async () => {
    await vscode.window.showTextDocument(editor.document);
    editor = await shown("astext.onnx");
    const [line, name] = [lineOf(editor.document, '["/l/l.0/Relu"]'), '"/Relu_output_0"'];
    const use = editor.document.getText().lastIndexOf(name);
    editor.selection = new vscode.Selection(editor.document.positionAt(use + 3), editor.document.positionAt(use + 3));
    await vscode.commands.executeCommand("editor.action.revealDefinition");
    await until(() => editor.selection.active.line === lineOf(editor.document, '["/Relu"]'));
    assert.ok(line > editor.selection.active.line);
    await place(editor, '["/l/l.1/c2/Conv"]', 4);
    await vscode.commands.executeCommand("editor.action.revealDefinition");
    await ui.webview.waitFor(`${row("/l/l.1/c2/Conv")}[aria-selected="true"]`);
  });

  it("has its nodes in the outline, and folds; its constants are folded when it opens", async () => {
    await vscode.window.showTextDocument(editor.document);
    editor = await shown("astext.onnx");
    const { document } = editor;
    const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>(
      "vscode.executeDocumentSymbolProvider",
      document.uri,
    );
    assert.deepEqual(
      symbols.map(({ name }) => name),
      ["torch_jit"],
    );
    const nodes = symbols[0]?.children ?? [];
    assert.ok(nodes.length > 20);
    assert.match(nodes.find(({ name }) => name === layer)?.detail ?? "", /^Conv, \d bits$/);
    const constants = lineOf(document, "\n<\n") + 1;
    assert.ok(editor.visibleRanges.length > 1, "something is folded");
    assert.equal(editor.visibleRanges[0]?.end.line, constants);
  });

  it("is coloured: layers and types, operators, attributes; names in quotes are no strings", async () => {
    await place(editor, `["${layer}"]`);
    const colour = (text: string) =>
      ui.workbench.style(`.view-line span span:text-is(${JSON.stringify(text)})`, "color");
    // Lines are drawn again while the editor scrolls, and get their colours after their text.
    await until(async () => {
      const [plain, label, type, operator, attribute] = await Promise.all(
        ["input", `"${layer}"`, "float", "Conv", "kernel_shape"].map(colour),
      );
      return label === type && new Set([plain, label, operator, attribute]).size === 4;
    });
  });

  it("follows the model's file", async () => {
    assert.ok(!editor.document.getText().includes("from elsewhere"));
    appendFileSync(model.fsPath, bytes(producerVersionField, "from elsewhere"));
    await until(() => editor.document.getText().includes('producer_version: "from elsewhere"'));
    // What is known of its layers follows too.
    await until(async () => (await hintsOn(editor, `["${layer}"]`)).length === 1, longTestMs);
  }).timeout(longTestMs);

  it("opens from the explorer and from the menu of the model's page", async () => {
    await closeAll();
    await ui.explorerMenu("astext.onnx", "Open Model as Text");
    await shown("astext.onnx");
    await closeAll();
    await openModel(model);
    await ui.webview.click('[aria-label="More actions"]');
    await ui.webview.click('[role=menuitem]:has-text("Open as Text")');
    await shown("astext.onnx");
    assert.deepEqual(await tabs(), ["astext.onnx", "astext.onnx(text)"]);
  });

  it("goes with its model", async () => {
    await closeAll();
    await vscode.commands.executeCommand("sigmaquant.openAsText", model);
    await shown("astext.onnx");
    renameSync(model.fsPath, file("astext", "renamed.onnx").fsPath);
    await ui.workbench.waitFor(".tab .monaco-icon-label.strikethrough", "astext.onnx");
    await closeAll();
  });

  it("of 10,000 nodes is there at once, with all of its nodes", async () => {
    const large = file("large", "large.onnx");
    await vscode.workspace.fs.createDirectory(file("large"));
    writeFileSync(large.fsPath, chainFile(10_000));
    const started = performance.now();
    await vscode.commands.executeCommand("sigmaquant.openAsText", large);
    const opened = await shown("large.onnx");
    console.log(
      `      10,000 nodes: ${Math.round(performance.now() - started)} ms from the command to the folded text`,
    );
    const lines = opened.document.getText().split("\n");
    assert.equal(lines.filter((line) => line.startsWith('  ["/model/layers.')).length, 10_000);
    await until(async () => (await hintsOn(opened, '["/model/layers.0/block/node_0"]')).length === 1, longTestMs);
  }).timeout(longTestMs);
});
