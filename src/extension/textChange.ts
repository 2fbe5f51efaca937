import * as vscode from "vscode";
import type { TextChange } from "../protocol/requests.ts";

/** Versions of documents that were saved here: VS Code may take a moment longer to call them saved. */
const savedVersions = new WeakMap<vscode.TextDocument, number>();

/**
 * Brings a document to a new text, replacing only the lines that differ, so that undo and diff stay small; a missing file is
 * created. Saved where it was saved before: a change of bits is in force at once, and the editor's undo takes it back.
 */
export async function applyTextChange({ uri, text }: TextChange): Promise<vscode.TextDocument> {
  const target = vscode.Uri.parse(uri);
  const edit = new vscode.WorkspaceEdit();
  const document = await vscode.workspace.openTextDocument(target).then(
    (found) => found,
    () => undefined,
  );
  if (document === undefined) {
    edit.createFile(target, { contents: new TextEncoder().encode(text) });
    await vscode.workspace.applyEdit(edit);
    return vscode.workspace.openTextDocument(target);
  }
  const dirty = document.isDirty && savedVersions.get(document) !== document.version;
  const change = smallestChange(document, text);
  if (change) {
    edit.replace(target, change.range, change.text);
    if (!(await vscode.workspace.applyEdit(edit))) {
      throw new Error(vscode.l10n.t("{0} could not be changed", vscode.workspace.asRelativePath(target)));
    }
    if (!dirty) await save(document);
  }
  return document;
}

async function save(document: vscode.TextDocument): Promise<void> {
  const { version } = document;
  if (!(await document.save()) && document.isDirty) {
    throw new Error(vscode.l10n.t("{0} could not be saved", vscode.workspace.asRelativePath(document.uri)));
  }
  savedVersions.set(document, version);
}

/** The lines between the common first and last ones. */
function smallestChange(
  document: vscode.TextDocument,
  text: string,
): { readonly range: vscode.Range; readonly text: string } | undefined {
  const eol = document.eol === vscode.EndOfLine.CRLF ? "\r\n" : "\n";
  const before = document.getText().split(/\r?\n/);
  const after = text.split(/\r?\n/);
  let first = 0;
  while (first < before.length && first < after.length && before[first] === after[first]) first++;
  if (first === before.length && first === after.length) return undefined;
  let last = 0;
  const most = Math.min(before.length, after.length) - first;
  while (last < most && before[before.length - 1 - last] === after[after.length - 1 - last]) last++;
  const lines = after.slice(first, after.length - last);
  const endLine = before.length - last;
  // Whole lines: from the start of the first that differs to the start of the first that is the same again.
  const atEnd = endLine >= before.length;
  const range = new vscode.Range(first, 0, endLine, atEnd ? Number.MAX_SAFE_INTEGER : 0);
  return { range: document.validateRange(range), text: lines.join(eol) + (atEnd ? "" : lines.length > 0 ? eol : "") };
}
