import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import * as vscode from "vscode";
import { until } from "../../support/vscode/until.ts";
import { closeAll, file } from "./support.ts";

/** A device that ResNet-8 fits with little loss when it gets few bits, with a comment that edits have to leave alone. */
export const board = `{
  "name": "Board",
  "weightBits": [2, 4, 8],
  "operators": { "Conv": { "weightBits": [2, 4, 8] } },
  "memory": { "weightMemoryKiB": 442, "activationMemoryKiB": 512 },
  "compute": { "clockMHz": 100, "macsPerCycle": { "2x8": 16, "4x8": 8, "8x8": 4 }, "layerOverheadUs": 28 },
  "accuracy": { "maxDropPoints": 1 },
  "budgets": {
    "weightMemoryKiB": 48, // what the linker script leaves
    "latencyMs": 20,
    "bopsM": 600
  }
}
`;

/** Writes a file of a folder of the workspace. @returns its URI */
export async function write(folder: string, name: string, text: string | Uint8Array): Promise<vscode.Uri> {
  const uri = file(folder, name);
  await vscode.workspace.fs.writeFile(uri, typeof text === "string" ? new TextEncoder().encode(text) : text);
  return uri;
}

/** Shows a document in the active text editor. */
export async function show(uri: vscode.Uri): Promise<vscode.TextDocument> {
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document, { preview: false });
  return document;
}

/** Waits until something is as expected. @throws with what it was last */
export async function becomes<T>(look: () => T | Promise<T>, expected: T, timeoutMs?: number): Promise<void> {
  let last: T | undefined;
  const came = async () => {
    last = await look();
    return isDeepStrictEqual(last, expected);
  };
  await until(came, timeoutMs).catch(() => assert.deepEqual(last, expected));
}

// Texts ----------------------------------------------------------------------------------------------------------------

/** Where a text first has a piece of it. */
export function rangeOf(document: vscode.TextDocument, piece: string, from = 0): vscode.Range {
  const at = document.getText().indexOf(piece, from);
  assert.ok(at >= 0, `the text has ${piece}`);
  return new vscode.Range(document.positionAt(at), document.positionAt(at + piece.length));
}

/** Puts a text in place of the first occurrence of another, as one step to undo; not saved. */
export async function replace(document: vscode.TextDocument, before: string, after: string): Promise<void> {
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, rangeOf(document, before), after);
  assert.ok(await vscode.workspace.applyEdit(edit));
}

/** Undo in the active editor, until the text is what it was. */
export async function undoTo(document: vscode.TextDocument, text: string): Promise<void> {
  await vscode.window.showTextDocument(document);
  await vscode.commands.executeCommand("undo");
  await becomes(() => document.getText(), text);
}

/** Drops what was typed and closes the document, so that the next test reads its file. */
export async function drop(document: vscode.TextDocument): Promise<void> {
  await vscode.window.showTextDocument(document);
  await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
}

/** A piece of text in which «marks» are around what is to be underlined: without them, and where they were in it. */
function unmarked(marked: string): { readonly text: string; readonly spans: readonly (readonly [number, number])[] } {
  const spans: (readonly [number, number])[] = [];
  let text = "";
  for (const part of marked.split(/(«[^»]*»)/)) {
    const inner = /^«(.*)»$/s.exec(part)?.[1];
    if (inner !== undefined) spans.push([text.length, text.length + inner.length]);
    text += inner ?? part;
  }
  return { text, spans };
}

// Problems -------------------------------------------------------------------------------------------------------------

/** The example's model, which other tests of the window have analyzed: budgets for a small one are too little for it. */
const largerModel = "mobilenetv2.onnx";

/**
 * All problems that a person sees in a document, whoever found them: `SQ3102 9:17-9:18`, lines and columns from 1. Not those that are about
 * the example's model.
 */
export function problems({ uri }: vscode.TextDocument): readonly string[] {
  return vscode.languages
    .getDiagnostics(uri)
    .filter(({ message }) => !message.includes(largerModel))
    .toSorted((a, b) => a.range.start.compareTo(b.range.start))
    .map(({ code, range, source, message }) => `${codeOf(code) ?? `${source}: ${message}`} ${placeOf(range)}`);
}

function codeOf(code: vscode.Diagnostic["code"]): string | undefined {
  const value = typeof code === "object" ? code.value : code;
  return typeof value === "string" ? value : undefined;
}

function placeOf({ start, end }: vscode.Range): string {
  return `${start.line + 1}:${start.character + 1}-${end.line + 1}:${end.character + 1}`;
}

export function problemOf({ uri }: vscode.TextDocument, code: string): vscode.Diagnostic {
  const found = vscode.languages.getDiagnostics(uri).find((each) => codeOf(each.code) === code);
  assert.ok(found, `there is ${code}`);
  return found;
}

/** Something wrong in a text, and what takes it away. */
export interface Slip {
  /** Codes in the order of the marks in the first `after`. */
  readonly codes: readonly string[];
  /** Pieces of the text and what stands in their place, with «marks» around what is to be underlined. */
  readonly changes: readonly (readonly [before: string, after: string])[];
  /** What one of the codes says, that of the fix or else the first. */
  readonly message: RegExp;
  /** An action by its title, of one of the codes or else of the first; and a piece of the text after it. */
  readonly fix?: { readonly of?: string; readonly title: RegExp; readonly gives: string | RegExp };
  /** Codes that are left after it. */
  readonly left?: readonly string[];
}

/**
 * Makes a slip in a document without problems and sees that exactly its problems are shown, at their places; applies the fix, and the
 * file is checked anew; undoes the fix, and the problems are back; undoes the slip, and they are gone.
 */
export async function slipAndFix(document: vscode.TextDocument, slip: Slip): Promise<void> {
  const right = document.getText();
  await becomes(() => problems(document), []);
  const edit = new vscode.WorkspaceEdit();
  for (const [before, after] of slip.changes) {
    edit.replace(document.uri, rangeOf(document, before), unmarked(after).text);
  }
  assert.ok(await vscode.workspace.applyEdit(edit));
  const ranges = slip.changes.flatMap(([, after]) => {
    const { text, spans } = unmarked(after);
    const at = document.getText().indexOf(text);
    return spans.map(([from, to]) => new vscode.Range(document.positionAt(at + from), document.positionAt(at + to)));
  });
  const expected = slip.codes.map((code, index) => `${code} ${placeOf(ranges[index] as vscode.Range)}`);
  await becomes(() => problems(document), expected);
  const of = slip.fix?.of ?? slip.codes[0] ?? "";
  const found = problemOf(document, of);
  assert.match(found.message, slip.message);
  assert.equal(found.source, "sigmaquant");
  assert.ok(typeof found.code === "object" && /errors\.md/.test(found.code.target.path), "the code leads to its page");
  const wrong = document.getText();
  if (slip.fix) {
    const { title, gives } = slip.fix;
    await run(document, found.range, title);
    const codes = (): readonly string[] => problems(document).map((each) => each.slice(0, each.indexOf(" ")));
    await becomes(codes, slip.left ?? []);
    const text = document.getText();
    assert.ok(typeof gives === "string" ? text.includes(gives) : gives.test(text), text);
    await undoTo(document, wrong);
    await becomes(() => problems(document), expected);
  }
  await undoTo(document, right);
  await becomes(() => problems(document), []);
}

// What the editor asks for ---------------------------------------------------------------------------------------------

export function actionsAt({ uri }: vscode.TextDocument, range: vscode.Range): Thenable<vscode.CodeAction[]> {
  return vscode.commands.executeCommand("vscode.executeCodeActionProvider", uri, range);
}

/** Titles of our actions at a place. */
export async function actionTitles(document: vscode.TextDocument, range: vscode.Range): Promise<readonly string[]> {
  return (await actionsAt(document, range)).map(({ title }) => title);
}

/** Applies the action of a title, as a click on it does; waits until there is one. */
export async function run(document: vscode.TextDocument, range: vscode.Range, title: RegExp): Promise<void> {
  let titles: readonly string[] = [];
  const edit = await until(async () => {
    const actions = await actionsAt(document, range);
    titles = actions.map((each) => each.title);
    return actions.find((each) => title.test(each.title))?.edit;
  }).catch(() => assert.fail(`no ${title} among ${titles.join("; ")}`));
  assert.ok(await vscode.workspace.applyEdit(edit));
}

/** Hints as `"weightMemoryKiB": 30 [24.9 of 30 KiB, 5.1 left]`: the end of their line's text up to them, and the label. */
export async function hints(document: vscode.TextDocument, range?: vscode.Range): Promise<readonly string[]> {
  const all = new vscode.Range(0, 0, document.lineCount, 0);
  const found = await vscode.commands.executeCommand<vscode.InlayHint[]>(
    "vscode.executeInlayHintProvider",
    document.uri,
    range ?? all,
  );
  return found.map(({ position, label }) => {
    const before = document.getText(new vscode.Range(position.line, 0, position.line, position.character));
    const shown = typeof label === "string" ? label : label.map(({ value }) => value).join("");
    return `${/(?:"[^"]*": )?\S+$/.exec(before)?.[0]} [${shown}]`;
  });
}

export function lenses({ uri }: vscode.TextDocument): Thenable<vscode.CodeLens[]> {
  return vscode.commands.executeCommand("vscode.executeCodeLensProvider", uri);
}

/** Lenses as `1: Open model`, lines from 1. */
export async function lensTitles(document: vscode.TextDocument): Promise<readonly string[]> {
  return (await lenses(document)).map(({ range, command }) => `${range.start.line + 1}: ${command?.title}`);
}

/** Runs the command of the lens with this title, as a click on it does. */
export async function runLens(document: vscode.TextDocument, title: string): Promise<void> {
  const command = await until(
    async () => (await lenses(document)).find((each) => each.command?.title === title)?.command,
  );
  await vscode.commands.executeCommand(command.command, ...(command.arguments ?? []));
}

/** What hovering over a place tells, all providers together. */
export async function hoverText({ uri }: vscode.TextDocument, position: vscode.Position): Promise<string> {
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>("vscode.executeHoverProvider", uri, position);
  return hovers
    .flatMap(({ contents }) => contents.map((part) => (typeof part === "string" ? part : part.value)))
    .join("\n");
}

export async function completions(
  { uri }: vscode.TextDocument,
  position: vscode.Position,
): Promise<readonly vscode.CompletionItem[]> {
  const found = await vscode.commands.executeCommand<vscode.CompletionList>(
    "vscode.executeCompletionItemProvider",
    uri,
    position,
  );
  return found.items;
}

export function labelOf({ label }: vscode.CompletionItem): string {
  return typeof label === "string" ? label : label.label;
}

export function symbols({ uri }: vscode.TextDocument): Thenable<vscode.DocumentSymbol[]> {
  return vscode.commands.executeCommand("vscode.executeDocumentSymbolProvider", uri);
}

/** Lines that fold, from 1: `8-12`. */
export async function folds({ uri }: vscode.TextDocument): Promise<readonly string[]> {
  const found = await vscode.commands.executeCommand<vscode.FoldingRange[]>("vscode.executeFoldingRangeProvider", uri);
  return found.map(({ start, end }) => `${start + 1}-${end + 1}`);
}

/** Closes all editors and deletes a folder of the workspace. */
export async function leave(folder: string): Promise<void> {
  await closeAll();
  await vscode.workspace.fs.delete(file(folder), { recursive: true });
}
