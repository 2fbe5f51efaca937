import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import * as vscode from "vscode";
import { discoverLayers } from "../../../src/core/model/discover.ts";
import { openModelFile } from "../../../src/node/openModel.ts";
import { bytes } from "../../support/onnx/encode.ts";
import { commandLine, descendants } from "../../support/processes.ts";
import { writeSmallModel } from "../../support/smallWorkspace.ts";
import { ui } from "../../support/vscode/client.ts";
import { until } from "../../support/vscode/until.ts";

/** Enough to order layers by; the analyses of these tests are then some seconds long. */
const samples = 32;

/** One of ResNet-8 with small sets, on a machine that is busy with other things: it may take ten times what it takes alone. */
export const analysisMs = 240_000;
/** A test with analyses, or with one of the example. */
export const longTestMs = 600_000;

/** Where the model's own layers are; the header and the totals are rows of the grid too. */
export const dataRow = ".row[data-layer]";

/** The extension under test, active; with settings that make it quick. Called before the tests of each file. */
export async function prepare(): Promise<void> {
  const extension = vscode.extensions.getExtension("sigmaquant.sigmaquant");
  assert.ok(extension, "the extension under test is there");
  await extension.activate();
  await setting("sensitivitySamples", samples);
  // Rounding with recovery takes seconds for each bitwidth; that the setting counts is tested with the server alone.
  await setting("recovery", "none");
  // In a browser VS Code saves what is typed by itself; on a desktop it does not.
  await vscode.workspace.getConfiguration("files").update("autoSave", "off", vscode.ConfigurationTarget.Global);
}

/** Closes all editors, as the next tests want to find the window; what is typed and not saved is dropped. */
export async function closeAll(): Promise<void> {
  for (const document of vscode.workspace.textDocuments) {
    if (!document.isDirty) continue;
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  }
  await vscode.commands.executeCommand("workbench.action.closeAllEditors");
  await until(() => vscode.window.tabGroups.all.every(({ tabs }) => tabs.length === 0));
}

export async function setting(name: string, value: unknown): Promise<void> {
  const settings = vscode.workspace.getConfiguration("sigmaquant");
  if (settings.get(name) === value) return;
  await settings.update(name, value, vscode.ConfigurationTarget.Global);
}

/** A file of the workspace by its path in it. */
export function file(...names: readonly string[]): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder, "a folder is open");
  return vscode.Uri.joinPath(folder.uri, ...names);
}

/** doc_string of a ModelProto: a field at the end of the file that changes its hash and nothing else. */
const docStringField = 6;

/**
 * ResNet-8 with small sets in a folder of its own: a model that was not analyzed before, whatever ran before in this window.
 * @returns its URI
 */
export async function freshModel(folder: string, name = `${folder}.onnx`): Promise<vscode.Uri> {
  const model = writeSmallModel(file(folder).fsPath, name);
  const stamp = bytes(docStringField, `made for ${folder}/${name} at ${Date.now()}`);
  writeFileSync(model, Buffer.concat([readFileSync(model), stamp]));
  return file(folder, name);
}

/** Processes that the extension host has started and that run this bundle of ours. */
export function ours(bundle: "server" | "engine"): readonly number[] {
  return descendants(process.pid).filter((pid) => commandLine(pid).includes(path.join("dist", `${bundle}.cjs`)));
}

/** Deletes a folder of the workspace, once no editor shows anything of it. */
export async function removeFolder(folder: string): Promise<void> {
  await vscode.workspace.fs.delete(file(folder), { recursive: true });
}

/** Opens a model's editor, in a tab that stays, and waits for its table. */
export async function openModel(model: vscode.Uri): Promise<void> {
  await vscode.commands.executeCommand("vscode.open", model, { preview: false });
  await ui.webview.waitFor("h1.name", path.basename(model.fsPath));
  await ui.webview.waitFor(dataRow);
}

/** Waits until the bits of the model on screen were run on samples, and nothing is at work. @returns the verdict */
export async function analyzed(timeoutMs = analysisMs): Promise<string> {
  await ui.webview.waitFor(".verdict-detail", "samples", timeoutMs);
  await ui.webview.waitUntilGone(".work", undefined, timeoutMs);
  return ui.webview.text(".verdict-headline");
}

/** Names of a model's layers, in the network's order, read by the core itself. */
export async function layersOf(model: vscode.Uri): Promise<readonly string[]> {
  const opened = await openModelFile(model.fsPath);
  try {
    const { layers } = await discoverLayers(opened.model);
    return layers.map(({ name }) => name);
  } finally {
    await opened.close();
  }
}

/** Names of the rows that are drawn, from top to bottom. */
export async function rowNames(): Promise<readonly string[]> {
  const rows = await ui.webview.rows(dataRow, ["data-layer", "aria-rowindex"]);
  return rows
    .map(([name, place]) => ({ name: name ?? "", place: Number(place) }))
    .sort((a, b) => a.place - b.place)
    .map(({ name }) => name);
}

/** Selector of a row, and of something in it. */
export function row(layer: string, within = ""): string {
  return `.row[data-layer="${layer}"] ${within}`.trim();
}

/** The weight bits that a row shows. */
export async function bitsShown(layer: string): Promise<number> {
  const shown = await ui.webview.texts(`${row(layer, ".cell-weightBits b")} >> visible=true`);
  return Number(shown[0]);
}

/** The bits of all rows that are drawn, by layer. */
export async function allBits(): Promise<ReadonlyMap<string, number>> {
  const names = await rowNames();
  return new Map(await Promise.all(names.map(async (name) => [name, await bitsShown(name)] as const)));
}

export function readJson<T>(uri: vscode.Uri): T {
  return JSON.parse(readFileSync(uri.fsPath, "utf8")) as T;
}

/** Takes the path that a file dialog proposes, in the dialog that VS Code has of its own in a browser, and waits for the file. */
export async function acceptProposed(target: vscode.Uri): Promise<void> {
  const input = '.quick-input-widget input[type="text"]';
  await until(async () => (await ui.workbench.value(input)) === target.fsPath);
  // While it looks at what was proposed, the dialog takes no key.
  await until(async () => {
    if (existsSync(target.fsPath)) return true;
    if (await ui.workbench.isVisible(input)) await ui.workbench.press(input, "Enter");
    return false;
  });
}

/** Waits until a gauge of the page has this limit, as a person reads it: "30 KiB". */
export async function waitForLimit(resource: string, limit: string): Promise<void> {
  await ui.webview.waitFor(`[role=slider][aria-label^="${resource}"][aria-valuetext^="${limit}, "]`);
}

/** Waits until the page of the model in the active editor offers the workspace's profiles that there are, and no other. */
export async function profilesSeen(): Promise<void> {
  const suffix = ".hwprofile.json";
  const there = (await vscode.workspace.findFiles(`**/*${suffix}`)).map(({ path: file }) =>
    path.basename(file, suffix),
  );
  const offered = "vscode-dropdown[aria-label=Profile] vscode-option[value^=file]";
  await until(async () => (await ui.webview.rows(offered, ["value"])).length === there.length);
}

/** Runs a command and chooses in the list that it opens. */
export async function choose(command: string, item: string): Promise<void> {
  await ui.command(command);
  // The list of commands is another's, until this one has an item of ours.
  await ui.workbench.waitFor(".quick-input-list .monaco-list-row", item);
  await ui.quickType(item);
  await ui.quickChoose(item);
}
