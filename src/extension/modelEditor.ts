import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { EditorSnapshot, FromPage, ToPage } from "../protocol/editor.ts";
import { isFromPage } from "../protocol/editorGuards.ts";
import { editorPageHtml } from "../protocol/editorPage.ts";
import { notifications, requests } from "../protocol/requests.ts";
import { showError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { ChoicesStore } from "./modelChoices.ts";
import { editsPlan, runPageMessage } from "./pageMessages.ts";
import type { ServerConnection } from "./server.ts";
import { modelWithoutServer } from "./serverDown.ts";

export const modelEditorType = "sigmaquant.model";

interface OpenModel {
  readonly uri: vscode.Uri;
  readonly panels: Set<vscode.WebviewPanel>;
  /** How many others than editors want it open. */
  kept: number;
  snapshot: EditorSnapshot | undefined;
  /** A layer to show as soon as the page is there. */
  reveal: string | undefined;
  /** Edits of the plan that its pages asked for, one after the other. */
  edits: Promise<void>;
}

/** The custom editor of `*.onnx`: hands snapshots of the server to its pages, and what a page asks for to the server. */
export class ModelEditors implements vscode.CustomReadonlyEditorProvider, vscode.Disposable {
  private readonly models = new Map<string, OpenModel>();
  private readonly disposables: vscode.Disposable[] = [];
  private readonly changes = new vscode.EventEmitter<void>();
  private active: OpenModel | undefined;

  /** The active model, or what is known of it, changed. */
  readonly onChange = this.changes.event;

  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly server: ServerConnection,
    private readonly choices: ChoicesStore,
    private readonly log: Log,
  ) {
    this.disposables.push(
      this.changes,
      server.on(notifications.snapshot, ({ uri, snapshot }) => this.show(uri, snapshot)),
      server.onRestart(() => {
        for (const model of this.models.values()) void this.open(model, true);
      }),
      server.onDown(() => {
        for (const model of this.models.values()) this.showDown(model);
      }),
      vscode.window.registerCustomEditorProvider(modelEditorType, this, { supportsMultipleEditorsPerDocument: true }),
    );
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  /** URI and snapshot of the model in the active editor. */
  get activeModel(): { readonly uri: vscode.Uri; readonly snapshot: EditorSnapshot | undefined } | undefined {
    return this.active;
  }

  /** Whether an editor has the model, shown or behind another, or something else keeps it open. */
  has(uri: vscode.Uri): boolean {
    return this.models.has(uri.toString());
  }

  /** Whether a page shows the model, or does so behind another editor. */
  hasPage(uri: vscode.Uri): boolean {
    return (this.models.get(uri.toString())?.panels.size ?? 0) > 0;
  }

  snapshotOf(uri: vscode.Uri): EditorSnapshot | undefined {
    return this.models.get(uri.toString())?.snapshot;
  }

  async openCustomDocument(uri: vscode.Uri): Promise<vscode.CustomDocument> {
    return { uri, dispose: () => undefined };
  }

  async resolveCustomEditor(document: vscode.CustomDocument, panel: vscode.WebviewPanel): Promise<void> {
    const model = this.modelAt(document.uri);
    const first = model.panels.size === 0;
    model.panels.add(panel);
    this.setUp(model, panel);
    if (first) await this.open(model, false);
  }

  /** Opens the editor of a model, and shows a layer in it. */
  async reveal(uri: vscode.Uri, layer: string): Promise<void> {
    await vscode.commands.executeCommand("vscode.openWith", uri, modelEditorType);
    const model = this.models.get(uri.toString());
    if (!model) return;
    model.reveal = layer;
    this.postAll(model, { type: "reveal", layer });
  }

  /** Keeps a model open in the server for something else than an editor of its own, until that disposes of what it gets. */
  keep(uri: vscode.Uri): vscode.Disposable {
    const isNew = !this.has(uri);
    const kept = this.hold(uri);
    if (isNew) void this.open(this.modelAt(uri), false);
    return kept;
  }

  /**
   * Does something with a model open in the server: whether or not an editor has it, and whatever is opened and closed meanwhile.
   * @throws what the server says where it can't be opened, what `body` throws
   */
  async whileOpen<T>(uri: vscode.Uri, body: (snapshot: EditorSnapshot) => Promise<T>): Promise<T> {
    const kept = this.hold(uri);
    try {
      const key = uri.toString();
      const snapshot = await this.server.request(requests.openModel, { uri: key, choices: this.choices.get(key) });
      this.show(key, snapshot);
      return await body(snapshot);
    } finally {
      kept.dispose();
    }
  }

  /** From now on the model is not closed, until what it returns is disposed of. */
  private hold(uri: vscode.Uri): vscode.Disposable {
    const model = this.modelAt(uri);
    model.kept++;
    let done = false;
    return new vscode.Disposable(() => {
      if (done) return;
      done = true;
      model.kept--;
      this.closeIfUnused(model);
    });
  }

  private modelAt(uri: vscode.Uri): OpenModel {
    const key = uri.toString();
    const model = this.models.get(key) ?? {
      uri,
      panels: new Set(),
      kept: 0,
      snapshot: undefined,
      reveal: undefined,
      edits: Promise.resolve(),
    };
    this.models.set(key, model);
    return model;
  }

  private setUp(model: OpenModel, panel: vscode.WebviewPanel): void {
    const { webview } = panel;
    const dist = vscode.Uri.joinPath(this.extensionUri, "dist", "webview");
    webview.options = { enableScripts: true, localResourceRoots: [dist] };
    const file = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(dist, name)).toString();
    const receive = webview.onDidReceiveMessage((message: unknown) => {
      if (!isFromPage(message)) this.log.warn(`A message from the page of ${model.uri.fsPath} was not understood`);
      else if (editsPlan(message)) model.edits = model.edits.then(() => this.receive(model, panel, message));
      else void this.receive(model, panel, message);
    });
    const activity = panel.onDidChangeViewState(() => this.activate(model, panel));
    panel.onDidDispose(() => {
      receive.dispose();
      activity.dispose();
      model.panels.delete(panel);
      // The panel itself can't be asked any more: whatever is read of it throws.
      if (this.active === model && ![...model.panels].some((each) => each.active)) this.setActive(undefined);
      this.closeIfUnused(model);
    });
    webview.html = editorPageHtml({
      cspSource: webview.cspSource,
      nonce: randomBytes(24).toString("base64"),
      scriptUri: file("main.js"),
      styleUri: file("main.css"),
    });
    this.activate(model, panel);
  }

  private activate(model: OpenModel, panel: vscode.WebviewPanel): void {
    if (panel.active) this.setActive(model);
    else if (this.active === model && ![...model.panels].some((each) => each.active)) this.setActive(undefined);
  }

  private setActive(model: OpenModel | undefined): void {
    if (this.active === model) return;
    this.active = model;
    this.changes.fire();
  }

  private async open(model: OpenModel, restarted: boolean): Promise<void> {
    const uri = model.uri.toString();
    try {
      const snapshot = await this.server.request(requests.openModel, {
        uri,
        choices: this.choices.get(uri),
        restarted,
      });
      // The new server counts from the beginning.
      if (restarted) model.snapshot = undefined;
      this.show(uri, snapshot);
    } catch (error) {
      if (this.server.isDown) this.showDown(model);
      else await showError(error, this.log);
    }
  }

  private showDown(model: OpenModel): void {
    model.snapshot = modelWithoutServer(model.uri, model.snapshot);
    this.postAll(model, { type: "snapshot", snapshot: model.snapshot });
    if (this.active === model) this.changes.fire();
  }

  private closeIfUnused(model: OpenModel): void {
    if (model.panels.size === 0 && model.kept === 0) void this.close(model);
  }

  private async close(model: OpenModel): Promise<void> {
    this.models.delete(model.uri.toString());
    if (this.active === model) this.setActive(undefined);
    await this.server.request(requests.closeModel, { uri: model.uri.toString() }).catch(() => undefined);
  }

  private show(uri: string, snapshot: EditorSnapshot): void {
    const model = this.models.get(vscode.Uri.parse(uri).toString());
    if (!model || (model.snapshot && model.snapshot.sequence >= snapshot.sequence)) return;
    model.snapshot = snapshot;
    this.postAll(model, { type: "snapshot", snapshot });
    if (this.active === model) this.changes.fire();
  }

  private postAll(model: OpenModel, message: ToPage): void {
    for (const panel of model.panels) void panel.webview.postMessage(message);
  }

  private async receive(model: OpenModel, panel: vscode.WebviewPanel, message: FromPage): Promise<void> {
    const post = (reply: ToPage) => void panel.webview.postMessage(reply);
    try {
      if (message.type === "ready") {
        if (model.snapshot) post({ type: "snapshot", snapshot: model.snapshot });
        if (model.reveal !== undefined) post({ type: "reveal", layer: model.reveal });
        model.reveal = undefined;
        return;
      }
      await runPageMessage(message, {
        uri: model.uri,
        snapshot: model.snapshot,
        post,
        server: this.server,
        choices: this.choices,
      });
    } catch (error) {
      await showError(error, this.log);
    }
  }
}
