import path from "node:path";
import { SigmaQuantError } from "../core/errors.ts";
import type { Bits } from "../core/hardware/profile.ts";
import type { Layer } from "../core/model/layer.ts";
import type { OnnxModel } from "../core/onnx/model.ts";
import { factsOf } from "../core/pipeline/facts.ts";
import { prepareModel } from "../core/pipeline/prepare.ts";
import { defaultBatch } from "../core/pipeline/settings.ts";
import type { JobEvent, ModelSource } from "../engine/jobs.ts";
import { type EngineClient, EngineCrash } from "../node/engineClient.ts";
import { fileHash, fileStamp } from "../node/files.ts";
import type { Work } from "../protocol/editor.ts";
import { decideJob, decisionKey, queueOf, sampleSource, threadsOf } from "./decideJob.ts";
import { setsBeside } from "./defaults.ts";
import { WorkClock } from "./progress.ts";
import { dropStale } from "./replaced.ts";
import { runtimeProblem } from "./runtime.ts";
import { readCached, writeCached } from "./sessionCache.ts";
import type { SessionHost } from "./sessionHost.ts";
import { inWorkspace } from "./sessionProfile.ts";
import type { ActiveSamples, FigureSettings, SessionState } from "./sessionState.ts";
import { forgetSkipped, skipLayer } from "./skipped.ts";
import { slotsOf } from "./snapshot.ts";

/** Measurements are saved this often while they come in, so that an interrupted analysis loses no more. */
const saveEveryMs = 1000;

/** What a choice or the setting says for made-up samples. */
const synthetic = "synthetic";

/** Told when the state has changed: what follows from it is made anew, or only shown. */
export interface StateChanges {
  readonly refresh: () => void;
  readonly publish: () => void;
}

interface WantedSet {
  readonly path: string;
  /** By the user or the settings, and not only found. */
  readonly asked: boolean;
}

interface WantedSets {
  readonly calibration?: WantedSet;
  readonly evaluation?: WantedSet;
}

/** Fills a session's state by running the engine: shapes, weights, sensitivities, decisions. Each step can be cancelled. */
export class Analyzer {
  private lastSave = 0;
  /** Undefined before any sets were looked for. */
  private wanted: WantedSets | undefined;

  constructor(
    private readonly path: string,
    private readonly state: SessionState,
    private readonly host: SessionHost,
    private readonly engine: EngineClient,
    private readonly changes: StateChanges,
  ) {}

  /** The model as jobs name it. */
  get source(): ModelSource {
    const { dims, inputs, recovery, analysisMemory } = this.host.settings();
    return {
      path: this.path,
      dims,
      inputs,
      run: this.host.trusted(),
      equalize: recovery.includes("equalize"),
      ...(analysisMemory > 0 && { memory: analysisMemory * 2 ** 20 }),
    };
  }

  /** Finds shapes and folds normalizations: MACs and activation sizes are known then. */
  async prepare(model: OnnxModel, signal: AbortSignal): Promise<void> {
    const { state } = this;
    const trusted = this.host.trusted();
    if (trusted) await this.checkRuntime(signal);
    const stamp = await fileStamp(this.path);
    const [inferred, hash] = await Promise.all([
      trusted && !state.noRuntime ? this.engine.run("shapes", this.source, () => {}, signal) : undefined,
      fileHash(this.path, signal),
    ]);
    const { path, equalize } = this.source;
    const prepared = await prepareModel(model, { path, equalize, ...(inferred && { inferred }) }, signal);
    this.forgetOtherNetwork();
    state.prepared = prepared;
    state.modelHash = hash;
    state.modelStamp = stamp;
    state.layers = prepared.discovery.layers;
    state.facts = factsOf(prepared);
    this.changes.refresh();
  }

  /** The sets that the user chose, the settings name, or that lie beside the model and fit it. @throws for one that was asked for */
  async chooseSets(signal: AbortSignal): Promise<void> {
    const { state, host } = this;
    if (!host.trusted() || state.noRuntime) return;
    const wanted = this.wantedSets();
    const before = state.calibration?.facts;
    const open = async ({ path, asked }: WantedSet): Promise<ActiveSamples | undefined> => {
      const facts = this.engine.run("samples", { model: this.source, set: { path } }, () => {}, signal);
      return facts.then(
        (known) => ({ path, facts: known }),
        (error) => this.passOver(path, asked, error),
      );
    };
    this.wanted = wanted;
    delete state.calibration;
    delete state.evaluation;
    const calibration = wanted.calibration && (await open(wanted.calibration));
    if (calibration) state.calibration = calibration;
    else if (before?.synthetic) state.calibration = { facts: before };
    const evaluation = wanted.evaluation && (await open(wanted.evaluation));
    if (evaluation) state.evaluation = evaluation;
    // Measurements belong to the samples that they were made on.
    if (before && before.hash !== state.calibration?.facts?.hash) {
      this.forgetMeasurements();
    }
    this.changes.publish();
  }

  /** What is known belongs to the dimensions, to the weights, and to the number of samples, that it was measured with. */
  private forgetOtherNetwork(): void {
    const { state } = this;
    const { dims, recovery, samples } = this.host.settings();
    const settings: FigureSettings = { dims, recovery, samples };
    if (state.figuresOf !== undefined && JSON.stringify(state.figuresOf) !== JSON.stringify(settings)) {
      state.statistics.clear();
      this.forgetMeasurements();
    }
    state.figuresOf = settings;
  }

  private forgetMeasurements(): void {
    const { state } = this;
    state.measurements = new Map();
    state.measuredSamples = 0;
    delete state.decided;
    forgetSkipped(state);
  }

  /** Other sets would be chosen now than those that were: some came to lie beside the model, or went. */
  get setsOutdated(): boolean {
    return this.wanted !== undefined && JSON.stringify(this.wanted) !== JSON.stringify(this.wantedSets());
  }

  /** A file that one of the sets is, or lies in, or is read by. */
  usesSet(file: string): boolean {
    return [this.wanted?.calibration, this.wanted?.evaluation].some((set) => {
      if (set === undefined) return false;
      const beside = path.basename(file) === "preprocess.json" && path.dirname(file) === path.dirname(set.path);
      return beside || file === set.path || file.startsWith(`${set.path}${path.sep}`);
    });
  }

  private wantedSets(): WantedSets {
    const { state, host } = this;
    const settings = host.settings();
    const beside = setsBeside(this.path, host.files());
    const want = (chosen: string | undefined, setting: string, found: string | undefined): WantedSet | undefined => {
      if ((chosen ?? setting) === synthetic) return undefined;
      if (chosen !== undefined) return { path: chosen, asked: true };
      if (setting !== "") return { path: inWorkspace(setting, host.folders(), this.path), asked: true };
      return found === undefined ? undefined : { path: found, asked: false };
    };
    const calibration = want(state.choices.calibration, settings.calibration, beside.calibration);
    const evaluation = want(state.choices.evaluation, settings.evaluation, beside.evaluation);
    return { ...(calibration && { calibration }), ...(evaluation && { evaluation }) };
  }

  /** A set that only lies beside the model may be another's. */
  private passOver(path: string, asked: boolean, error: unknown): undefined {
    if (asked || !(error instanceof SigmaQuantError) || error instanceof EngineCrash) throw error;
    this.host.log(`${path} is not used: ${error.describe()}`);
    return undefined;
  }

  /** What was measured before, in this window or another. True when there was anything. */
  async readCache(): Promise<boolean> {
    return readCached(this.host.cache, this.state);
  }

  /** Sigma, KL and SQNR of the layers that have none yet. */
  async weights(signal: AbortSignal): Promise<void> {
    const { state } = this;
    const missing = state.layers.some(
      ({ floatReason, name }) => floatReason === undefined && !state.statistics.has(name),
    );
    if (!missing) return;
    const bits = [...new Set<Bits>([...slotsOf(state, this.host.settings().bits), 8])].sort((a, b) => a - b);
    await this.engine.run(
      "weights",
      { model: this.source, bits, ...threadsOf(this.host.settings()) },
      this.listen("analyze"),
      signal,
    );
    this.changes.refresh();
    await this.save();
  }

  /** Sensitivities on the calibration set, or on made-up samples where there is none. */
  async measure(signal: AbortSignal): Promise<void> {
    const { state } = this;
    dropStale(state);
    if (state.calibration?.facts === undefined) {
      const facts = await this.engine.run("samples", { model: this.source, set: {} }, () => {}, signal);
      state.calibration = { facts };
    }
    const { kept, total } = this.pairs;
    if (kept >= total && state.measuredSamples > 0) return;
    state.measuredSamples = await this.measureSurely(signal);
    delete state.crashedAt;
    this.changes.refresh();
    await this.save();
  }

  /** Leaves out layers that can't be run. @returns how many samples were measured on */
  private async measureSurely(signal: AbortSignal): Promise<number> {
    for (;;) {
      try {
        return await this.measureRest(signal);
      } catch (error) {
        if (signal.aborted || !skipLayer(this.state, error)) throw error;
        this.host.log(`Left out: ${(error as SigmaQuantError).describe()}`);
        this.changes.refresh();
      }
    }
  }

  private async measureRest(signal: AbortSignal): Promise<number> {
    const { state } = this;
    const settings = this.host.settings();
    const slots = slotsOf(state, settings.bits);
    const { samples } = await this.engine.run(
      "measure",
      {
        model: this.source,
        set: sampleSource(state.calibration),
        bits: new Map(this.measurable.map(({ name }) => [name, slots])),
        samples: settings.samples,
        batch: defaultBatch,
        ...threadsOf(settings),
        recovery: new Set(settings.recovery),
        known: state.measurements,
        ...queueOf(settings),
      },
      this.listen("analyze"),
      signal,
    );
    return samples;
  }

  /** Layers that are to be measured. */
  private get measurable(): readonly Layer[] {
    const { layers, skipped } = this.state;
    return layers.filter(({ name, floatReason }) => floatReason === undefined && !skipped.has(name));
  }

  /** The strategy's search on the real network, and the uniform baselines; nothing when both are known. */
  async decide(signal: AbortSignal): Promise<void> {
    const { state } = this;
    if (!state.profile || !state.calibration?.facts || state.whatIf.size > 0) return;
    const job = decideJob(state, this.host.settings(), this.source);
    const key = decisionKey(state, job);
    if (state.decided?.key === key) return;
    const began = performance.now();
    const result = await this.engine.run("decide", job, this.listen("allocate"), signal);
    state.decided = { key, seconds: (performance.now() - began) / 1000, result };
    this.changes.refresh();
    await this.save();
  }

  /** False while there was no decision, or the last one was for what is in force still. */
  get outdated(): boolean {
    const { state } = this;
    if (!state.decided || !state.profile) return false;
    return state.decided.key !== decisionKey(state, decideJob(state, this.host.settings(), this.source));
  }

  /** Takes what a job tells into the state. */
  listen(kind: Work["kind"]): (event: JobEvent) => void {
    const clock = new WorkClock(kind);
    const { state } = this;
    return (event) => {
      switch (event.type) {
        case "progress":
          state.work = clock.work(event.progress, performance.now());
          break;
        case "statistics":
          state.statistics.set(event.layer, event.statistics);
          break;
        case "measured": {
          const row = state.measurements.get(event.layer) ?? new Map<Bits, typeof event.value>();
          row.set(event.bits, event.value);
          state.measurements.set(event.layer, row);
          if (performance.now() - this.lastSave > saveEveryMs) void this.save();
          break;
        }
      }
      this.changes.publish();
    };
  }

  /** Keeps what is measured so far. */
  async save(): Promise<void> {
    this.lastSave = performance.now();
    // What is shown of the file as it was is not of the one that is there.
    if (this.state.stale) return;
    try {
      // Nor is what was measured since another took its place of the file that the hash is of, whether anyone told of it or not.
      if ((await fileStamp(this.path)) !== this.state.modelStamp) return;
      await writeCached(this.host.cache, this.state);
    } catch (error) {
      this.host.log(`The analysis could not be cached: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Pairs of layer and bitwidth: measured so far, and wanted in all. */
  get pairs(): { readonly kept: number; readonly total: number } {
    const { state } = this;
    let kept = 0;
    for (const [layer, row] of state.measurements) if (!state.skipped.has(layer)) kept += row.size;
    return { kept, total: this.measurable.length * slotsOf(state, this.host.settings().bits).length };
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
}
