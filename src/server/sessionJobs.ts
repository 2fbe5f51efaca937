import { SigmaQuantError } from "../core/errors.ts";
import { EngineClient } from "../node/engineClient.ts";
import type { Work } from "../protocol/editor.ts";
import type { QuantizeParams, QuantizeResult } from "../protocol/requests.ts";
import { Analyzer, type StateChanges } from "./analyzer.ts";
import { decideJob } from "./decideJob.ts";
import { plannedBits } from "./displayed.ts";
import { maxDropInForce } from "./inForce.ts";
import { Cancelled, type CancelReason, JobQueue } from "./jobQueue.ts";
import { quantizeSession, quantizeTargets } from "./quantizeSession.ts";
import { dropStale, forgetFile, keepStale } from "./replaced.ts";
import { modelChanged, notTrusted } from "./sessionErrors.ts";
import { tellFailure } from "./sessionFailures.ts";
import { SessionFile } from "./sessionFile.ts";
import type { SessionHost } from "./sessionHost.ts";
import type { SessionState } from "./sessionState.ts";
import { forgetSkipped } from "./skipped.ts";

/** A decision runs the network; it waits until a person stops typing. */
const decideAfterMs = 1200;

/** What a session does where its jobs have changed its state. */
export interface SessionChanges extends StateChanges {
  /** Reads the profile and the plan. */
  readonly textsChanged: () => Promise<void>;
}

/** The jobs of an open model, one after the other: reading its file, analyzing it, allocating bits, quantizing. */
export class SessionJobs {
  private readonly engine: EngineClient;
  private readonly analyzer: Analyzer;
  private readonly file: SessionFile;
  private readonly queue: JobQueue<Work["kind"]>;
  private decideTimer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();
  /** Shapes and samples are known; cleared when the file or what may be run changes. */
  private prepared = false;
  private closed = false;

  /** @param restarted the server before this one died: what it had kept is told, and nothing is run without being asked */
  constructor(
    private readonly path: string,
    private readonly state: SessionState,
    private readonly host: SessionHost,
    private readonly changes: SessionChanges,
    private restarted: boolean,
  ) {
    this.engine = new EngineClient(host.engineFile, host.log);
    this.analyzer = new Analyzer(path, state, host, this.engine, changes);
    this.file = new SessionFile(path, state);
    this.queue = new JobQueue(
      (kind, error, cancelled) => this.failed(kind, error, cancelled),
      () => {
        delete state.work;
        changes.publish();
      },
    );
  }

  get busy(): boolean {
    return this.queue.busy;
  }

  /** Opens the file; what needs time goes on in the background. */
  async open(): Promise<void> {
    // A job, as the file may be seen to change before it is open: one opens it at a time.
    await this.queue.run("open", () => this.load());
    void this.analyzeInBackground();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.decideTimer);
    this.queue.cancel("closed");
    await this.analyzer.save();
    this.engine.dispose();
    await this.file.close();
  }

  cancel(): void {
    this.queue.cancel("cancelled");
  }

  /** The model's file may have been changed on disk. Events come in bursts: one look follows the other. */
  fileChanged(): Promise<void> {
    this.looking = this.looking.then(() => this.lookAtFile());
    return this.looking;
  }

  /** Sample sets came or went, or one of them was written. @param written paths of those */
  async setsChanged(written: readonly string[]): Promise<void> {
    if (this.state.fatal || this.closed) return;
    if (this.analyzer.setsOutdated || written.some((file) => this.analyzer.usesSet(file))) await this.reopen();
  }

  /** Trust or the assumed dimensions changed: what was run is run anew, what is cached is taken. */
  async reopen(): Promise<void> {
    this.prepared = false;
    // A run to files that somebody waits for goes on with what it began with.
    this.queue.cancel("replaced", "quantize");
    await this.queue.settled();
    this.prepared = false;
    await this.analyzeInBackground();
  }

  /** Measures what is not measured yet, and decides. */
  async analyze(): Promise<void> {
    // Asked for anew, and not to go on: what was left out is tried again.
    if (!this.state.restarted) forgetSkipped(this.state);
    await this.lookIfWritten();
    delete this.state.stopped;
    delete this.state.restarted;
    delete this.state.failure;
    this.restarted = false;
    await this.queue.run("analyze", async (signal) => {
      if (!this.prepared) await this.prepare(signal);
      await this.analyzer.weights(signal);
      if (!this.host.trusted()) return;
      await this.analyzer.measure(signal);
      await this.analyzer.decide(signal);
    });
  }

  /** After the profile, a pin or a target changed: the search runs again once things are quiet. */
  decideSoon(): void {
    clearTimeout(this.decideTimer);
    if (this.closed || !this.host.trusted() || !this.analyzer.outdated) return;
    this.decideTimer = setTimeout(() => {
      if (this.closed || this.queue.busy) return;
      void this.queue.run("allocate", (signal) => this.analyzer.decide(signal));
    }, decideAfterMs);
  }

  /** @throws SQ1103 in Restricted Mode, SQ5302 without a device, the runtime's error where there is none, what the run throws */
  async quantize(params: QuantizeParams, signal: AbortSignal): Promise<QuantizeResult> {
    const { state, host, path } = this;
    if (!host.trusted()) throw notTrusted();
    if (state.noRuntime) throw state.noRuntime;
    await this.lookIfWritten();
    await this.changes.textsChanged();
    // Asked before anything is run, and not after minutes.
    const { files, there } = quantizeTargets(state, path);
    if (!params.overwrite && there.length > 0) return { kind: "exists", files: there };
    this.queue.cancel("replaced");
    const run = async (own: AbortSignal): Promise<QuantizeResult> => {
      if (!this.prepared) await this.prepare(own);
      dropStale(state);
      const planned = plannedBits(state);
      const maxDrop = maxDropInForce(state);
      const job = decideJob(state, host.settings(), this.analyzer.source);
      const result = await quantizeSession(
        { state, engine: this.engine, modelPath: path, files, job, planned, ...(maxDrop !== undefined && { maxDrop }) },
        this.analyzer.listen("quantize"),
        own,
      );
      state.comparison = result.comparison;
      return result;
    };
    this.restarted = false;
    delete state.failure;
    const result = await this.queue.runOrThrow("quantize", run, signal).catch((error: unknown) => {
      throw error instanceof Cancelled && error.reason === "changed" ? modelChanged(path) : error;
    });
    await this.changes.textsChanged();
    // What the run took the place of: the table wants its figures, too.
    void this.analyzeInBackground();
    return result;
  }

  /** Finds changes that nobody tells of: outside of the workspace, or on a network's drive. */
  private async lookIfWritten(): Promise<void> {
    if (await this.file.isWritten()) await this.fileChanged();
  }

  private async lookAtFile(): Promise<void> {
    const isOther = await this.file.isOther();
    const { state, analyzer } = this;
    if (this.closed || !isOther) return;
    this.queue.cancel("changed");
    let stale = false;
    await this.queue.runSurely("open", async (signal) => {
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
    this.changes.refresh();
    if (!stale) void this.analyzeInBackground();
  }

  private async load(): Promise<void> {
    await this.file.load();
    if (this.state.fatal) this.changes.publish();
    else await this.changes.textsChanged();
  }

  private async prepare(signal: AbortSignal): Promise<void> {
    if (this.file.model) await this.analyzer.prepare(this.file.model, signal);
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
    this.changes.refresh();
  }

  /** Whatever is not known yet, as far as it may be run without being asked. */
  private async analyzeInBackground(): Promise<void> {
    const { state, analyzer } = this;
    if (state.fatal) return;
    await this.queue.run("open", async (signal) => {
      if (this.closed) return;
      if (!this.prepared) await this.prepare(signal);
      await analyzer.weights(signal);
      const real = state.calibration?.facts?.synthetic === false;
      if (!this.host.trusted() || state.noRuntime || !real || this.restarted) return;
      await analyzer.measure(signal);
      await analyzer.decide(signal);
    });
  }

  private failed(kind: Work["kind"], error: unknown, cancelled: CancelReason | undefined): void {
    if (this.closed) return;
    const { state, host, analyzer } = this;
    // The next job looks at model and samples anew.
    if (error instanceof SigmaQuantError && error.code === "SQ1005") this.prepared = false;
    tellFailure(state, analyzer.pairs, kind, error, cancelled);
    if (cancelled === undefined)
      host.log(`${kind} of ${state.fileName} failed: ${error instanceof Error ? error.stack : error}`);
    void analyzer.save();
  }
}
