import * as vscode from "vscode";
import { type ModelSummary, notifications, requests } from "../protocol/requests.ts";
import type { ServerConnection } from "./server.ts";

/** The workspace's models with their plans and verdicts. */
export class ModelsTree implements vscode.TreeDataProvider<ModelSummary>, vscode.Disposable {
  private readonly changes = new vscode.EventEmitter<void>();
  private readonly disposables: vscode.Disposable[];
  readonly onDidChangeTreeData = this.changes.event;

  constructor(private readonly server: ServerConnection) {
    this.disposables = [
      this.changes,
      server.on(notifications.modelsChanged, () => this.changes.fire()),
      server.onRestart(() => this.changes.fire()),
      vscode.window.createTreeView("sigmaquant.models", { treeDataProvider: this }),
    ];
  }

  async getChildren(element?: ModelSummary): Promise<ModelSummary[]> {
    return element ? [] : [...(await this.server.request(requests.models, null))];
  }

  getTreeItem({ uri, name, headline, feasible, averageBits, planUri }: ModelSummary): vscode.TreeItem {
    const item = new vscode.TreeItem(name);
    item.id = uri;
    item.resourceUri = vscode.Uri.parse(uri);
    item.contextValue = planUri === undefined ? "model" : "modelWithPlan";
    item.command = { command: "vscode.open", title: vscode.l10n.t("Open"), arguments: [item.resourceUri] };
    if (headline === undefined) {
      item.iconPath = new vscode.ThemeIcon("symbol-structure");
      return item;
    }
    const bits =
      averageBits === undefined || averageBits === 0 ? "" : vscode.l10n.t(", {0} bits", averageBits.toFixed(1));
    item.description = `${headline}${bits}`;
    item.tooltip = `${name}\n${headline}${bits}`;
    item.iconPath = feasible
      ? new vscode.ThemeIcon("pass", new vscode.ThemeColor("charts.green"))
      : new vscode.ThemeIcon("error", new vscode.ThemeColor("editorError.foreground"));
    return item;
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }
}
