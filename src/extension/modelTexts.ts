import * as vscode from "vscode";
import { modelTextEnding, modelTextScheme } from "../protocol/modelText.ts";
import { requests } from "../protocol/requests.ts";
import type { ModelEditors } from "./modelEditor.ts";
import type { ServerConnection } from "./server.ts";

/** The document that shows a model as text. */
export function modelTextUri(model: vscode.Uri): vscode.Uri {
  const inWorkspace = vscode.workspace.getWorkspaceFolder(model) !== undefined;
  const shown = inWorkspace ? vscode.workspace.asRelativePath(model) : (model.path.split("/").at(-1) ?? "");
  return vscode.Uri.from({
    scheme: modelTextScheme,
    path: `/${shown}${modelTextEnding}`,
    query: model.toString(),
  });
}

/** The model that such a document shows. */
export function modelOfText({ query }: vscode.Uri): vscode.Uri {
  return vscode.Uri.parse(query);
}

/** Shows a model as text; its constants, which are many, are folded. */
export async function openModelText(model: vscode.Uri): Promise<void> {
  const document = await vscode.workspace.openTextDocument(modelTextUri(model));
  // A tab that stays: one that is only looked at would take the place of the model's own.
  const editor = await vscode.window.showTextDocument(document, { preview: false });
  const line = constantsLine(document);
  // Where one works in the text already, it stays as it is.
  if (line === undefined || !editor.selection.isEqual(new vscode.Selection(0, 0, 0, 0))) return;
  await vscode.commands.executeCommand("editor.fold", { selectionLines: [line], levels: 1 });
}

/** Line of the bracket before the constants of the network, which stands alone; undefined where there are none. */
function constantsLine(document: vscode.TextDocument): number | undefined {
  for (let line = 1; line < document.lineCount; line++) {
    const { text } = document.lineAt(line);
    if (text === "<") return line;
    if (text === "{") return undefined;
  }
  return undefined;
}

/**
 * Models as text, as a file system that can't be written: such documents come back with the window, follow their model's file, and go with
 * it. While one is open, its model is open in the server, so that bits and sensitivities are known beside its nodes.
 */
export class ModelTexts implements vscode.FileSystemProvider, vscode.Disposable {
  private readonly changes = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  private readonly open = new Map<string, vscode.Disposable>();
  private readonly disposables: vscode.Disposable[];
  readonly onDidChangeFile = this.changes.event;

  constructor(
    private readonly server: ServerConnection,
    private readonly editors: ModelEditors,
  ) {
    this.disposables = [
      this.changes,
      vscode.workspace.registerFileSystemProvider(modelTextScheme, this, {
        isReadonly: new vscode.MarkdownString(
          vscode.l10n.t("The text of a model can't be edited. Bits are edited in its table and its plan."),
        ),
        isCaseSensitive: true,
      }),
      vscode.workspace.onDidOpenTextDocument((document) => this.opened(document)),
      vscode.workspace.onDidCloseTextDocument((document) => this.closed(document)),
    ];
    for (const document of vscode.workspace.textDocuments) this.opened(document);
  }

  dispose(): void {
    for (const disposable of [...this.disposables, ...this.open.values()]) disposable.dispose();
    this.open.clear();
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const { mtime, ctime } = await vscode.workspace.fs.stat(modelOfText(uri));
    // How long the text is would take making it; the model's own size would have VS Code warn of a large file.
    return { type: vscode.FileType.File, mtime, ctime, size: 0, permissions: vscode.FilePermission.Readonly };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    const text = await this.server.request(requests.modelText, { uri: uri.query });
    return new TextEncoder().encode(text);
  }

  /** Changes are told of all texts that are open, whoever watches. */
  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  writeFile(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  private opened({ uri }: vscode.TextDocument): void {
    const key = uri.toString();
    if (uri.scheme !== modelTextScheme || this.open.has(key)) return;
    const model = modelOfText(uri);
    const folder = vscode.Uri.joinPath(model, "..");
    const name = model.path.split("/").at(-1) ?? "";
    // Characters that have a meaning in a pattern stand for themselves.
    const pattern = new vscode.RelativePattern(folder, name.replace(/[[\]{}*?]/g, "[$&]"));
    const watcher = vscode.workspace.createFileSystemWatcher(pattern);
    const tell = (type: vscode.FileChangeType) => () => this.changes.fire([{ type, uri }]);
    watcher.onDidChange(tell(vscode.FileChangeType.Changed));
    // Tools write a new file in the place of the old one.
    watcher.onDidCreate(tell(vscode.FileChangeType.Changed));
    watcher.onDidDelete(tell(vscode.FileChangeType.Deleted));
    this.open.set(key, vscode.Disposable.from(watcher, this.editors.keep(model)));
  }

  private closed({ uri }: vscode.TextDocument): void {
    const key = uri.toString();
    this.open.get(key)?.dispose();
    this.open.delete(key);
  }
}
