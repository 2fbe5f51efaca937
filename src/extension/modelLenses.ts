import * as vscode from "vscode";
import { type NamedModel, notifications, requests } from "../protocol/requests.ts";
import { type CodeName, type CodeSyntax, modelNamesIn } from "./codeNames.ts";
import { layerCommand } from "./layerCommand.ts";
import type { ServerConnection } from "./server.ts";
import { onSettings, showsModelLenses } from "./settings.ts";

/** Languages in whose files models are looked for, and how their strings are written. */
const languages: Readonly<Record<string, CodeSyntax>> = { python: "python", c: "c", cpp: "c", "cuda-cpp": "c" };

/** Above a line of code that names a model of the workspace: the verdict of its plan, and its average bits. */
export class ModelLenses implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly changes = new vscode.EventEmitter<void>();
  private readonly disposables: vscode.Disposable[];
  readonly onDidChangeCodeLenses = this.changes.event;

  constructor(private readonly server: ServerConnection) {
    const selector = Object.keys(languages).flatMap((language) =>
      ["file", "untitled"].map((scheme) => ({ language, scheme })),
    );
    this.disposables = [
      this.changes,
      server.on(notifications.modelsChanged, () => this.changes.fire()),
      server.onRestart(() => this.changes.fire()),
      onSettings(() => this.changes.fire()),
      vscode.languages.registerCodeLensProvider(selector, this),
    ];
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  async provideCodeLenses(document: vscode.TextDocument, token: vscode.CancellationToken): Promise<vscode.CodeLens[]> {
    const syntax = languages[document.languageId];
    if (!syntax || !showsModelLenses(document)) return [];
    const { version } = document;
    const names = modelNamesIn(document.getText(), syntax);
    // Most files name no model: the server is not asked about those.
    if (names.length === 0) return [];
    const params = { uri: document.uri.toString(), names: [...new Set(names.map(({ name }) => name))] };
    const named = await this.server.request(requests.namedModels, params, token).catch(() => []);
    // What was typed meanwhile is asked about again.
    if (document.version !== version) return [];
    return lensesOf(document, names, new Map(named.map((each) => [each.name, each])));
  }
}

function lensesOf(
  document: vscode.TextDocument,
  names: readonly CodeName[],
  models: ReadonlyMap<string, NamedModel>,
): vscode.CodeLens[] {
  const seen = new Set<string>();
  return names.flatMap(({ name, offset }) => {
    const model = models.get(name);
    if (!model) return [];
    const at = document.positionAt(offset);
    const range = new vscode.Range(at, at);
    // A line that names a model twice says it once.
    const key = `${at.line} ${model.uri}`;
    if (seen.has(key)) return [];
    seen.add(key);
    const title = vscode.l10n.t("Open {0}", model.model);
    return [
      new vscode.CodeLens(range, { title: model.title, command: "" }),
      new vscode.CodeLens(range, { title, command: layerCommand, arguments: [{ uri: model.uri }] }),
    ];
  });
}
