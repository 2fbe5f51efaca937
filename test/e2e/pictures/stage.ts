import assert from "node:assert/strict";
import * as vscode from "vscode";
import { ui } from "../../support/vscode/client.ts";
import { useTheme } from "../../support/vscode/pictures.ts";
import { closeAll } from "../suite/support.ts";

/** Room for all columns of the table and its panel; still legible at the width of a README. */
const size = { width: 1280, height: 840 };

/** What is in every VS Code and says nothing of this extension. */
const calm = {
  "breadcrumbs.enabled": false,
  "editor.hover.above": false,
  "editor.minimap.enabled": false,
  "editor.occurrencesHighlight": "off",
  "editor.stickyScroll.enabled": false,
  "explorer.autoReveal": false,
  "files.autoSave": "off",
  "window.commandCenter": false,
  "workbench.layoutControl.enabled": false,
  "workbench.navigationControl.enabled": false,
};

/** The extension as it is for a user: active, its settings untouched, in a dark window with an editor and nothing else. */
export async function setStage(): Promise<void> {
  const extension = vscode.extensions.getExtension("sigmaquant.sigmaquant");
  assert.ok(extension, "the extension is there");
  await extension.activate();
  for (const [name, value] of Object.entries(calm)) await setting(name, value);
  for (const part of ["Sidebar", "Panel", "AuxiliaryBar"]) {
    await vscode.commands.executeCommand(`workbench.action.close${part}`);
  }
  await resize();
  await useTheme("dark");
}

/** Gives a setting of VS Code's this value, or the value that it comes with. */
export async function setting(name: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration().update(name, value, vscode.ConfigurationTarget.Global);
}

/** Charts and text are drawn again at another size or in another theme, some frames later. */
const settleMs = 700;

/** Gives the window another size; without one its own again. Before anything is opened that goes away by it, such as a menu. */
export async function resize({ width, height } = size): Promise<void> {
  await ui.resize(width, height);
}

/** A picture of the window. @param pointing the pointer stays where it is */
export async function take(name: string, pointing: "pointing" | undefined = undefined): Promise<void> {
  if (!pointing) await ui.pointAway();
  await rest();
  await ui.screenshot(name);
}

/** Lets pass what comes by itself. */
export async function rest(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, settleMs));
}

/** Shows a file's text, in a tab that stays, and puts the cursor after a piece of it. */
export async function showText(uri: vscode.Uri, piece: string): Promise<vscode.TextEditor> {
  const document = await vscode.workspace.openTextDocument(uri);
  const editor = await vscode.window.showTextDocument(document, { preview: false });
  placeCursor(editor, piece);
  return editor;
}

export function placeCursor(editor: vscode.TextEditor, piece: string): void {
  const { document } = editor;
  const at = document.getText().indexOf(piece);
  assert.ok(at >= 0, `the text has ${piece}`);
  const position = document.positionAt(at + piece.length);
  editor.selection = new vscode.Selection(position, position);
}

/** Replaces a piece of a text without saving it. */
export async function replace(document: vscode.TextDocument, piece: string, by: string): Promise<void> {
  const at = document.getText().indexOf(piece);
  assert.ok(at >= 0, `the text has ${piece}`);
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, new vscode.Range(document.positionAt(at), document.positionAt(at + piece.length)), by);
  await vscode.workspace.applyEdit(edit);
}

/** Waits until the active editor's text has hints on the screen with this in them. */
export async function hintShown(text: string): Promise<void> {
  await ui.workbench.waitFor(".editor-group-container.active .view-lines", text);
}

/** Closes all editors; what is typed and not saved is dropped. */
export async function clearStage(): Promise<void> {
  await vscode.commands.executeCommand("workbench.action.closePanel");
  await closeAll();
}
