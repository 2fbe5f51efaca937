import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  type LanguageClientOptions,
  type ServerOptions,
  State,
  TransportKind,
} from "vscode-languageclient/node";
import { modelTextScheme } from "../protocol/modelText.ts";
import { type InitializationOptions, type Method, requests } from "../protocol/requests.ts";
import { ErrorsPage } from "./errorsPage.ts";
import { layerCommand } from "./layerCommand.ts";
import type { Log } from "./log.ts";
import { ServerDown } from "./serverDown.ts";
import { onSettings, readSettings } from "./settings.ts";

/** Starts within this time count as a crash loop when there are more of them than `maxCrashes`. */
const crashWindowMs = 3 * 60_000;
const maxCrashes = 5;

/** A layer's name in a plan, or in a model's text, leads to its model. */
export interface LayerDefinition {
  readonly model: vscode.Uri;
  readonly layer: string;
}

/** The language server: started with the first need, restarted when it dies; when it dies too often, by the person alone. */
export class ServerConnection implements vscode.Disposable {
  private readonly client: LanguageClient;
  private readonly restarts = new vscode.EventEmitter<void>();
  private readonly downs = new vscode.EventEmitter<void>();
  private readonly definitions = new vscode.EventEmitter<LayerDefinition>();
  private readonly disposables: vscode.Disposable[] = [this.restarts, this.downs, this.definitions];
  private readonly heard = new Map<string, vscode.EventEmitter<unknown>>();
  private readonly crashes: number[] = [];
  private started: Promise<void> | undefined;
  private wasRunning = false;
  private down = false;

  /** The server died and a new one runs: what was open has to be opened again. */
  readonly onRestart = this.restarts.event;
  /** The server died too often and stays down until `restart`. */
  readonly onDown = this.downs.event;
  /** The editor was told where a layer that a plan names is defined: it may be about to open the model. */
  readonly onLayerDefinition = this.definitions.event;

  constructor(context: vscode.ExtensionContext, log: Log) {
    const module = vscode.Uri.joinPath(context.extensionUri, "dist", "server.cjs").fsPath;
    const serverOptions: ServerOptions = {
      run: { module, transport: TransportKind.ipc },
      debug: { module, transport: TransportKind.ipc, options: { execArgv: ["--nolazy", "--inspect=6019"] } },
    };
    const samples = ["**/*.{npz,npy}", "**/*.{png,jpg,jpeg,PNG,JPG,JPEG}", "**/preprocess.json"];
    const watched = ["**/*.onnx", ...samples, "**/*.hwprofile.json", "**/*.sigmaquant.json"];
    const watchers = [
      ...watched.map((pattern) => vscode.workspace.createFileSystemWatcher(pattern, false, false, true)),
      // Of a folder that is deleted VS Code tells, and not of what was in it: the server knows that.
      vscode.workspace.createFileSystemWatcher("**/*", true, true, false),
    ];
    this.disposables.push(...watchers);
    const errors = new ErrorsPage(context.extensionUri);
    const options: LanguageClientOptions = {
      documentSelector: [
        { scheme: "file", pattern: "**/*.hwprofile.json" },
        { scheme: "file", pattern: "**/*.sigmaquant.json" },
        { scheme: modelTextScheme },
      ],
      // Whether VS Code checks JSON against our schemas itself: the server then leaves that out.
      synchronize: { fileEvents: watchers, configurationSection: "json.validate" },
      outputChannel: log,
      initializationOptions: () => initialization(context),
      // Hovers link to a layer's row, and to nothing else: their texts have names out of strangers' files.
      markdown: { isTrusted: { enabledCommands: [layerCommand] } },
      middleware: {
        handleDiagnostics: (uri, diagnostics, next) => {
          void errors.linked(diagnostics).then((linked) => next(uri, linked));
        },
        provideDefinition: async (document, position, token, next) => {
          const found = await next(document, position, token);
          const inText = document.uri.scheme === modelTextScheme;
          const definition = inText ? layerInText(found) : layerDefinition(document, found);
          if (definition) this.definitions.fire(definition);
          return definition && inText ? toFile(found) : found;
        },
      },
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue }),
        closed: () => ({ action: this.mayRestart() ? CloseAction.Restart : CloseAction.DoNotRestart, handled: true }),
      },
    };
    this.client = new LanguageClient("sigmaquant", "SigmaQuant", serverOptions, options);
    this.disposables.push(
      this.client.onDidChangeState(({ newState }) => {
        if (newState !== State.Running) return;
        if (this.wasRunning) this.restarts.fire();
        this.wasRunning = true;
      }),
      onSettings((settings) => this.tell(requests.setSettings, settings)),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.tell(requests.trust, { trusted: true })),
    );
  }

  /** The server died too often: nothing is asked of it until `restart`. */
  get isDown(): boolean {
    return this.down;
  }

  /** Sends a request; the server is started if it does not run yet. @throws the server's error, ServerDown */
  async request<P, R>(method: Method<P, R>, params: P, token?: vscode.CancellationToken): Promise<R> {
    if (this.down) throw new ServerDown();
    await this.start();
    return token
      ? this.client.sendRequest<R>(method.method, params, token)
      : this.client.sendRequest<R>(method.method, params);
  }

  /** Any number may listen: the client has room for one listener of each method, and a second takes the place of the first. */
  on<P>(method: Method<P>, listener: (params: P) => void): vscode.Disposable {
    const heard = this.heard.get(method.method) ?? this.hear(method.method);
    return heard.event((params) => listener(params as P));
  }

  private hear(method: string): vscode.EventEmitter<unknown> {
    const heard = new vscode.EventEmitter<unknown>();
    this.heard.set(method, heard);
    this.disposables.push(
      heard,
      this.client.onNotification(method, (params: unknown) => heard.fire(params)),
    );
    return heard;
  }

  start(): Promise<void> {
    this.started ??= this.client.start();
    return this.started;
  }

  /** Starts the server again, whether it is down or not. */
  async restart(): Promise<void> {
    this.crashes.length = 0;
    this.down = false;
    this.started = this.client.isRunning() ? this.client.restart() : this.client.start();
    await this.started;
  }

  async dispose(): Promise<void> {
    for (const disposable of this.disposables) disposable.dispose();
    if (this.started) await this.client.dispose().catch(() => undefined);
  }

  private mayRestart(): boolean {
    const now = performance.now();
    this.crashes.push(now);
    while ((this.crashes[0] ?? now) < now - crashWindowMs) this.crashes.shift();
    this.down = this.crashes.length > maxCrashes;
    if (this.down) this.downs.fire();
    return !this.down;
  }

  /** Tells the server; one that is started later is told with its start. */
  private tell<P>(method: Method<P>, params: P): void {
    this.request(method, params).catch(() => undefined);
  }
}

/** The name that was asked about, where what was found is a model. */
function layerDefinition(
  document: vscode.TextDocument,
  found: vscode.Definition | vscode.DefinitionLink[] | null | undefined,
): LayerDefinition | undefined {
  const [link] = Array.isArray(found) ? found : [];
  if (!link || !("targetUri" in link) || !link.originSelectionRange) return undefined;
  const { start } = link.originSelectionRange;
  const before = document.getText(new vscode.Range(start.line, 0, start.line, start.character));
  // The model's own name leads to it too.
  if (!link.targetUri.path.toLowerCase().endsWith(".onnx") || !/"name"\s*:\s*$/.test(before)) return undefined;
  try {
    const layer: unknown = JSON.parse(document.getText(link.originSelectionRange));
    return typeof layer === "string" ? { model: link.targetUri, layer } : undefined;
  } catch {
    return undefined;
  }
}

type Found = vscode.Definition | vscode.DefinitionLink[] | null | undefined;

/** The fragment of a link names the layer. */
function layerInText(found: Found): LayerDefinition | undefined {
  const [link] = Array.isArray(found) ? found : [];
  if (!link || !("targetUri" in link) || link.targetUri.fragment === "") return undefined;
  return { model: link.targetUri.with({ fragment: "" }), layer: link.targetUri.fragment };
}

/** Without fragments, with which the editor would take the model for another file. */
function toFile(found: Found): Found {
  if (!Array.isArray(found)) return found;
  return found.flatMap((link) =>
    "targetUri" in link ? [{ ...link, targetUri: link.targetUri.with({ fragment: "" }) }] : [],
  );
}

function initialization(context: vscode.ExtensionContext): InitializationOptions {
  // Analyses are of a model wherever it lies: all workspaces share them.
  return {
    trusted: vscode.workspace.isTrusted,
    cacheFolder: context.globalStorageUri.fsPath,
    settings: readSettings(),
  };
}
