import path from "node:path";
import type { FileEvent, TextDocuments } from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { SigmaQuantError } from "../core/errors.ts";
import { defaultPlanPath } from "../node/quantizeToFiles.ts";
import type { DevicesSnapshot } from "../protocol/devices.ts";
import type { EditorSnapshot } from "../protocol/editor.ts";
import type { InitializationOptions, ModelChoices, ServerSettings } from "../protocol/requests.ts";
import { AnalysisCache } from "./analysisCache.ts";
import { Comparisons } from "./devices/comparisons.ts";
import { changedFiles } from "./fileEvents.ts";
import type { LanguageHost } from "./language/host.ts";
import { ModelList } from "./modelList.ts";
import { ModelSession } from "./session.ts";
import type { SessionHost } from "./sessionHost.ts";
import { Texts } from "./texts.ts";
import { normalUri, pathOf, uriOf } from "./uris.ts";
import { Workspace } from "./workspace.ts";

export interface ServerInput {
  readonly options: InitializationOptions;
  readonly folders: readonly string[];
  readonly documents: TextDocuments<TextDocument>;
  readonly engineFile: string;
  readonly publish: (uri: string, snapshot: EditorSnapshot) => void;
  readonly publishDevices: (id: string, snapshot: DevicesSnapshot) => void;
  readonly modelsChanged: () => void;
  readonly log: (line: string) => void;
}

/** Typing waits this long before models are allocated anew. */
const typingMs = 40;
/** What the server keeps: the workspace, and a session for each model that is open. */
export class Server {
  readonly workspace: Workspace;
  readonly texts: Texts;
  readonly models: ModelList;
  readonly comparisons: Comparisons;
  private readonly sessions = new Map<string, ModelSession>();
  private readonly host: SessionHost;
  private settings: ServerSettings;
  private trusted: boolean;
  private typingTimer: NodeJS.Timeout | undefined;

  constructor(private readonly input: ServerInput) {
    const { options } = input;
    this.texts = new Texts(input.documents);
    this.settings = options.settings;
    this.trusted = options.trusted;
    const workspace = new Workspace(input.folders, (written) => this.scanned(written));
    this.workspace = workspace;
    this.models = new ModelList(workspace, this.texts, (uri) => this.sessions.get(normalUri(uri))?.view);
    this.host = {
      engineFile: input.engineFile,
      cache: new AnalysisCache(path.join(options.cacheFolder, "analyses")),
      texts: this.texts,
      trusted: () => this.trusted,
      settings: () => this.settings,
      files: () => workspace.files,
      folders: () => workspace.folders,
      profiles: () => workspace.profiles(),
      sampleSets: () => workspace.sampleSets(),
      planUri: (model) => uriOf(defaultPlanPath(model)),
      publish: input.publish,
      verdictChanged: input.modelsChanged,
      log: input.log,
    };
    this.comparisons = new Comparisons(this.host, options.cacheFolder, input.publishDevices);
  }

  /** What the features for texts of profiles and plans look at. */
  get language(): LanguageHost {
    return {
      texts: this.texts,
      sessions: () => [...this.sessions.values()].reverse(),
      files: () => this.workspace.files,
      log: this.input.log,
    };
  }

  // What changes around the models -----------------------------------------------------------------------------------

  filesChanged(changes: readonly FileEvent[]): void {
    const open = [...[...this.sessions.values()].map((session) => session.path), ...this.texts.files];
    const files = changes.flatMap((change) => changedFiles(change, this.workspace.files, open));
    for (const file of files) {
      void this.sessions.get(normalUri(uriOf(file)))?.fileChanged();
      this.texts.fileChanged(file);
    }
    this.workspace.filesChanged(files);
  }

  /** A profile or a plan was opened, typed in, or closed. */
  textChanged(uri: string): void {
    this.texts.textChanged(uri);
    clearTimeout(this.typingTimer);
    this.typingTimer = setTimeout(() => {
      for (const session of this.sessions.values()) void session.textsChanged();
      this.comparisons.textsChanged();
      this.input.modelsChanged();
    }, typingMs);
  }

  setTrusted(trusted: boolean): void {
    this.trusted = trusted;
    for (const session of this.sessions.values()) void session.reopen();
    this.comparisons.reopen();
  }

  setSettings(settings: ServerSettings): void {
    const figures = ({ dims, inputs, recovery, samples }: ServerSettings) =>
      JSON.stringify([dims, inputs, recovery, samples]);
    const other = figures(settings) !== figures(this.settings);
    this.settings = settings;
    for (const session of this.sessions.values()) void (other ? session.reopen() : session.settingsChanged());
    if (other) this.comparisons.reopen();
    else this.comparisons.textsChanged();
  }

  // Models -----------------------------------------------------------------------------------------------------------

  async openModel(uri: string, choices: ModelChoices, restarted: boolean): Promise<EditorSnapshot> {
    const key = normalUri(uri);
    const open = this.sessions.get(key);
    if (open) {
      await open.setChoices(choices);
      return open.snapshot();
    }
    const file = pathOf(uri);
    if (file === undefined) {
      throw new SigmaQuantError("SQ1101", "virtual-file", "The model is not a file on this machine", {
        remedy: "Copy it to a folder on disk",
        place: { file: uri },
      });
    }
    // Known at once: who asks for the model in the meantime, be it to close it, finds it.
    const session = new ModelSession(uri, file, choices, this.host, restarted);
    this.sessions.set(key, session);
    await this.workspace.find();
    return session.open();
  }

  async closeModel(uri: string): Promise<void> {
    const key = normalUri(uri);
    const session = this.sessions.get(key);
    this.sessions.delete(key);
    await session?.close();
  }

  /** A model's editor came to the front: figures beside a profile are of it. */
  activate(uri: string): void {
    const key = normalUri(uri);
    const session = this.sessions.get(key);
    if (!session) return;
    // The order in which they were last in use.
    this.sessions.delete(key);
    this.sessions.set(key, session);
  }

  /** @throws SigmaQuantError SQ1102 for a model that is not open */
  session(uri: string): ModelSession {
    const session = this.sessions.get(normalUri(uri));
    if (!session) {
      throw new SigmaQuantError("SQ1102", "model-not-open", "The model is not open", {
        remedy: "Open it, and try again",
        place: { file: uri },
      });
    }
    return session;
  }

  /** The session of a model, once its bits are known or won't be: for what is asked of a plan right after opening. */
  async known(uri: string): Promise<ModelSession> {
    const session = this.session(uri);
    await session.known();
    return session;
  }

  /** The session of a model, opened if it is not yet (a command from the explorer). */
  async ready(uri: string): Promise<ModelSession> {
    if (!this.sessions.has(normalUri(uri))) await this.openModel(uri, {}, false);
    return this.session(uri);
  }

  dispose(): void {
    clearTimeout(this.typingTimer);
    this.workspace.dispose();
    for (const session of this.sessions.values()) void session.close();
    this.comparisons.dispose();
  }

  private async scanned(written: readonly string[]): Promise<void> {
    this.input.modelsChanged();
    await Promise.all(
      [...this.sessions.values()].map(async (session) => {
        await session.textsChanged();
        await session.setsChanged(written);
      }),
    );
    await this.comparisons.filesChanged(written);
  }
}
