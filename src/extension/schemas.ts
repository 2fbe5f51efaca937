import * as vscode from "vscode";

const scheme = "sigmaquant";

/** Files of the schemas that profiles and plans name in their `$schema`: `sigmaquant://schemas/<name>.json`. */
const files: Readonly<Record<string, string>> = {
  "/hwprofile.json": "hwprofile.schema.json",
  "/sigmaquant-plan.json": "sigmaquant-plan.schema.json",
  "/preprocess.json": "preprocess.schema.json",
};

/** Lets the JSON editor read our schemas by their addresses, without a network. */
export function registerSchemas(extensionUri: vscode.Uri): vscode.Disposable {
  return vscode.workspace.registerTextDocumentContentProvider(scheme, {
    async provideTextDocumentContent(uri) {
      const name = files[uri.path];
      if (name === undefined) return "";
      const file = vscode.Uri.joinPath(extensionUri, "media", "schemas", name);
      return new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
    },
  });
}
