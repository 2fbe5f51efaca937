import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
} from "vscode-jsonrpc/node";
import type {
  CodeAction,
  CodeLens,
  Diagnostic,
  FileChangeType,
  InlayHint,
  PublishDiagnosticsParams,
  Range,
  TextEdit,
  WorkspaceEdit,
} from "vscode-languageserver-protocol";
import { TextDocument } from "vscode-languageserver-textdocument";
import type { EditorSnapshot } from "../../../src/protocol/editor.ts";
import { type ServerBuild, testSettings, uriOf } from "../../support/server.ts";

export interface ClientOptions {
  readonly build: ServerBuild;
  /** Workspace folders. */
  readonly folders: readonly string[];
  /** False is Restricted Mode: nothing is run, shapes stay unknown. */
  readonly trusted?: boolean;
}

/** The part of an editor that talks to the server: documents, their problems, and what lenses, hints and actions say. */
export class LanguageClient {
  private readonly documents = new Map<string, TextDocument>();
  private readonly problems = new Map<string, PublishDiagnosticsParams>();
  readonly snapshots = new Map<string, EditorSnapshot>();
  /** Times that the server asked to have lenses or hints asked for again. */
  refreshes = 0;

  private constructor(
    private readonly child: ChildProcess,
    readonly connection: MessageConnection,
    private readonly cache: string,
  ) {}

  static async start({ build, folders, trusted = true }: ClientOptions): Promise<LanguageClient> {
    const cache = realpathSync(mkdtempSync(path.join(os.tmpdir(), "sigmaquant-cache-")));
    const file = path.join(build.folder, "server.cjs");
    const child = fork(file, ["--node-ipc"], { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
    const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
    const client = new LanguageClient(child, connection, cache);
    connection.onNotification("textDocument/publishDiagnostics", (params: PublishDiagnosticsParams) => {
      client.problems.set(params.uri, params);
    });
    connection.onNotification("sigmaquant/snapshot", ({ uri, snapshot }: { uri: string; snapshot: EditorSnapshot }) => {
      client.snapshots.set(uri, snapshot);
    });
    for (const method of ["workspace/codeLens/refresh", "workspace/inlayHint/refresh"]) {
      connection.onRequest(method, () => {
        client.refreshes++;
        return null;
      });
    }
    connection.onRequest("workspace/applyEdit", ({ edit }: { edit: WorkspaceEdit }) => {
      client.apply(edit);
      return { applied: true };
    });
    connection.listen();
    await connection.sendRequest("initialize", {
      processId: process.pid,
      rootUri: null,
      capabilities: {
        workspace: { codeLens: { refreshSupport: true }, inlayHint: { refreshSupport: true } },
        textDocument: { definition: { linkSupport: true } },
      },
      workspaceFolders: folders.map((folder) => ({ uri: uriOf(folder), name: path.basename(folder) })),
      initializationOptions: {
        trusted,
        cacheFolder: cache,
        settings: { ...testSettings, threads: 1, samples: 8 },
      },
    });
    await connection.sendNotification("initialized", {});
    return client;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.connection.dispose();
    this.child.kill("SIGKILL");
    await ended;
    rmSync(this.cache, { recursive: true, force: true });
  }

  // Models -----------------------------------------------------------------------------------------------------------

  /** Opens a model, and waits until its weights are analyzed and bits are allocated for it. */
  async openModel(file: string, choices: object = {}): Promise<EditorSnapshot> {
    const uri = uriOf(file);
    await this.connection.sendRequest("sigmaquant/openModel", { uri, choices });
    return this.until(`an allocation of ${file}`, () => {
      const snapshot = this.snapshots.get(uri);
      return snapshot?.verdict && snapshot.work === undefined ? snapshot : undefined;
    });
  }

  // Documents --------------------------------------------------------------------------------------------------------

  open(file: string, text: string): Promise<string> {
    return this.openAs(uriOf(file), "jsonc", text);
  }

  /** Opens a document that is no file, or in another language. */
  async openAs(uri: string, languageId: string, text: string): Promise<string> {
    const document = TextDocument.create(uri, languageId, 1, text);
    this.documents.set(uri, document);
    this.problems.delete(uri);
    const item = { uri, languageId, version: 1, text };
    await this.connection.sendNotification("textDocument/didOpen", { textDocument: item });
    return uri;
  }

  async close(uri: string): Promise<void> {
    this.documents.delete(uri);
    await this.connection.sendNotification("textDocument/didClose", { textDocument: { uri } });
  }

  text(uri: string): string {
    return this.document(uri).getText();
  }

  document(uri: string): TextDocument {
    const document = this.documents.get(uri);
    if (!document) throw new Error(`${uri} is not open`);
    return document;
  }

  /** Types something in place of the first occurrence of a text. */
  async type(uri: string, before: string, after: string): Promise<void> {
    const document = this.document(uri);
    const offset = document.getText().indexOf(before);
    if (offset < 0) throw new Error(`${uri} has no ${before}`);
    const range = { start: document.positionAt(offset), end: document.positionAt(offset + before.length) };
    await this.change(uri, [{ range, newText: after }]);
  }

  /** Applies an edit of the server as an editor does. @throws for an edit of another version */
  apply(edit: WorkspaceEdit | undefined): void {
    for (const change of edit?.documentChanges ?? []) {
      if (!("edits" in change)) throw new Error("not an edit of a text");
      const { uri, version } = change.textDocument;
      if (version !== this.document(uri).version) throw new Error(`the edit is of version ${version}`);
      void this.change(uri, change.edits as TextEdit[]);
    }
  }

  /** As an editor does: what changed, not the whole text. */
  private change(uri: string, edits: readonly TextEdit[]): Promise<void> {
    const document = this.document(uri);
    const version = document.version + 1;
    // From the end to the start, so that each leaves the places of the next as they are.
    const contentChanges = [...edits].reverse().map(({ range, newText }) => ({ range, text: newText }));
    TextDocument.update(document, [{ text: TextDocument.applyEdits(document, [...edits]) }], version);
    const textDocument = { uri, version };
    return this.connection.sendNotification("textDocument/didChange", { textDocument, contentChanges });
  }

  /** Says that the editor checks JSON against our schemas itself, or that it does not, as VS Code does with its setting. */
  async checkJson(enable: boolean): Promise<void> {
    const settings = { json: { validate: { enable } } };
    await this.connection.sendNotification("workspace/didChangeConfiguration", { settings });
  }

  // What the server says ---------------------------------------------------------------------------------------------

  /** The problems of the text as it is now; waits for them. */
  async diagnostics(uri: string): Promise<readonly Diagnostic[]> {
    const { version } = this.document(uri);
    return this.until(`problems of ${uri}`, () => {
      const found = this.problems.get(uri);
      return found?.version === version ? found.diagnostics : undefined;
    });
  }

  /** What was last said of a document, open or not. */
  lastDiagnostics(uri: string): readonly Diagnostic[] | undefined {
    return this.problems.get(uri)?.diagnostics;
  }

  /** @param lines how many of the text are on the screen; all of them when left out */
  async hints(uri: string, lines?: number): Promise<readonly { readonly label: string; readonly line: string }[]> {
    const document = this.document(uri);
    const end = lines === undefined ? document.positionAt(document.getText().length) : { line: lines, character: 0 };
    const range = { start: { line: 0, character: 0 }, end };
    const hints = await this.connection.sendRequest<InlayHint[]>("textDocument/inlayHint", {
      textDocument: { uri },
      range,
    });
    return hints.map(({ label, position }) => {
      const start = { line: position.line, character: 0 };
      return { label: String(label), line: document.getText({ start, end: position }).trim() };
    });
  }

  lenses(uri: string): Promise<CodeLens[]> {
    return this.connection.sendRequest("textDocument/codeLens", { textDocument: { uri } });
  }

  async lensTitles(uri: string): Promise<readonly string[]> {
    return (await this.lenses(uri)).map(({ command }) => command?.title ?? "");
  }

  /** The actions for the first occurrence of a text. */
  actions(uri: string, at: string, only?: string, diagnostics: readonly Diagnostic[] = []): Promise<CodeAction[]> {
    return this.connection.sendRequest("textDocument/codeAction", {
      textDocument: { uri },
      range: this.rangeOf(uri, at),
      context: { diagnostics, ...(only !== undefined && { only: [only] }) },
    });
  }

  /** Runs the action of a title, and waits for the new problems. */
  async run(uri: string, at: string, title: string | RegExp): Promise<readonly Diagnostic[]> {
    const actions = await this.actions(uri, at);
    const found = actions.find((each) => (typeof title === "string" ? each.title === title : title.test(each.title)));
    if (!found) throw new Error(`no ${title} among ${actions.map((each) => each.title).join("; ")}`);
    this.apply(found.edit);
    return this.diagnostics(uri);
  }

  /** Tells that files came, changed or went, as the editor's watchers do. */
  async filesChanged(type: FileChangeType, ...files: readonly string[]): Promise<void> {
    const changes = files.map((file) => ({ uri: uriOf(file), type }));
    await this.connection.sendNotification("workspace/didChangeWatchedFiles", { changes });
  }

  request<T>(method: string, uri: string, more: object = {}): Promise<T> {
    return this.connection.sendRequest<T>(method, { textDocument: { uri }, ...more });
  }

  /** Runs the command of a lens, if it is the server's. */
  async runLens(uri: string, title: string): Promise<void> {
    const found = (await this.lenses(uri)).find(({ command }) => command?.title === title);
    if (!found?.command) throw new Error(`no lens ${title}`);
    const { command, arguments: args } = found.command;
    await this.connection.sendRequest("workspace/executeCommand", { command, arguments: args });
  }

  async hover(uri: string, at: string): Promise<string | undefined> {
    const { start } = this.rangeOf(uri, at);
    const hover = await this.connection.sendRequest<{ contents: { value: string } } | null>("textDocument/hover", {
      textDocument: { uri },
      position: start,
    });
    return hover?.contents.value;
  }

  rangeOf(uri: string, text: string): Range {
    const document = this.document(uri);
    const offset = document.getText().indexOf(text);
    if (offset < 0) throw new Error(`${uri} has no ${text}`);
    return { start: document.positionAt(offset), end: document.positionAt(offset + text.length) };
  }

  /** Waits until something is there. */
  async until<T>(what: string, look: () => T | undefined, withinMs = 30_000): Promise<T> {
    const end = Date.now() + withinMs;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
