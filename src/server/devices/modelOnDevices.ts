import path from "node:path";
import { SigmaQuantError } from "../../core/errors.ts";
import { discoverLayers } from "../../core/model/discover.ts";
import { sharedBaselines } from "../../core/pipeline/sharedBaselines.ts";
import { figuresOfPlan } from "../../core/plan/deviceFigures.ts";
import type { Baseline } from "../../core/plan/types.ts";
import type { ModelSource } from "../../engine/jobs.ts";
import type { EngineClient } from "../../node/engineClient.ts";
import { fileHash } from "../../node/files.ts";
import { type ModelFile, openModelFile } from "../../node/openModel.ts";
import type { Problem } from "../../protocol/devices.ts";
import type { ModelChoices } from "../../protocol/requests.ts";
import { Analyzer, type StateChanges } from "../analyzer.ts";
import { failureOf } from "../sessionErrors.ts";
import type { SessionHost } from "../sessionHost.ts";
import { profileChoice, readActivePlan } from "../sessionProfile.ts";
import { newState, type SessionState } from "../sessionState.ts";
import { uriOf } from "../uris.ts";
import type { LaidOut } from "./laidOut.ts";
import type { DeviceRun, RunCache } from "./runCache.ts";

/** Who runs jobs for a while: the engine, and who is told that something came of it. */
export interface Working {
  readonly engine: EngineClient;
  readonly changes: StateChanges;
}

/**
 * One model of a comparison. It knows what the session of an open editor knows, but for no device of its own; what it measures is in the
 * same cache, so that neither measures what the other has.
 */
export class ModelOnDevices {
  readonly state: SessionState;
  /** Why the file can't be used; undefined while it can. */
  problem: Problem | undefined;
  /** Why samples that were asked for can't be used; what needs none is told all the same. */
  samplesProblem: Problem | undefined;
  /** Id of the device that it is quantized for, if it has one. */
  ownDevice: string | undefined;
  /** Plans that were run, and those that failed, by `LaidOut.key`. */
  readonly runs = new Map<string, DeviceRun>();
  readonly failures = new Map<string, Problem>();
  private readonly fits = new Map<string, LaidOut["fit"]>();
  private file: ModelFile | undefined;
  /** The one that chose the samples. */
  private chooser: Analyzer | undefined;
  private prepared = false;

  constructor(
    readonly uri: string,
    readonly path: string,
    choices: ModelChoices,
    private readonly host: SessionHost,
    private readonly cache: RunCache,
  ) {
    this.state = newState(path.split(/[\\/]/).at(-1) ?? path, choices);
  }

  get source(): ModelSource {
    const { dims, inputs, recovery } = this.host.settings();
    return { path: this.path, dims, inputs, run: this.host.trusted(), equalize: recovery.includes("equalize") };
  }

  /** Real samples are there, so that plans are run without being asked for. */
  get hasSamples(): boolean {
    return this.state.calibration?.facts?.synthetic === false;
  }

  get isRunnable(): boolean {
    return this.problem === undefined && this.host.trusted() && !this.state.noRuntime && this.prepared;
  }

  /**
   * What a person chose for the model; other samples make all that was measured and run worthless.
   * @returns whether that is so
   */
  choose(choices: ModelChoices): boolean {
    const before = this.state.choices;
    this.state.choices = choices;
    const same = choices.calibration === before.calibration && choices.evaluation === before.evaluation;
    if (!same) this.forget();
    return !same;
  }

  /** Reads what texts say: the plan beside the model, and which device is its own. */
  async readTexts(): Promise<void> {
    const { state, host } = this;
    const { plan } = await readActivePlan(this.path, host.texts);
    delete state.plan;
    if (plan) state.plan = plan;
    const { profile: setting } = host.settings();
    const choice = profileChoice(state.choices.profile, setting, plan, this.path, host.files(), host.folders());
    this.ownDevice = choice === undefined || choice.startsWith("preset:") ? choice : uriOf(choice);
  }

  /** Layers and sizes, samples, what was measured before, and what the weights say. Nothing, when that is there already. */
  async prepare({ engine, changes }: Working, signal: AbortSignal): Promise<void> {
    if (this.prepared) return;
    const { state } = this;
    this.problem = undefined;
    try {
      await this.openFile(signal);
      const analyzer = new Analyzer(this.path, state, this.host, engine, changes);
      const { model } = this.file as ModelFile;
      await analyzer.prepare(model, signal);
      this.chooser = analyzer;
      await this.chooseSets(analyzer, signal);
      await analyzer.readCache();
      await analyzer.weights(signal);
      this.prepared = true;
    } catch (error) {
      if (signal.aborted || !(error instanceof SigmaQuantError)) throw error;
      this.problem = failureOf(error);
    }
  }

  /** Sensitivities at all bitwidths of all devices; on made-up samples where there are none. */
  async measure({ engine, changes }: Working, signal: AbortSignal): Promise<void> {
    await new Analyzer(this.path, this.state, this.host, engine, changes).measure(signal);
  }

  /** The plan of a device, run; taken from where it is kept, if it is. */
  async run(laid: LaidOut, { engine, changes }: Working, signal: AbortSignal): Promise<void> {
    const { key, job, fit } = laid;
    const began = performance.now();
    const listen = new Analyzer(this.path, this.state, this.host, engine, changes).listen("allocate");
    try {
      const own = { ...job, known: this.state.measurements, baselines: this.baselinesFor(fit) };
      const { plan, baselines, notes } = await engine.run("decide", own, listen, signal);
      const seconds = (performance.now() - began) / 1000;
      const run: DeviceRun = { figures: figuresOfPlan(plan), baselines, notes, seconds };
      this.keep(laid, run);
      await this.cache.write(this.cacheKey(key), run);
    } catch (error) {
      if (signal.aborted || !(error instanceof SigmaQuantError) || error.code === "SQ6101") throw error;
      this.failures.set(key, failureOf(error));
    }
  }

  /** Looks for a run that was made before: in the cache, or as the decision of an editor. */
  async recall(laid: LaidOut): Promise<void> {
    if (this.runs.has(laid.key)) return;
    const { decided } = this.state;
    if (decided?.key === laid.key) {
      const { plan, baselines, notes } = decided.result;
      this.keep(laid, { figures: figuresOfPlan(plan), baselines, notes, seconds: decided.seconds });
      return;
    }
    const cached = await this.cache.read(this.cacheKey(laid.key));
    if (cached) this.keep(laid, cached);
  }

  /** True when the file or the samples are not those that were looked at. @param written paths of files that came, changed or went */
  async outdated(written: readonly string[]): Promise<boolean> {
    const { state, chooser } = this;
    if (chooser !== undefined && (chooser.setsOutdated || written.some((file) => chooser.usesSet(file)))) return true;
    if (!written.includes(this.path)) return false;
    return state.modelHash === undefined || (await fileHash(this.path).catch(() => undefined)) !== state.modelHash;
  }

  /** Forgets all that is of the file, or the samples, as they were. */
  forget(): void {
    const { state } = this;
    this.prepared = false;
    this.problem = undefined;
    this.samplesProblem = undefined;
    this.runs.clear();
    this.failures.clear();
    this.fits.clear();
    state.statistics = new Map();
    state.measurements = new Map();
    state.measuredSamples = 0;
    for (const name of [
      "prepared",
      "modelHash",
      "decided",
      "calibration",
      "evaluation",
      "work",
      "noRuntime",
    ] as const) {
      delete state[name];
    }
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = undefined;
  }

  private async chooseSets(analyzer: Analyzer, signal: AbortSignal): Promise<void> {
    try {
      await analyzer.chooseSets(signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof SigmaQuantError) || error.code === "SQ6101") throw error;
      this.samplesProblem = failureOf(error);
    }
  }

  private async openFile(signal: AbortSignal): Promise<void> {
    await this.close();
    this.file = await openModelFile(this.path, { signal });
    const { layers } = await discoverLayers(this.file.model);
    this.state.layers = layers;
  }

  private keep({ key, fit }: LaidOut, run: DeviceRun): void {
    this.runs.set(key, run);
    this.fits.set(key, fit);
    this.failures.delete(key);
  }

  private baselinesFor(fit: LaidOut["fit"]): readonly Baseline[] {
    return [...this.runs].flatMap(([key, { baselines }]) => {
      const other = this.fits.get(key);
      return other ? sharedBaselines(other, baselines, fit) : [];
    });
  }

  /** Open dimensions, and inputs that are the same for all samples, are no part of a decision's key; everything else is. */
  private cacheKey(key: string): string {
    const { dims, inputs } = this.host.settings();
    const sorted = (values: object) => Object.entries(values).sort(([a], [b]) => a.localeCompare(b));
    return JSON.stringify([sorted(dims), sorted(inputs), key]);
  }
}

/** Name of a profile before it is read: that of its file, or of the preset. */
export function profileLabel(id: string): string {
  if (id.startsWith("preset:")) return id.slice("preset:".length);
  const name = decodeURIComponent(id.split("/").at(-1) ?? id);
  return path.basename(name).replace(/\.hwprofile\.json$/i, "");
}
