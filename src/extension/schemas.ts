import * as vscode from "vscode";

/** Also an activation event of the manifest (`onFileSystem:sigmaquant`): whoever asks for a schema wakes the extension. */
const scheme = "sigmaquant";

/** Files of the schemas that profiles and plans name in their `$schema`: `sigmaquant://schemas/<name>.json`. */
const files: Readonly<Record<string, string>> = {
  "/hwprofile.json": "hwprofile.schema.json",
  "/sigmaquant-plan.json": "sigmaquant-plan.schema.json",
  "/preprocess.json": "preprocess.schema.json",
};

/** Lets the JSON editor read our schemas by their addresses, without a network. */
export function registerSchemas(extensionUri: vscode.Uri): vscode.Disposable {
  return vscode.workspace.registerFileSystemProvider(scheme, new SchemaFiles(extensionUri), { isReadonly: true });
}

/**
 * The schemas as a file system of their own that can't be written. Not a content provider, which only serves an extension that runs
 * already: a profile that is open when the window starts, or lies outside of the workspace, would be left without its schema.
 */
class SchemaFiles implements vscode.FileSystemProvider {
  readonly onDidChangeFile = new vscode.EventEmitter<vscode.FileChangeEvent[]>().event;

  constructor(private readonly extensionUri: vscode.Uri) {}

  stat(uri: vscode.Uri): Thenable<vscode.FileStat> {
    return vscode.workspace.fs.stat(this.fileOf(uri));
  }

  readFile(uri: vscode.Uri): Thenable<Uint8Array> {
    return vscode.workspace.fs.readFile(this.fileOf(uri));
  }

  readDirectory(): [string, vscode.FileType][] {
    return Object.keys(files).map((name) => [name.slice(1), vscode.FileType.File]);
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
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

  private fileOf(uri: vscode.Uri): vscode.Uri {
    const name = files[uri.path];
    if (name === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    return vscode.Uri.joinPath(this.extensionUri, "media", "schemas", name);
  }
}
