import path from "node:path";
import type { FileEvent, TextDocuments } from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { SigmaQuantError } from "../core/errors.ts";
import { type Budgets, type Resource, resources } from "../core/hardware/profile.ts";
import { csvReport } from "../core/plan/csv.ts";
import { modelExplorerData } from "../core/plan/modelExplorer.ts";
import { parsePlan } from "../core/plan/planFile.ts";
import { markdownReport } from "../core/plan/report.ts";
import { averageBits } from "../core/plan/summary.ts";
import { listPresets, loadProfile, presetSource } from "../node/profiles.ts";
import { defaultPlanPath } from "../node/quantizeToFiles.ts";
import type { DevicesSnapshot } from "../protocol/devices.ts";
import type { Choice, EditorSnapshot } from "../protocol/editor.ts";
import type {
  ExportFormat,
  InitializationOptions,
  ModelChoices,
  ModelSummary,
  NamedModel,
  ServerSettings,
  TextChange,
} from "../protocol/requests.ts";
import { AnalysisCache } from "./analysisCache.ts";
import { Comparisons } from "./devices/comparisons.ts";
import { changedFiles } from "./fileEvents.ts";
import type { LanguageHost } from "./language/host.ts";
import { readPlanText } from "./language/planText.ts";
import { NamedModels } from "./namedModels.ts";
import { withBudgets, withMaxDrop, withWeightBits } from "./profileEdits.ts";
import { ModelSession } from "./session.ts";
import type { SessionHost } from "./sessionHost.ts";
import { Texts } from "./texts.ts";
import { normalUri, pathOf, uriOf } from "./uris.ts";
import { findFiles, folderOf, type WorkspaceFiles } from "./workspaceFiles.ts";

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
/** A burst of file events (a checkout, a build) is looked at once. */
const scanMs = 200;

/** What the server keeps: the workspace's files, and a session for each model that is open. */
export class Server {
  readonly comparisons: Comparisons;
  private readonly sessions = new Map<string, ModelSession>();
  private readonly texts: Texts;
  private readonly host: SessionHost;
  private settings: ServerSettings;
  private trusted: boolean;
  private folders: readonly string[];
  private found: WorkspaceFiles = { models: [], profiles: [], plans: [], sampleSets: [] };
  private typingTimer: NodeJS.Timeout | undefined;
  private scanTimer: NodeJS.Timeout | undefined;
  /** Paths of files that changed since the last scan. */
  private readonly written = new Set<string>();

  constructor(private readonly input: ServerInput) {
    const { options } = input;
    this.texts = new Texts(input.documents);
    this.settings = options.settings;
    this.trusted = options.trusted;
    this.folders = pathsOf(input.folders);
    this.host = {
      engineFile: input.engineFile,
      cache: new AnalysisCache(path.join(options.cacheFolder, "analyses")),
      texts: this.texts,
      trusted: () => this.trusted,
      settings: () => this.settings,
      files: () => this.found,
      folders: () => this.folders,
      profiles: () => this.profileChoices(),
      sampleSets: () => this.found.sampleSets.map((file) => this.choice(file, file)),
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
      files: () => this.found,
      log: this.input.log,
    };
  }

  // Workspace --------------------------------------------------------------------------------------------------------

  /** Looks for models, profiles, plans and sample sets anew. */
  async scan(): Promise<void> {
    this.found = await findFiles(this.folders);
    this.input.modelsChanged();
    const written = [...this.written];
    this.written.clear();
    await Promise.all(
      [...this.sessions.values()].map(async (session) => {
        await session.textsChanged();
        await session.setsChanged(written);
      }),
    );
    await this.comparisons.filesChanged(written);
  }

  foldersChanged(added: readonly string[], removed: readonly string[]): void {
    const gone = new Set(pathsOf(removed));
    this.folders = [...this.folders.filter((folder) => !gone.has(folder)), ...pathsOf(added)];
    void this.scan();
  }

  filesChanged(changes: readonly FileEvent[]): void {
    const open = [...[...this.sessions.values()].map((session) => session.path), ...this.texts.files];
    for (const file of changes.flatMap((change) => changedFiles(change, this.found, open))) {
      void this.sessions.get(normalUri(uriOf(file)))?.fileChanged();
      this.texts.fileChanged(file);
      this.written.add(file);
    }
    if (this.written.size === 0) return;
    clearTimeout(this.scanTimer);
    this.scanTimer = setTimeout(() => void this.scan(), scanMs);
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

  async models(): Promise<readonly ModelSummary[]> {
    return Promise.all(this.found.models.map((file) => this.summary(file)));
  }

  /** @param uri of the text that has the names */
  async namedModels(uri: string, names: readonly string[]): Promise<readonly NamedModel[]> {
    const { models, plans } = this.found;
    const named = new NamedModels({ document: pathOf(uri), folders: this.folders, models });
    // A plan whose file is gone may be open in an editor all the same.
    const saved = new Set(plans);
    const summaries = new Map<string, Promise<ModelSummary>>();
    const found = names.map(async (name): Promise<NamedModel | undefined> => {
      const file = named.find(name);
      if (file === undefined || !saved.has(defaultPlanPath(file))) return undefined;
      const summary = summaries.get(file) ?? this.summary(file);
      summaries.set(file, summary);
      const { uri: model, name: fileName, planUri, headline, feasible, averageBits: bits } = await summary;
      if (planUri === undefined || headline === undefined) return undefined;
      const average = bits ? `, ${bits.toFixed(1)} bits on average` : "";
      return { name, uri: model, model: fileName, title: `$(${feasible ? "pass" : "error"}) ${headline}${average}` };
    });
    return (await Promise.all(found)).flatMap((each) => each ?? []);
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
    if (this.found.models.length === 0 && this.found.profiles.length === 0) this.found = await findFiles(this.folders);
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
    clearTimeout(this.scanTimer);
    for (const session of this.sessions.values()) void session.close();
    this.comparisons.dispose();
  }

  // Plans and profiles -----------------------------------------------------------------------------------------------

  async planLine(uri: string, layer: string): Promise<{ readonly uri: string; readonly line: number }> {
    const { text, uri: planUri } = this.session(uri).planText();
    const plan = readPlanText(text);
    const entry = plan.entryOf(layer);
    const offset = entry ? plan.place(entry, "name").offset : 0;
    return { uri: planUri, line: text.slice(0, offset).split("\n").length - 1 };
  }

  async writeToProfile(uri: string): Promise<TextChange> {
    const { state } = this.session(uri);
    const { text, uri: profileUri } = await this.profileText(uri);
    return { uri: profileUri, text: withBudgets(text, state.whatIf) };
  }

  /** @returns null where no text changes: while limits are tried, others are tried in their place */
  async applyRemedy(uri: string, index: number): Promise<TextChange | null> {
    const session = this.session(uri);
    const action = session.view?.remedies[index]?.action;
    const { profile, whatIf } = session.state;
    if (action?.kind === "setBudgets" && whatIf.size > 0) {
      session.tryBudgets(limitsOf(action.limits));
      return null;
    }
    const { text, uri: profileUri } = await this.profileText(uri);
    switch (action?.kind) {
      case "setBudgets":
        return { uri: profileUri, text: withBudgets(text, limitsOf(action.limits)) };
      case "allowBits": {
        const bits = [...new Set([...(profile?.profile.weightBits ?? []), action.bits])].sort((a, b) => a - b);
        return { uri: profileUri, text: withWeightBits(text, bits) };
      }
      case "setMaxDrop":
        return { uri: profileUri, text: withMaxDrop(text, action.maxDrop) };
      case undefined:
        throw new SigmaQuantError("SQ5303", "no-such-remedy", "The remedy is not offered any more", {
          remedy: "Choose one of those shown now",
        });
    }
  }

  presets() {
    return listPresets().map(({ name, profile }) => ({
      id: `preset:${name}`,
      name: profile.name,
      description: profile.description ?? "",
    }));
  }

  /** @throws SigmaQuantError SQ1014 for a preset that there is not */
  async presetSource(id: string): Promise<string> {
    await loadProfile(id.startsWith("preset:") ? id : `preset:${id}`);
    return presetSource.presets(id.replace(/^preset:/, "")) ?? "";
  }

  /** A profile of one's own over a preset, with the fields that one sets first. */
  presetText(id: string, name: string): string {
    const body = {
      $schema: "sigmaquant://schemas/hwprofile.json",
      name,
      extends: id,
      accuracy: { maxDropPoints: 1 },
      budgets: { weightMemoryKiB: 64 },
    };
    return `${JSON.stringify(body, null, 2)}\n`;
  }

  exportText(uri: string, format: ExportFormat): { readonly name: string; readonly text: string } {
    const session = this.session(uri);
    const { state } = session;
    const change = session.planText();
    const plan = parsePlan(change.text, change.uri);
    const base = state.fileName.replace(/\.onnx$/i, "");
    switch (format) {
      case "csv":
        return { name: `${base}.csv`, text: csvReport(plan) };
      case "modelExplorer":
        return { name: `${base}.model-explorer.json`, text: modelExplorerData(plan) };
      case "report": {
        const baselines = state.decided?.result.baselines ?? [];
        const notes = state.decided?.result.notes ?? state.prepared?.notes ?? [];
        const floatBytes = state.facts?.floatBytes ?? 0;
        const files = { float: state.fileName, floatBytes };
        return { name: `${base}.report.md`, text: markdownReport({ plan, baselines, stored: [], files, notes }) };
      }
    }
  }

  private async profileText(uri: string): Promise<{ text: string; uri: string }> {
    const { profile } = this.session(uri).state;
    const text = profile?.uri === undefined ? undefined : await this.texts.read(profile.uri);
    if (text === undefined || profile?.uri === undefined) {
      throw new SigmaQuantError("SQ5304", "preset-is-fixed", "A preset's figures can't be changed", {
        remedy: "Make a device profile of your own from it with New Device Profile",
      });
    }
    return { text, uri: profile.uri };
  }

  private async summary(file: string): Promise<ModelSummary> {
    const uri = uriOf(file);
    const name = path.basename(file);
    const view = this.sessions.get(normalUri(uri))?.view;
    const planUri = uriOf(defaultPlanPath(file));
    const text = await this.texts.read(planUri).catch(() => undefined);
    const plan = text === undefined ? undefined : parsed(text);
    if (!plan && !view) return { uri, name };
    const verdict = view?.verdict ?? plan?.verdict;
    const layers = plan?.layers ?? [...(view?.rows.values() ?? [])];
    return {
      uri,
      name,
      ...(plan && { planUri }),
      ...(verdict && { headline: verdict.headline, feasible: verdict.verdict === "feasible" }),
      averageBits: averageBits(layers),
    };
  }

  profileChoices(): readonly Choice[] {
    const own = this.found.profiles.map((file) => this.choice(uriOf(file), file));
    const presets = [...presetSource.presetNames].map(
      (name): Choice => ({ id: `preset:${name}`, label: name, kind: "preset" }),
    );
    return [...own, ...presets];
  }

  private choice(id: string, file: string): Choice {
    const folder = folderOf(file, this.folders);
    const below = path.relative(folder ?? path.dirname(file), path.dirname(file));
    // Of files in two folders with the same names it is told which is which.
    const detail = folder !== undefined && this.folders.length > 1 ? path.join(path.basename(folder), below) : below;
    const label = path.basename(file).replace(/\.hwprofile\.json$/i, "");
    return { id, label, kind: "workspace", ...(detail !== "" && { detail }) };
  }
}

/** Limits by resource, in the order of the program. */
function limitsOf(limits: Budgets): ReadonlyMap<Resource, number> {
  return new Map(resources.flatMap((name) => (limits[name] === undefined ? [] : [[name, limits[name]] as const])));
}

function parsed(text: string) {
  try {
    return parsePlan(text, "plan");
  } catch {
    return undefined;
  }
}

function pathsOf(uris: readonly string[]): string[] {
  return uris.flatMap((uri) => pathOf(uri) ?? []);
}
