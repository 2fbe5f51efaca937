import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { SigmaQuantError } from "../core/errors.ts";
import type { Resource } from "../core/hardware/profile.ts";
import { discoverLayers } from "../core/model/discover.ts";
import { factsOf } from "../core/pipeline/facts.ts";
import { EngineClient, EngineCrash } from "../node/engineClient.ts";
import { fileHash } from "../node/files.ts";
import { type ModelFile, openModelFile } from "../node/openModel.ts";
import { profileSlug } from "../node/profileSlug.ts";
import { outputFiles } from "../node/quantizeToFiles.ts";
import type { EditorSnapshot, WeightHistogram, Work } from "../protocol/editor.ts";
import type { ModelChoices, PlanEdit, QuantizeParams, QuantizeResult, TextChange } from "../protocol/requests.ts";
import { Analyzer } from "./analyzer.ts";
import { decideJob } from "./decideJob.ts";
import { type Displayed, isCurrent, plannedBits } from "./displayed.ts";
import { histogramOf } from "./histogram.ts";
import { maxDropInForce, strategyInForce } from "./inForce.ts";
import { Cancelled, type CancelReason, JobQueue } from "./jobQueue.ts";
import { Outlook } from "./outlook.ts";
import { noProfile } from "./planEdits.ts";
import { quantizeSession } from "./quantizeSession.ts";
import { dropStale, forgetFile, keepStale } from "./replaced.ts";
import { runtimeProblem } from "./runtime.ts";
import { failureOf, fatalOf, modelChanged, notTrusted } from "./sessionErrors.ts";
import type { SessionHost } from "./sessionHost.ts";
import { profileChoice, readActivePlan, readActiveProfile } from "./sessionProfile.ts";
import { newState, type SessionState } from "./sessionState.ts";
import { forgetSkipped } from "./skipped.ts";
import { slotsOf, snapshotOf } from "./snapshot.ts";

/**
 * Snapshots follow one another at most this often; what happens in between is in the next one. A snapshot is whole, so that of a
 * large model costs more: 20 µs a layer keeps what is sent at a bearable rate.
 */
const publishEveryMs = 40;
const publishMsPerLayer = 0.02;
/** A decision runs the network; it waits until a person stops typing. */
const decideAfterMs = 1200;

/** One open model: analyzes it, allocates bits, and tells the page what it knows after every change. */
export class ModelSession {
  readonly state: SessionState;
  private readonly engine: EngineClient;
  private readonly analyzer: Analyzer;
  private readonly outlook: Outlook;
  private readonly jobs: JobQueue<Work["kind"]>;
  private file: ModelFile | undefined;
  /**
   * Starts at the clock: snapshots of a session that is opened again, or in a server after this one, are newer than those before. Within
   * a process it never goes back, whatever is done to the machine's clock.
   */
  private sequence = Math.floor(performance.timeOrigin + performance.now());
  private publishTimer: NodeJS.Timeout | undefined;
  private decideTimer: NodeJS.Timeout | undefined;
  /** Of the file as it was opened. */
  private stamp = "";
  private looking: Promise<void> = Promise.resolve();
  private reading: Promise<void> = Promise.resolve();
  /** Told of the next change of what is known. */
  private waiting: (() => void)[] = [];
  private lastPublish = 0;
  /** Shapes and samples are known; cleared when the file or what may be run changes. */
  private prepared = false;
  private closed = false;
  private readonly opened: Promise<void>;
  private tellOpened: () => void = () => undefined;

  /** @param restarted the server before this one died: what it had kept is told, and nothing is run without being asked */
  constructor(
    readonly uri: string,
    readonly path: string,
    choices: ModelChoices,
    private readonly host: SessionHost,
    private restarted: boolean,
  ) {
    this.state = newState(fileNameOf(path), choices);
    this.opened = new Promise((resolve) => {
      this.tellOpened = resolve;
    });
    this.engine = new EngineClient(host.engineFile, host.log);
    const changes = { refresh: () => this.refresh(), publish: () => this.publish() };
    this.analyzer = new Analyzer(path, this.state, host, this.engine, changes);
    this.outlook = new Outlook(this.state, host.settings);
    this.jobs = new JobQueue(
      (kind, error, cancelled) => this.jobFailed(kind, error, cancelled),
      () => {
        delete this.state.work;
        this.publish();
      },
    );
  }

  /** Opens the file; what needs time goes on in the background and is published as it comes. */
  async open(): Promise<EditorSnapshot> {
    // A job, as the file may be seen to change before it is open: one opens it at a time.
    await this.jobs.run("open", () => this.load());
    void this.analyzeInBackground();
    // With the next job at work: whoever waits for what it finds does not take the pause for the end.
    this.tellOpened();
    return this.snapshot();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.publishTimer);
    clearTimeout(this.decideTimer);
    this.jobs.cancel("closed");
    await this.analyzer.save();
    this.engine.dispose();
    await this.file?.close();
  }

  async setChoices(choices: ModelChoices): Promise<void> {
    const before = this.state.choices;
    this.state.choices = choices;
    if (choices.profile !== before.profile) this.state.whatIf.clear();
    await this.textsChanged();
    if (choices.calibration === before.calibration && choices.evaluation === before.evaluation) return;
    await this.reopen();
  }

  /** Settings changed that no figures depend on: which device it is, and which samples. */
  async settingsChanged(): Promise<void> {
    await this.textsChanged();
    await this.setsChanged([]);
  }

  /** The model's file may have been changed on disk. Events come in bursts: one look follows the other. */
  fileChanged(): Promise<void> {
    this.looking = this.looking.then(() => this.lookAtFile());
    return this.looking;
  }

  /** Trust or the assumed dimensions changed: what was run is run anew, what is cached is taken. */
  async reopen(): Promise<void> {
    this.prepared = false;
    // A run to files that somebody waits for goes on with what it began with.
    this.jobs.cancel("replaced", "quantize");
    await this.jobs.settled();
    this.prepared = false;
    await this.analyzeInBackground();
  }

  /** Resolves when bits can be told, or nothing is at work that would bring them. */
  known(): Promise<void> {
    return this.when(() => this.view !== undefined);
  }

  /** Resolves when something is known, or nothing is at work that would tell it. */
  private async when(isKnown: () => boolean): Promise<void> {
    await this.opened;
    while (!isKnown() && this.jobs.busy) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Resolves when no job is at work any more. */
  settled(): Promise<void> {
    return this.jobs.settled();
  }

  /** Texts that the session depends on may have changed: profile, plan, or which of them are there. */
  textsChanged(): Promise<void> {
    // One look after the other: an earlier one that takes longer would have the last word.
    this.reading = this.reading.catch(() => undefined).then(() => this.readTexts());
    return this.reading;
  }

  private async readTexts(): Promise<void> {
    const { state, host } = this;
    const { plan, problem: planProblem } = await readActivePlan(this.path, host.texts);
    const setting = host.settings().profile;
    const chosen = state.choices.profile;
    const choice = profileChoice(chosen, setting, plan, this.path, host.files(), host.folders());
    // A setting stands where it is not seen; of what was chosen here the list shows that it is gone.
    const asked = chosen === undefined && setting !== "";
    const { profile, problem, gone } =
      choice === undefined ? {} : await readActiveProfile(choice, this.path, host.texts, asked);
    delete state.plan;
    delete state.planProblem;
    delete state.profileProblem;
    if (plan) state.plan = plan;
    if (planProblem) state.planProblem = planProblem;
    if (problem) state.profileProblem = problem;
    // A slip while typing keeps the device as it was; a profile that is gone takes it away.
    if (profile) state.profile = profile;
    else if (!problem || gone) delete state.profile;
    this.refresh();
    this.decideSoon();
  }

  /** Measures what is not measured yet, and decides. */
  async analyze(): Promise<void> {
    // Asked for anew, and not to go on: what was left out is tried again.
    if (!this.state.restarted) forgetSkipped(this.state);
    delete this.state.stopped;
    delete this.state.restarted;
    delete this.state.failure;
    this.restarted = false;
    await this.jobs.run("analyze", async (signal) => {
      if (!this.prepared) await this.prepare(signal);
      await this.analyzer.weights(signal);
      if (!this.host.trusted()) return;
      await this.analyzer.measure(signal);
      await this.analyzer.decide(signal);
    });
  }

  cancel(): void {
    this.jobs.cancel("cancelled");
  }

  /** @throws SQ1103 in Restricted Mode, SQ5302 without a device, the runtime's error where there is none, what the run throws */
  async quantize(params: QuantizeParams, signal: AbortSignal): Promise<QuantizeResult> {
    const { state } = this;
    if (!this.host.trusted()) throw notTrusted();
    if (state.noRuntime) throw state.noRuntime;
    await this.textsChanged();
    if (!state.profile) throw noProfile();
    // Asked before anything is run, and not after minutes.
    const files = outputFiles(this.path, undefined, profileSlug(state.profile.ref));
    // A plan that the run follows keeps its bits; any other is replaced as the other files are.
    const replaced = [files.model, files.report, files.csv, ...(isCurrent(state) ? [] : [files.plan])];
    const there = params.overwrite ? [] : replaced.filter((file) => existsSync(file));
    if (there.length > 0) return { kind: "exists", files: there };
    this.jobs.cancel("replaced");
    const run = async (own: AbortSignal): Promise<QuantizeResult> => {
      if (!this.prepared) await this.prepare(own);
      dropStale(state);
      const planned = plannedBits(state);
      const maxDrop = maxDropInForce(state);
      const result = await quantizeSession(
        {
          state,
          engine: this.engine,
          modelPath: this.path,
          files,
          job: decideJob(state, this.host.settings(), this.analyzer.source),
          planned,
          ...(maxDrop !== undefined && { maxDrop }),
        },
        this.analyzer.listen("quantize"),
        own,
      );
      state.comparison = result.comparison;
      return result;
    };
    this.restarted = false;
    delete state.failure;
    const result = await this.jobs.runOrThrow("quantize", run, signal).catch((error: unknown) => {
      throw error instanceof Cancelled && error.reason === "changed" ? modelChanged(this.path) : error;
    });
    await this.textsChanged();
    // What the run took the place of: the table wants its figures, too.
    void this.analyzeInBackground();
    return result;
  }

  async histogram(layer: string): Promise<WeightHistogram> {
    // A page that comes back with the window asks for it at once.
    await this.when(() => this.state.prepared !== undefined);
    const { prepared } = this.state;
    const site = prepared?.discovery.sites.get(layer);
    if (!prepared || !site) {
      throw new SigmaQuantError("SQ5001", "unknown-layer", `The model has no layer ${layer}`, {
        remedy: "Choose one of the layers shown",
      });
    }
    return histogramOf(prepared.model.tensors, site, slotsOf(this.state, this.host.settings().bits));
  }

  async editPlan(edit: PlanEdit): Promise<TextChange> {
    // The edit before this one is in the text already, and perhaps not yet in what is shown.
    await this.textsChanged();
    return this.outlook.edited(edit, this.host.planUri(this.path));
  }

  planText(): TextChange {
    return this.outlook.plan(this.host.planUri(this.path));
  }

  tryBudget(resource: Resource, limit: number | null | undefined): void {
    this.tryBudgets(new Map([[resource, limit]]));
  }

  /** @param limits null = none, undefined = the profile's */
  tryBudgets(limits: ReadonlyMap<Resource, number | null | undefined>): void {
    const { whatIf, profile } = this.state;
    for (const [resource, limit] of limits) {
      const isProfiles = (limit ?? undefined) === profile?.limits[resource];
      if (limit === undefined || isProfiles) whatIf.delete(resource);
      else whatIf.set(resource, limit);
    }
    this.refresh();
  }

  resetWhatIf(): void {
    this.state.whatIf.clear();
    this.refresh();
  }

  /** What is shown at the moment, for exports and the workspace's list. */
  get view(): Displayed | undefined {
    return this.outlook.displayed;
  }

  snapshot(): EditorSnapshot {
    const { settings, trusted, profiles, sampleSets } = this.host;
    const maxDrop = maxDropInForce(this.state);
    return snapshotOf(++this.sequence, this.state, this.outlook.displayed, {
      trusted: trusted(),
      profiles: profiles(),
      sampleSets: sampleSets(),
      bits: settings().bits,
      strategy: strategyInForce(this.state, settings()),
      ...(maxDrop !== undefined && { maxDrop }),
      now: Date.now(),
    });
  }

  /** Sample sets came or went, or one of them was written. @param written paths of those */
  async setsChanged(written: readonly string[]): Promise<void> {
    if (this.state.fatal || this.closed) return;
    if (this.analyzer.setsOutdated || written.some((file) => this.analyzer.usesSet(file))) await this.reopen();
  }

  private async lookAtFile(): Promise<void> {
    const hash = await fileHash(this.path).catch(() => undefined);
    const { state, analyzer } = this;
    if (this.closed || (hash !== undefined && hash === state.modelHash)) return;
    // A file that was just written is told of when it is open already.
    if (state.modelHash === undefined && (await stampOf(this.path)) === this.stamp) return;
    this.jobs.cancel("changed");
    let stale = false;
    await this.jobs.runSurely("open", async (signal) => {
      if (this.closed) return;
      // In the job, so that no other reads the file while it is closed and opened again.
      const before = forgetFile(state);
      const at = Date.now();
      this.prepared = false;
      await this.load();
      if (state.fatal) return;
      try {
        await this.prepare(signal);
        await analyzer.weights(signal);
      } finally {
        stale = keepStale(state, before, at);
      }
    });
    if (state.fatal || this.closed) return;
    this.refresh();
    if (!stale) void this.analyzeInBackground();
  }

  /** The graph alone: layers and sizes as the file has them, no weight read. */
  private async load(): Promise<void> {
    const { state } = this;
    delete state.fatal;
    try {
      await this.file?.close();
      this.stamp = await stampOf(this.path);
      this.file = await openModelFile(this.path);
      if (this.closed) await this.file.close();
      const { model } = this.file;
      const discovery = await discoverLayers(model);
      state.layers = discovery.layers;
      state.facts = factsOf({ model, discovery });
    } catch (error) {
      state.fatal = fatalOf(error, state.fileName);
      this.publish();
      return;
    }
    await this.textsChanged();
  }

  private async prepare(signal: AbortSignal): Promise<void> {
    if (this.file) await this.analyzer.prepare(this.file.model, signal);
    try {
      await this.analyzer.chooseSets(signal);
    } catch (error) {
      // What is known without samples is shown all the same.
      await this.analyzer.weights(signal);
      throw error;
    }
    this.prepared = true;
    if (!(await this.analyzer.readCache())) return;
    if (this.restarted) this.state.restarted = this.analyzer.pairs;
    this.refresh();
  }

  /** Whatever is not known yet, as far as it may be run without being asked. */
  private async analyzeInBackground(): Promise<void> {
    const { state, analyzer } = this;
    if (state.fatal) return;
    await this.jobs.run("open", async (signal) => {
      if (this.closed) return;
      if (!this.prepared) await this.prepare(signal);
      await analyzer.weights(signal);
      const real = state.calibration?.facts?.synthetic === false;
      if (!this.host.trusted() || state.noRuntime || !real || this.restarted) return;
      await analyzer.measure(signal);
      await analyzer.decide(signal);
    });
  }

  /** After the profile, a pin or a target changed: the search runs again once things are quiet. */
  private decideSoon(): void {
    clearTimeout(this.decideTimer);
    if (this.closed || !this.host.trusted() || !this.analyzer.outdated) return;
    this.decideTimer = setTimeout(() => {
      if (this.closed || this.jobs.busy) return;
      void this.jobs.run("allocate", (signal) => this.analyzer.decide(signal));
    }, decideAfterMs);
  }

  private refresh(): void {
    const before = this.view?.verdict.headline;
    this.outlook.refresh();
    if (this.view?.verdict.headline !== before) this.host.verdictChanged();
    this.publish();
  }

  private jobFailed(kind: Work["kind"], error: unknown, cancelled: CancelReason | undefined): void {
    const { state, host } = this;
    if (this.closed) return;
    if (cancelled !== undefined) {
      if (cancelled === "cancelled") this.tellStopped(kind);
    } else if (error instanceof EngineCrash) {
      const { item: layer } = error.place;
      state.restarted = { ...this.analyzer.pairs, ...(layer !== undefined && { layer }) };
      if (layer === undefined) delete state.crashedAt;
      else state.crashedAt = layer;
    }
    // A runtime that is missing has a notice of its own.
    else if (!runtimeProblem(error)) state.failure = failureOf(error);
    if (cancelled === undefined)
      host.log(`${kind} of ${state.fileName} failed: ${error instanceof Error ? error.stack : error}`);
    void this.analyzer.save();
  }

  /** How far it got; a run to files may have taken the place of an analysis that is then not complete. */
  private tellStopped(kind: Work["kind"]): void {
    const { kept, total } = this.analyzer.pairs;
    const { work } = this.state;
    if (kind === "quantize") {
      if (kept < total) this.state.stopped = { stage: "Measuring", done: kept, total };
    } else if (work && work.total > 0) {
      const { stage, done, total } = work;
      this.state.stopped = { stage, done, total };
    }
  }

  private publish(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const tell of waiting) tell();
    // Before the file is open there is nothing to show.
    const { facts, fatal } = this.state;
    if (this.publishTimer !== undefined || this.closed || (!facts && !fatal)) return;
    const pause = publishEveryMs + publishMsPerLayer * this.state.layers.length;
    const wait = Math.max(0, this.lastPublish + pause - performance.now());
    this.publishTimer = setTimeout(() => {
      this.publishTimer = undefined;
      this.lastPublish = performance.now();
      this.host.publish(this.uri, this.snapshot());
    }, wait);
  }
}

/** Differs when a file was written in between, or is another; empty without a file. */
async function stampOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined);
  return found === undefined ? "" : `${found.mtimeMs} ${found.size} ${found.ino}`;
}

function fileNameOf(file: string): string {
  return path.basename(file);
}
