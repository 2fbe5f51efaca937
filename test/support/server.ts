import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import * as esbuild from "esbuild";
import {
  createProtocolConnection,
  DidChangeTextDocumentNotification,
  DidChangeWatchedFilesNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  ExitNotification,
  type FileChangeType,
  InitializedNotification,
  InitializeRequest,
  IPCMessageReader,
  IPCMessageWriter,
  type ProtocolConnection,
  ShutdownRequest,
} from "vscode-languageserver-protocol/node";
import { nodeBuild, nodeEntries } from "../../esbuild.mjs";
import { root } from "../../scripts/lib/run.mjs";
import type { EditorSnapshot } from "../../src/protocol/editor.ts";
import {
  type InitializationOptions,
  type Method,
  type ModelChoices,
  notifications,
  requests,
  type ServerSettings,
} from "../../src/protocol/requests.ts";
import { descendants } from "./processes.ts";

/** As the extension's manifest has them, but for fewer samples and no recovery: measuring is quick, and still of real data. */
export const testSettings: ServerSettings = {
  profile: "",
  calibration: "",
  evaluation: "",
  bits: [2, 3, 4, 6, 8],
  strategy: "sigmaquant",
  dims: {},
  inputs: {},
  threads: 0,
  analysisMemory: 0,
  samples: 32,
  recovery: [],
  queueUrl: "",
};

/** How long a snapshot may take to come, on a machine that is busy. Every wait is for a condition; this is only when to give up. */
const waitMs = 150_000;

export interface ServerOptions {
  /** The workspace. */
  readonly folder: string;
  /** More folders of it, after the first. */
  readonly otherFolders?: readonly string[];
  /** Where analyses are kept; a folder of one's own if the test is about what a second server finds there. */
  readonly cacheFolder: string;
  /** Where it and its children put temporary files. */
  readonly tempFolder?: string;
  readonly trusted?: boolean;
  readonly settings?: Partial<ServerSettings>;
}

/** The language server as a process of its own, spoken to as the extension does: no VS Code, the rest is real. */
export class TestServer {
  /** All snapshots of all models, in the order in which they came. */
  readonly snapshots: { readonly uri: string; readonly snapshot: EditorSnapshot; readonly at: number }[] = [];
  /** What it logged. */
  readonly log: string[] = [];
  private readonly waiting = new Set<() => void>();
  private versions = new Map<string, number>();

  private constructor(
    private readonly process: ChildProcess,
    private readonly connection: ProtocolConnection,
  ) {}

  /** Starts the server of a build. The caller stops it. */
  static async start(build: ServerBuild, options: ServerOptions): Promise<TestServer> {
    const { tempFolder } = options;
    const child = fork(path.join(build.folder, "server.cjs"), ["--node-ipc"], {
      execArgv: [],
      stdio: "pipe",
      env: { ...ownEnvironment(), ...(tempFolder !== undefined && { TMPDIR: tempFolder, TEMP: tempFolder }) },
    });
    const connection = createProtocolConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
    const server = new TestServer(child, connection);
    connection.onNotification(notifications.snapshot.method, (params: { uri: string; snapshot: EditorSnapshot }) => {
      server.snapshots.push({ ...params, at: Date.now() });
      for (const look of server.waiting) look();
    });
    connection.onNotification("window/logMessage", ({ message }: { message: string }) => {
      server.log.push(message);
    });
    // What the server notifies of besides is not this driver's.
    connection.onUnhandledNotification(() => undefined);
    connection.listen();
    const initializationOptions: InitializationOptions = {
      trusted: options.trusted ?? true,
      cacheFolder: options.cacheFolder,
      settings: { ...testSettings, ...options.settings },
    };
    await connection.sendRequest(InitializeRequest.type, {
      processId: process.pid,
      rootUri: null,
      capabilities: {},
      workspaceFolders: [options.folder, ...(options.otherFolders ?? [])].map((folder) => ({
        uri: uriOf(folder),
        name: path.basename(folder),
      })),
      initializationOptions,
    });
    await connection.sendNotification(InitializedNotification.type, {});
    return server;
  }

  /** @throws the server's error: a ResponseError with code, slug and remedy in `data` */
  request<P, R>(method: Method<P, R>, params: P): Promise<R> {
    return this.connection.sendRequest<R>(method.method, params);
  }

  /** Calls back with each notification of a kind. */
  on<P>(method: Method<P>, listener: (params: P) => void): void {
    this.connection.onNotification(method.method, listener);
  }

  open(model: string, choices: ModelChoices = {}, restarted = false): Promise<EditorSnapshot> {
    return this.request(requests.openModel, { uri: uriOf(model), choices, restarted });
  }

  /** Snapshots of a model that the server told of, oldest first. */
  told(model: string): readonly EditorSnapshot[] {
    return this.snapshots.filter(({ uri }) => uri === uriOf(model)).map(({ snapshot }) => snapshot);
  }

  /**
   * Waits for a snapshot of a model with this property; the last one that came before counts too.
   * @param after only snapshots that came after this many of all models
   */
  async until(
    model: string,
    holds: (snapshot: EditorSnapshot) => boolean,
    { after = Math.max(0, this.lastIndex(model)) }: { readonly after?: number } = {},
  ): Promise<EditorSnapshot> {
    const uri = uriOf(model);
    const find = () => this.snapshots.slice(after).find((one) => one.uri === uri && holds(one.snapshot))?.snapshot;
    const found = find();
    if (found) return found;
    return new Promise<EditorSnapshot>((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        this.waiting.delete(look);
        settle();
      };
      const look = () => {
        const snapshot = find();
        if (snapshot) end(() => resolve(snapshot));
      };
      const timer = setTimeout(() => {
        const last = this.told(model).at(-1);
        const state = JSON.stringify({ ...last, layers: last?.layers.slice(0, 1), profiles: undefined });
        end(() => reject(new Error(`Not within ${waitMs / 1000} s: ${holds}\nThe last snapshot: ${state}`)));
      }, waitMs);
      this.waiting.add(look);
    });
  }

  /** How many snapshots there are: for `until` with what comes from now on. */
  get now(): number {
    return this.snapshots.length;
  }

  /** A person opens a profile or a plan in a text editor. */
  async openText(file: string, text: string): Promise<void> {
    this.versions.set(file, 1);
    const textDocument = { uri: uriOf(file), languageId: "jsonc", version: 1, text };
    await this.connection.sendNotification(DidOpenTextDocumentNotification.type, { textDocument });
  }

  /** Its text becomes another, not saved. */
  async typeText(file: string, text: string): Promise<void> {
    const version = (this.versions.get(file) ?? 0) + 1;
    this.versions.set(file, version);
    const textDocument = { uri: uriOf(file), version };
    await this.connection.sendNotification(DidChangeTextDocumentNotification.type, {
      textDocument,
      contentChanges: [{ text }],
    });
  }

  async closeText(file: string): Promise<void> {
    const textDocument = { uri: uriOf(file) };
    await this.connection.sendNotification(DidCloseTextDocumentNotification.type, { textDocument });
  }

  /** Tells that files came, changed or went, as the editor's watchers do. */
  async filesChanged(type: FileChangeType, ...files: readonly string[]): Promise<void> {
    const changes = files.map((file) => ({ uri: uriOf(file), type }));
    await this.connection.sendNotification(DidChangeWatchedFilesNotification.type, { changes });
  }

  get pid(): number {
    return this.process.pid ?? -1;
  }

  /** The processes in which models are run. */
  get engines(): readonly number[] {
    return descendants(this.pid);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
    this.connection.dispose();
  }

  /** Ends it as an editor does that closes. */
  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, "exit");
    await this.connection.sendRequest(ShutdownRequest.type);
    await this.connection.sendNotification(ExitNotification.type);
    await ended;
    this.connection.dispose();
  }

  private lastIndex(model: string): number {
    return this.snapshots.findLastIndex(({ uri }) => uri === uriOf(model));
  }
}

/** This process's, without what tests may have set in it that a user's has not. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("ORT_")));
}

export function uriOf(file: string): string {
  return pathToFileURL(file).href;
}

/** The server and its engine, built from the sources as they are. */
export interface ServerBuild {
  readonly folder: string;
  remove(): void;
}

/** Builds into a folder of this run, below the root, where ONNX Runtime is found. */
export async function buildServer(): Promise<ServerBuild> {
  mkdirSync(path.join(root, "dist-test"), { recursive: true });
  const folder = mkdtempSync(path.join(root, "dist-test/server-"));
  const { server, engine, computeThread, queueDriver } = nodeEntries;
  await esbuild.build({
    ...nodeBuild({ outdir: folder }),
    entryPoints: { server, engine, computeThread, queueDriver },
  });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
