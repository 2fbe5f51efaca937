import path from "node:path";
import {
  type CancellationToken,
  createConnection,
  DidChangeWatchedFilesNotification,
  type InitializeParams,
  LSPErrorCodes,
  ProposedFeatures,
  ResponseError,
  TextDocumentSyncKind,
  TextDocuments,
} from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { SigmaQuantError } from "../core/errors.ts";
import { enginesGone } from "../node/engineClient.ts";
import { type InitializationOptions, type Method, notifications, requests } from "../protocol/requests.ts";
import { Cancelled } from "./jobQueue.ts";
import { LanguageFeatures, languageCapabilities } from "./language/features.ts";
import { exportText, planLine } from "./planRequests.ts";
import { applyRemedy, presets, presetText, profileOver, writeToProfile } from "./profileRequests.ts";
import { Server } from "./server.ts";

/** The language server: wiring of the connection to `Server`; what it does is there. */
const connection = createConnection(ProposedFeatures.all);
const documents = new TextDocuments(TextDocument);
let server: Server | undefined;
let language: LanguageFeatures | undefined;
let followsFolders = false;

connection.onInitialize((params: InitializeParams) => {
  followsFolders = params.capabilities.workspace?.workspaceFolders ?? false;
  server = new Server({
    options: params.initializationOptions as InitializationOptions,
    folders: (params.workspaceFolders ?? []).map(({ uri }) => uri),
    documents,
    engineFile: path.join(__dirname, "engine.cjs"),
    publish: (uri, snapshot) => {
      connection.sendNotification(notifications.snapshot.method, { uri, snapshot });
      language?.changed();
    },
    publishDevices: (id, snapshot) => {
      connection.sendNotification(notifications.devices.method, { id, snapshot });
    },
    modelsChanged: () => {
      connection.sendNotification(notifications.modelsChanged.method, null);
      language?.changed();
    },
    log: (line) => connection.console.info(line),
  });
  language = new LanguageFeatures(connection, documents, server.language, params.capabilities);
  return {
    capabilities: {
      ...languageCapabilities,
      textDocumentSync: TextDocumentSyncKind.Incremental,
      workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
    },
  };
});

connection.onInitialized(() => {
  if (followsFolders) {
    connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
      running().workspace.foldersChanged(
        added.map(({ uri }) => uri),
        removed.map(({ uri }) => uri),
      );
    });
  }
  void running().workspace.scan();
});
connection.onNotification(DidChangeWatchedFilesNotification.type, ({ changes }) => running().filesChanged(changes));
documents.onDidChangeContent(({ document }) => server?.textChanged(document.uri));
documents.onDidClose(({ document }) => server?.textChanged(document.uri));

handle(requests.openModel, (params) => running().openModel(params.uri, params.choices, params.restarted ?? false));
handle(requests.closeModel, ({ uri }) => running().closeModel(uri));
handle(requests.setChoices, ({ uri, choices }) => running().session(uri).setChoices(choices));
handle(requests.analyze, ({ uri }) => running().session(uri).analyze());
handle(requests.cancel, async ({ uri }) => running().session(uri).cancel());
handle(requests.quantize, async (params, signal) => (await running().ready(params.uri)).quantize(params, signal));
handle(requests.histogram, ({ uri, layer }) => running().session(uri).histogram(layer));
handle(requests.editPlan, async ({ uri, edit }) => (await running().known(uri)).editPlan(edit));
handle(requests.planText, async ({ uri }) => (await running().known(uri)).planText());
handle(requests.modelText, ({ uri }) => features().modelText(uri));
handle(requests.planLine, async ({ uri, layer }) => planLine(running().session(uri), layer));
handle(requests.tryBudget, async ({ uri, resource, limit }) => running().session(uri).tryBudget(resource, limit));
handle(requests.resetWhatIf, async ({ uri }) => running().session(uri).resetWhatIf());
handle(requests.writeToProfile, async ({ uri }) => writeToProfile(running().session(uri), running().texts));
handle(requests.applyRemedy, async ({ uri, index }) => applyRemedy(running().session(uri), running().texts, index));
handle(requests.exportText, async ({ uri, format }) => exportText(await running().known(uri), format));
handle(requests.presets, async () => presets());
handle(requests.presetSource, ({ id }) => presetText(id));
handle(requests.presetText, async ({ id, name }) => profileOver(id, name));
handle(requests.profiles, async () => running().workspace.profiles());
handle(requests.compareDevices, ({ id, ...compared }) => running().comparisons.compare(id, compared));
handle(requests.closeDevices, ({ id }) => running().comparisons.close(id));
handle(requests.runDevices, ({ id }) => running().comparisons.get(id).run());
handle(requests.cancelDevices, async ({ id }) => running().comparisons.get(id).cancel());
handle(requests.devicesCsv, async ({ id, rows }) => running().comparisons.get(id).csv(rows));
handle(requests.namedModels, ({ uri, names }) => running().models.named(uri, names));
handle(requests.models, () => running().models.all());
handle(requests.activeModel, async ({ uri }) => {
  running().activate(uri);
  language?.changed();
});
handle(requests.trust, async ({ trusted }) => running().setTrusted(trusted));
handle(requests.setSettings, async (settings) => running().setSettings(settings));

connection.onShutdown(async () => {
  language?.dispose();
  server?.dispose();
  await enginesGone();
});
documents.listen(connection);
connection.listen();

function running(): Server {
  if (!server) throw new Error("the server is not initialized");
  return server;
}

function features(): LanguageFeatures {
  if (!language) throw new Error("the server is not initialized");
  return language;
}

/** One wrapper for all requests: cancellation as a signal, and told as what it is; our errors with their codes. */
function handle<P, R>(method: Method<P, R>, handler: (params: P, signal: AbortSignal) => Promise<R>): void {
  connection.onRequest(method.method, async (params: P, token: CancellationToken): Promise<unknown> => {
    const controller = new AbortController();
    token.onCancellationRequested(() => controller.abort(new Error("cancelled")));
    try {
      return (await handler(params, controller.signal)) ?? null;
    } catch (error) {
      if (controller.signal.aborted || error instanceof Cancelled) {
        throw new ResponseError(LSPErrorCodes.RequestCancelled, "cancelled");
      }
      if (!(error instanceof SigmaQuantError)) throw error;
      const { code, slug, remedy, place } = error;
      throw new ResponseError(requestFailed, error.describe(), { code, slug, remedy, place, message: error.message });
    }
  });
}

/** LSP's RequestFailed: syntactically right, but it failed. */
const requestFailed = -32803;
