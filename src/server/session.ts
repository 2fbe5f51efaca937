import path from "node:path";
import { SigmaQuantError } from "../core/errors.ts";
import type { Bits, Resource } from "../core/hardware/profile.ts";
import { discoverLayers } from "../core/model/discover.ts";
import { DeviceFit } from "../core/pipeline/deviceFit.ts";
import { factsOf } from "../core/pipeline/facts.ts";
import { paretoFront } from "../core/pipeline/front.ts";
import { prepareModel } from "../core/pipeline/prepare.ts";
import {
  defaultBatch,
  defaultCalibrationSamples,
  dropLimitOf,
  maxDropFraction,
  type RunSettings,
} from "../core/pipeline/settings.ts";
import { solveBits } from "../core/pipeline/solveBits.ts";
import type { DecideJob, JobEvent, ModelSource } from "../engine/jobs.ts";
import { fileHash } from "../node/files.ts";
import { type ModelFile, openModelFile } from "../node/openModel.ts";
import type { EditorSnapshot, WeightHistogram, Work } from "../protocol/editor.ts";
import type { ModelChoices, PlanEdit, QuantizeParams, QuantizeResult, TextChange } from "../protocol/requests.ts";
import type { AnalysisKey } from "./analysisCache.ts";
import { setsBeside } from "./defaults.ts";
import { type Displayed, displayedOf, pinsOf, planBits } from "./displayed.ts";
import { EngineClient, EngineCrash } from "./engineClient.ts";
import { histogramOf } from "./histogram.ts";
import { type Losses, lossesOf } from "./losses.ts";
import { applyEdit, noProfile, planText } from "./planEdits.ts";
import { WorkClock } from "./progress.ts";
import { quantizeSession } from "./quantizeSession.ts";
import { runtimeProblem } from "./runtime.ts";
import type { SessionHost } from "./sessionHost.ts";
import { inWorkspace, profileChoice, readActivePlan, readActiveProfile } from "./sessionProfile.ts";
import { newState, type SessionState } from "./sessionState.ts";
import { slotsOf, snapshotOf } from "./snapshot.ts";

/** Snapshots follow one another at most this often; what happens in between is in the next one. */
const publishEveryMs = 40;
/** Measurements are saved this often while they come in, so that an interrupted analysis loses no more. */
const saveEveryMs = 3000;
/** A decision runs the network; it waits until a person stops typing. */
const decideAfterMs = 1200;
/** A frame of the editor: the time that the solver may take while a budget is dragged. */
const frameMs = 16;

/** One open model: analyzes it, allocates bits, and tells the page what it knows after every change. */
export class ModelSession {
  readonly state: SessionState;
  readonly path: string;
  private readonly engine: EngineClient;
  private file: ModelFile | undefined;
  private sequence = 0;
  private publishTimer: NodeJS.Timeout | undefined;
  private decideTimer: NodeJS.Timeout | undefined;
  private lastPublish = 0;
  private losses: Losses | undefined;
  private displayed: Displayed | undefined;
  /** The job at hand; one at a time, a new one waits for or replaces it. */
  private job: { readonly controller: AbortController; readonly done: Promise<void> } | undefined;
  private lastSave = 0;
  private closed = false;

  constructor(
    readonly uri: string,
    modelPath: string,
    choices: ModelChoices,
    private readonly host: SessionHost,
    restarted: boolean,
  ) {
    this.path = modelPath;
    this.state = newState(path.basename(modelPath), choices);
    this.engine = new EngineClient(host.engineFile, host.log);
    this.restarted = restarted;
  }

  private readonly restarted: boolean;

  /** Opens the file; what needs time goes on in the background and is published as it comes. */
  async open(): Promise<EditorSnapshot> {
    await this.load();
    void this.analyzeInBackground();
    return this.snapshot();
  }

  /** The process of the engine, for tests. */
  get enginePid(): number | undefined {
    return this.engine.pid;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.publishTimer);
    clearTimeout(this.decideTimer);
    this.job?.controller.abort(new Error("closed"));
    await this.save();
    this.engine.dispose();
    await this.file?.close();
  }

  async setChoices(choices: ModelChoices): Promise<void> {
    const before = this.state.choices;
    this.state.choices = choices;
    if (choices.profile !== before.profile) this.state.whatIf.clear();
    await this.refreshDevice();
    const sets = choices.calibration !== before.calibration || choices.evaluation !== before.evaluation;
    if (sets) {
      delete this.state.decided;
      await this.analyzeInBackground();
    }
  }

  /** The model's file was changed on disk. */
  async fileChanged(): Promise<void> {
    const before = this.state.statistics;
    const hash = await fileHash(this.path).catch(() => undefined);
    if (hash !== undefined && hash === this.state.modelHash) return;
    this.cancel();
    await this.job?.done;
    this.state.statistics = new Map();
    this.state.measurements = new Map();
    delete this.state.decided;
    delete this.state.comparison;
    const at = Date.now();
    await this.load();
    await this.analyzeWeights();
    const changed = [...this.state.statistics].filter(
      ([name, now]) => before.get(name)?.sigma !== now.sigma || before.get(name)?.max !== now.max,
    );
    this.state.stale = { layers: new Set(changed.map(([name]) => name)), at };
    this.refresh();
  }

  /** Trust or the assumed dimensions changed: everything that was run is run anew, what is cached is taken. */
  async reopen(): Promise<void> {
    this.cancel();
    await this.job?.done;
    await this.analyzeInBackground();
  }

  /** Resolves when no job is at work any more. */
  async settled(): Promise<void> {
    while (this.job) await this.job.done;
  }

  /** Texts that the session depends on may have changed: profile, plan, or which of them are there. */
  async textsChanged(): Promise<void> {
    await this.refreshDevice();
  }

  /** Measures what is not measured yet, and decides. */
  async analyze(): Promise<void> {
    delete this.state.stopped;
    delete this.state.restarted;
    delete this.state.failure;
    await this.runJob("analyze", async (signal) => {
      await this.analyzeWeightsIn(signal);
      if (!this.host.trusted()) return;
      await this.measure(signal, this.state.calibration ?? {});
      await this.decide(signal);
    });
  }

  cancel(): void {
    this.job?.controller.abort(new Error("cancelled"));
  }

  async quantize(params: QuantizeParams, signal: AbortSignal): Promise<QuantizeResult> {
    const { profile, noRuntime } = this.state;
    if (!this.host.trusted()) throw notTrusted();
    if (noRuntime) throw noRuntime;
    if (!profile) throw noProfile();
    this.cancel();
    await this.job?.done;
    let result: QuantizeResult | undefined;
    await this.runJob(
      "quantize",
      async (own) => {
        result = await quantizeSession(
          {
            state: this.state,
            engine: this.engine,
            modelPath: this.path,
            params,
            job: this.decideJob(),
            planned: this.displayed?.fromPlan ? this.displayed.bits : undefined,
            ...(this.maxDrop() !== undefined && { maxDrop: this.maxDrop() as number }),
          },
          this.listen("quantize"),
          own,
        );
        if (result.kind === "done") this.state.comparison = result.comparison;
        await this.refreshDevice();
      },
      signal,
      true,
    );
    if (!result) throw new SigmaQuantError("SQ9001", "no-result", "The run gave no result", { remedy: "Try again" });
    return result;
  }

  async histogram(layer: string): Promise<WeightHistogram> {
    const { prepared } = this.state;
    const site = prepared?.discovery.sites.get(layer);
    if (!prepared || !site) {
      throw new SigmaQuantError("SQ5001", "unknown-layer", `The model has no layer ${layer}`, {
        remedy: "Choose one of the layers shown",
      });
    }
    return histogramOf(prepared.model.tensors, site, slotsOf(this.state, this.host.settings().bits));
  }

  editPlan(edit: PlanEdit): TextChange {
    const { displayed, losses } = this;
    if (!displayed || !losses) throw noProfile();
    const recommended = this.recommended(edit);
    return this.planChange(applyEdit(edit, displayed, recommended, this.state.front));
  }

  /** The plan as it is, or the one that is shown when there is no file yet. */
  planText(): TextChange {
    if (this.state.plan) return { uri: this.state.plan.uri, text: this.state.plan.text };
    if (!this.displayed) throw noProfile();
    return this.planChange({ bits: this.displayed.bits, pinned: this.displayed.pinned });
  }

  tryBudget(resource: Resource, limit: number | null | undefined): void {
    if (limit === undefined || limit === this.state.profile?.limits[resource]) this.state.whatIf.delete(resource);
    else this.state.whatIf.set(resource, limit);
    this.refresh();
  }

  resetWhatIf(): void {
    this.state.whatIf.clear();
    this.refresh();
  }

  /** What is shown at the moment, for exports and the workspace's list. */
  get view(): Displayed | undefined {
    return this.displayed;
  }

  snapshot(): EditorSnapshot {
    const { settings, trusted, profiles, sampleSets } = this.host;
    const maxDrop = this.maxDrop();
    return snapshotOf(++this.sequence, this.state, this.displayed, {
      trusted: trusted(),
      profiles: profiles(),
      sampleSets: sampleSets(),
      bits: settings().bits,
      strategy: this.strategy(),
      ...(maxDrop !== undefined && { maxDrop }),
      now: Date.now(),
    });
  }

  // Opening ----------------------------------------------------------------------------------------------------------

  private async load(): Promise<void> {
    const { state } = this;
    delete state.fatal;
    try {
      await this.file?.close();
      this.file = await openModelFile(this.path);
      const { model } = this.file;
      const discovery = await discoverLayers(model);
      state.layers = discovery.layers;
      state.facts = factsOf({ model, discovery });
    } catch (error) {
      state.fatal = fatalOf(error, state.fileName);
      return;
    }
    await this.refreshDevice();
  }

  private async analyzeInBackground(): Promise<void> {
    if (this.state.fatal) return;
    await this.runJob("open", async (signal) => {
      await this.prepare(signal);
      await this.chooseSets(signal);
      await this.readCache();
      await this.analyzeWeightsIn(signal);
      if (!this.host.trusted() || this.state.noRuntime) return;
      if (this.restarted && this.state.measurements.size === 0) return;
      if (this.state.calibration?.facts && !this.state.calibration.facts.synthetic) {
        await this.measure(signal, this.state.calibration);
        await this.decide(signal);
      }
    });
  }

  private async prepare(signal: AbortSignal): Promise<void> {
    const { state, file } = this;
    if (!file) return;
    const trusted = this.host.trusted();
    if (trusted) await this.checkRuntime(signal);
    const [inferred, hash] = await Promise.all([
      trusted ? this.engine.run("shapes", this.source(), () => {}, signal) : undefined,
      fileHash(this.path, signal),
    ]);
    const prepared = await prepareModel(file.model, { path: this.path, ...(inferred && { inferred }) }, signal);
    state.prepared = prepared;
    state.modelHash = hash;
    state.layers = prepared.discovery.layers;
    state.facts = factsOf(prepared);
    this.refresh();
  }

  /** Tells early, and not after minutes, that models can't be run here. */
  private async checkRuntime(signal: AbortSignal): Promise<void> {
    delete this.state.noRuntime;
    try {
      await this.engine.run("runtime", null, () => {}, signal);
    } catch (error) {
      const problem = runtimeProblem(error);
      if (!problem) throw error;
      this.state.noRuntime = problem;
      this.host.log(`ONNX Runtime can't be used: ${error instanceof Error ? error.message : error}`);
    }
  }

  private async chooseSets(signal: AbortSignal): Promise<void> {
    if (!this.host.trusted()) return;
    const { choices } = this.state;
    const settings = this.host.settings();
    const beside = setsBeside(this.path, this.host.files());
    const folders = this.host.folders();
    const pathFrom = (chosen: string | undefined, setting: string, found: string | undefined) =>
      chosen === "synthetic" ? undefined : (chosen ?? (setting === "" ? found : inWorkspace(setting, folders)));
    const open = async (file: string | undefined) => {
      const facts = await this.engine.run(
        "samples",
        { model: this.source(), set: file === undefined ? {} : { path: file } },
        () => {},
        signal,
      );
      return { ...(file !== undefined && { path: file }), facts };
    };
    const calibration = pathFrom(choices.calibration, settings.calibration, beside.calibration);
    const evaluation = pathFrom(choices.evaluation, settings.evaluation, beside.evaluation);
    delete this.state.calibration;
    delete this.state.evaluation;
    if (calibration !== undefined) this.state.calibration = await open(calibration);
    if (evaluation !== undefined) this.state.evaluation = await open(evaluation);
    this.publish();
  }

  // Analysis ---------------------------------------------------------------------------------------------------------

  private async analyzeWeights(): Promise<void> {
    await this.runJob("analyze", async (signal) => {
      await this.prepare(signal);
      await this.chooseSets(signal);
      await this.analyzeWeightsIn(signal);
    });
  }

  private async analyzeWeightsIn(signal: AbortSignal): Promise<void> {
    const { state } = this;
    const wanted = state.layers.filter(
      ({ floatReason, name }) => floatReason === undefined && !state.statistics.has(name),
    );
    if (wanted.length === 0) return;
    const bits = [...new Set<Bits>([...slotsOf(state, this.host.settings().bits), 8])].sort((a, b) => a - b);
    await this.engine.run("weights", { model: this.source(), bits }, this.listen("analyze"), signal);
    this.refresh();
    await this.save();
  }

  private async measure(signal: AbortSignal, set: NonNullable<SessionState["calibration"]>): Promise<void> {
    const { state } = this;
    const settings = this.host.settings();
    if (set.facts === undefined) {
      const facts = await this.engine.run("samples", { model: this.source(), set: {} }, () => {}, signal);
      state.calibration = { facts };
    }
    const slots = slotsOf(state, settings.bits);
    const quantizable = state.layers.filter((layer) => layer.floatReason === undefined);
    const { samples } = await this.engine.run(
      "measure",
      {
        model: this.source(),
        set: sampleSource(state.calibration),
        bits: new Map(quantizable.map(({ name }) => [name, slots])),
        samples: settings.samples,
        batch: defaultBatch,
        ...this.threads(),
        known: state.measurements,
      },
      this.listen("analyze"),
      signal,
    );
    state.measuredSamples = samples;
    delete state.stale;
    this.refresh();
    await this.save();
  }

  private async decide(signal: AbortSignal): Promise<void> {
    const { state } = this;
    if (!state.profile || !state.calibration?.facts || state.whatIf.size > 0) return;
    const key = this.decisionKey();
    if (state.decided?.key === key) return;
    const began = Date.now();
    const result = await this.engine.run("decide", this.decideJob(), this.listen("allocate"), signal);
    state.decided = { key, seconds: (Date.now() - began) / 1000, result };
    this.refresh();
  }

  /** After the profile, a pin or a target changed: the search runs again once things are quiet. */
  private decideSoon(): void {
    clearTimeout(this.decideTimer);
    const { state } = this;
    if (!state.decided || this.closed || !this.host.trusted() || state.decided.key === this.decisionKey()) return;
    this.decideTimer = setTimeout(() => {
      if (this.job === undefined && !this.closed) void this.runJob("allocate", (signal) => this.decide(signal));
    }, decideAfterMs);
  }

  private decisionKey(): string {
    const { profile, modelHash, calibration, evaluation } = this.state;
    const { settings, profile: device, limits } = this.decideJob();
    const own = { ...settings, pins: [...settings.pins] };
    return JSON.stringify([
      modelHash,
      device,
      limits,
      own,
      calibration?.facts?.hash,
      evaluation?.facts?.hash,
      profile?.ref,
    ]);
  }

  private decideJob(): DecideJob {
    const { state } = this;
    const { profile, modelHash } = state;
    if (!profile || modelHash === undefined) throw noProfile();
    const sameDevice = state.decided?.result.plan.profile === profile.ref && state.decided.result;
    return {
      model: this.source(),
      modelHash,
      profile: profile.profile,
      profileRef: profile.ref,
      limits: this.limits(),
      settings: this.runSettings(),
      calibration: sampleSource(state.calibration),
      ...(state.evaluation && { evaluation: sampleSource(state.evaluation) }),
      known: state.measurements,
      ...(sameDevice && { baselines: sameDevice.baselines }),
    };
  }

  private runSettings(): RunSettings {
    const { samples } = this.host.settings();
    const dropLimit = this.dropLimit();
    return {
      strategy: this.strategy(),
      ...(dropLimit && { dropLimit }),
      weightsOnly: false,
      activationRange: "auto",
      sensitivitySamples: samples,
      calibrationSamples: Math.max(samples, defaultCalibrationSamples),
      batch: defaultBatch,
      ...this.threads(),
      pins: this.pins(),
    };
  }

  // What is in force -------------------------------------------------------------------------------------------------

  private async refreshDevice(): Promise<void> {
    const { state, host } = this;
    const { plan, problem: planProblem } = await readActivePlan(this.path, host.texts);
    delete state.plan;
    delete state.planProblem;
    if (plan) state.plan = plan;
    if (planProblem) state.planProblem = planProblem;
    const choice = profileChoice(
      state.choices.profile,
      host.settings().profile,
      plan,
      this.path,
      host.files(),
      host.folders(),
    );
    const { profile, problem } =
      choice === undefined ? {} : await readActiveProfile(choice, this.path, host.texts).catch(problemOf);
    delete state.profileProblem;
    if (problem) state.profileProblem = problem;
    // A slip while typing keeps the device as it was; a profile that is gone takes it away.
    if (profile) state.profile = profile;
    else if (!problem) delete state.profile;
    this.refresh();
    this.decideSoon();
  }

  /** Everything that follows from the state, and a snapshot of it. */
  private refresh(): void {
    const { state } = this;
    const { prepared, profile } = state;
    delete state.fit;
    delete state.live;
    if (prepared && profile) {
      try {
        state.fit = this.fitOf(prepared, profile.profile, this.pins());
      } catch (error) {
        // A pin that the device does not have, say: shown, and allocated as if it were not there.
        state.failure = failureOf(error);
        state.fit = this.fitOf(prepared, profile.profile, new Map());
      }
    }
    this.losses = lossesOf(state);
    if (state.fit && this.losses) {
      state.live = solveBits(state.fit, this.losses.loss, { maxGap: 1e-3, maxMillis: frameMs });
      if (state.whatIf.size === 0) state.front = paretoFront(state.fit, this.losses.loss);
    }
    this.displayed = displayedOf(state, this.losses, this.maxDrop());
    this.publish();
  }

  private fitOf(
    prepared: NonNullable<SessionState["prepared"]>,
    profile: NonNullable<SessionState["profile"]>["profile"],
    pins: ReadonlyMap<string, Bits | null>,
  ): DeviceFit {
    return new DeviceFit({ prepared, profile, limits: this.limits(), pins, weightsOnly: false });
  }

  private limits() {
    const limits: Partial<Record<Resource, number>> = { ...this.state.profile?.limits };
    for (const [resource, limit] of this.state.whatIf) {
      if (limit === null) delete limits[resource];
      else limits[resource] = limit;
    }
    return limits;
  }

  private pins(): ReadonlyMap<string, Bits | null> {
    const plan = this.state.plan?.plan;
    if (!plan) return new Map();
    const pinned = pinsOf(plan);
    const known = new Set(this.state.layers.map(({ name }) => name));
    return new Map([...planBits(plan)].filter(([name]) => pinned.has(name) && known.has(name)));
  }

  private strategy() {
    return this.state.choices.strategy ?? this.host.settings().strategy;
  }

  private dropLimit() {
    const { choices, profile } = this.state;
    if (choices.dropLimit === null) return undefined;
    return choices.dropLimit ?? (profile && dropLimitOf(profile.profile));
  }

  private maxDrop(): number | undefined {
    const limit = this.dropLimit();
    const float = this.state.decided?.result.baselines.find((b) => b.accuracy)?.accuracy?.float;
    return limit && maxDropFraction(limit, float ?? 1);
  }

  /** Bits that the allocation gives without what the edit is about to take back. */
  private recommended(edit: PlanEdit): ReadonlyMap<string, Bits | null> {
    const { state, losses } = this;
    const { prepared, profile, live } = state;
    if (!prepared || !profile || !losses || !live) throw noProfile();
    if (edit.kind === "reallocate") return live.bits;
    const freed = edit.kind === "resetBits" ? new Set(edit.layers) : undefined;
    const pins = edit.kind === "resetAll" ? new Map() : new Map([...this.pins()].filter(([name]) => !freed?.has(name)));
    const fit = this.fitOf(prepared, profile.profile, pins);
    return solveBits(fit, losses.loss, { maxGap: 1e-3, maxMillis: frameMs }).bits;
  }

  private planChange(edited: Parameters<typeof planText>[2]): TextChange {
    if (!this.losses) throw noProfile();
    const maxDrop = this.maxDrop();
    const text = planText(this.state, this.losses, edited, {
      strategy: this.strategy(),
      ...(maxDrop !== undefined && { maxDrop }),
    });
    const uri = this.state.plan?.uri ?? this.host.planUri(this.path);
    return { uri, text };
  }

  // Jobs -------------------------------------------------------------------------------------------------------------

  /** Runs one job after the one before; an error is told on the page unless the caller wants it. */
  private async runJob(
    kind: Work["kind"],
    body: (signal: AbortSignal) => Promise<void>,
    outer?: AbortSignal,
    rethrow = false,
  ): Promise<void> {
    while (this.job) await this.job.done;
    const controller = new AbortController();
    const stop = () => controller.abort(outer?.reason);
    outer?.addEventListener("abort", stop, { once: true });
    const run = body(controller.signal);
    const done = run.then(
      () => undefined,
      () => undefined,
    );
    this.job = { controller, done };
    try {
      await run;
    } catch (error) {
      this.jobFailed(kind, error, controller.signal.aborted);
      if (rethrow) throw error;
    } finally {
      outer?.removeEventListener("abort", stop);
      this.job = undefined;
      delete this.state.work;
      if (!this.closed) this.publish();
    }
  }

  private jobFailed(kind: Work["kind"], error: unknown, aborted: boolean): void {
    const { state, host } = this;
    if (this.closed) return;
    const { done = 0, total = 0 } = state.work ?? {};
    if (aborted) {
      if (kind !== "quantize" && total > 0) state.stopped = { done, total };
    } else if (error instanceof EngineCrash)
      state.restarted = { kept: this.measuredPairs(), total: this.wantedPairs() };
    // A runtime that is missing has a notice of its own.
    else if (!runtimeProblem(error)) state.failure = failureOf(error);
    if (!aborted) host.log(`${kind} of ${state.fileName} failed: ${error instanceof Error ? error.stack : error}`);
    void this.save();
  }

  private measuredPairs(): number {
    let pairs = 0;
    for (const row of this.state.measurements.values()) pairs += row.size;
    return pairs;
  }

  private wantedPairs(): number {
    const quantizable = this.state.layers.filter((layer) => layer.floatReason === undefined).length;
    return quantizable * slotsOf(this.state, this.host.settings().bits).length;
  }

  private listen(kind: Work["kind"]): (event: JobEvent) => void {
    const clock = new WorkClock(kind);
    const { state } = this;
    return (event) => {
      switch (event.type) {
        case "progress":
          state.work = clock.work(event.progress, Date.now());
          break;
        case "statistics":
          state.statistics.set(event.layer, event.statistics);
          break;
        case "measured": {
          const row = state.measurements.get(event.layer) ?? new Map<Bits, typeof event.value>();
          row.set(event.bits, event.value);
          state.measurements.set(event.layer, row);
          if (Date.now() - this.lastSave > saveEveryMs) void this.save();
          break;
        }
      }
      this.publish();
    };
  }

  private publish(): void {
    if (this.publishTimer !== undefined || this.closed) return;
    const wait = Math.max(0, this.lastPublish + publishEveryMs - Date.now());
    this.publishTimer = setTimeout(() => {
      this.publishTimer = undefined;
      this.lastPublish = Date.now();
      this.host.publish(this.uri, this.snapshot());
    }, wait);
  }

  // Cache ------------------------------------------------------------------------------------------------------------

  private cacheKey(): AnalysisKey | undefined {
    const { modelHash, calibration } = this.state;
    if (modelHash === undefined) return undefined;
    const { samples, dims } = this.host.settings();
    return { modelHash, samplesHash: calibration?.facts?.hash ?? "", samples, dims };
  }

  private async readCache(): Promise<void> {
    const key = this.cacheKey();
    const cached = key && (await this.host.cache.read(key));
    if (!cached) return;
    const { state } = this;
    for (const [layer, statistics] of Object.entries(cached.statistics)) state.statistics.set(layer, statistics);
    for (const [layer, row] of Object.entries(cached.measurements)) {
      state.measurements.set(layer, new Map(Object.entries(row).map(([bits, value]) => [Number(bits) as Bits, value])));
    }
    if (this.restarted) state.restarted = { kept: this.measuredPairs(), total: this.wantedPairs() };
    this.refresh();
  }

  private async save(): Promise<void> {
    this.lastSave = Date.now();
    const key = this.cacheKey();
    const { statistics, measurements } = this.state;
    if (!key || statistics.size === 0) return;
    const rows = [...measurements].map(([layer, row]) => [layer, Object.fromEntries(row)] as const);
    try {
      await this.host.cache.write(key, {
        statistics: Object.fromEntries(statistics),
        measurements: Object.fromEntries(rows),
      });
    } catch (error) {
      this.host.log(`The analysis could not be cached: ${error instanceof Error ? error.message : error}`);
    }
  }

  private source(): ModelSource {
    return { path: this.path, dims: this.host.settings().dims, run: this.host.trusted() };
  }

  private threads() {
    const { threads } = this.host.settings();
    return threads > 0 ? { threads } : {};
  }
}

function sampleSource(set: SessionState["calibration"]): { readonly path?: string } {
  return set?.path === undefined ? {} : { path: set.path };
}

function notTrusted(): SigmaQuantError {
  return new SigmaQuantError("SQ1103", "not-trusted", "Restricted Mode does not allow to run the model", {
    remedy: "Trust the workspace to quantize in it",
  });
}

function failureOf(error: unknown): { message: string; code: string } {
  if (error instanceof SigmaQuantError) return { message: `${error.message}. ${error.remedy}`, code: error.code };
  return { message: error instanceof Error ? error.message : String(error), code: "SQ9000" };
}

function fatalOf(error: unknown, fileName: string): NonNullable<SessionState["fatal"]> {
  const title = `${fileName} cannot be read`;
  if (!(error instanceof SigmaQuantError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { title, message, remedy: "Report this as a bug, with the log", code: "SQ9000", slug: "internal" };
  }
  const { byte, item } = error.place;
  const where = [item, byte === undefined ? undefined : `byte ${byte}`].filter((part) => part !== undefined).join(", ");
  const message = where === "" ? error.message : `${error.message} (${where})`;
  return { title, message, remedy: error.remedy, code: error.code, slug: error.slug };
}

/** An unreadable profile is reported like one with errors. */
function problemOf(error: unknown): { profile?: undefined; problem?: NonNullable<SessionState["profileProblem"]> } {
  if (!(error instanceof SigmaQuantError)) throw error;
  return {};
}
