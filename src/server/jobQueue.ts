/**
 * Why a job was cancelled: somebody asked for it, another takes its place, what it works on is another now, or nobody waits for it any
 * more.
 */
export type CancelReason = "cancelled" | "replaced" | "changed" | "closed";

/** A job was cancelled; the reason of its signal. */
export class Cancelled extends Error {
  constructor(readonly reason: CancelReason) {
    super(reason);
  }
}

/** How a job ended that did not end well. */
export type JobFailure<K> = (kind: K, error: unknown, cancelled: CancelReason | undefined) => void;

/** Runs one job after the other; they can be cancelled, those that wait with the one at work. */
export class JobQueue<K> {
  private current: { readonly kind: K; readonly controller: AbortController; readonly done: Promise<void> } | undefined;
  private reason: CancelReason | undefined;
  /** How often all jobs were cancelled, how often for good, and why the last time. */
  private clearings = 0;
  private closings = 0;
  private cleared: CancelReason = "cancelled";

  /** @param onFailure told of every error; @param onIdle told after every job */
  constructor(
    private readonly onFailure: JobFailure<K>,
    private readonly onIdle: () => void,
  ) {}

  get busy(): boolean {
    return this.current !== undefined;
  }

  /**
   * Ends the job at work. Those that wait do not begin either where somebody asked for it, or nobody waits any more.
   * @param spared a kind of job that goes on to its end
   */
  cancel(reason: CancelReason, spared?: K): void {
    if (reason === "cancelled" || reason === "closed") {
      this.clearings++;
      if (reason === "closed") this.closings++;
      this.cleared = reason;
    }
    if (!this.current || this.current.kind === spared) return;
    this.reason ??= reason;
    this.current.controller.abort(new Cancelled(reason));
  }

  /** Resolves when no job is at work any more. */
  async settled(): Promise<void> {
    while (this.current) await this.current.done;
  }

  /** Runs a job once those before it have ended; its errors go to `onFailure` alone. */
  async run(kind: K, body: (signal: AbortSignal) => Promise<void>): Promise<void> {
    await this.runOrThrow(kind, body).catch(() => undefined);
  }

  /** As `run`, for what has to be done whatever somebody cancels while it waits: it begins all the same. */
  async runSurely(kind: K, body: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { closings } = this;
    while (this.current) await this.current.done;
    if (this.closings === closings) await this.begin(kind, body).catch(() => undefined);
  }

  /**
   * As `run`, for somebody who waits for the result and may cancel it.
   * @throws what the body throws; Cancelled where it was cancelled before it began
   */
  async runOrThrow<T>(kind: K, body: (signal: AbortSignal) => Promise<T>, outer?: AbortSignal): Promise<T> {
    const { clearings } = this;
    // No pause between the last look and taking the place: of several that wait, one goes on.
    while (this.current) await this.current.done;
    if (this.clearings !== clearings) throw new Cancelled(this.cleared);
    return this.begin(kind, body, outer);
  }

  /** To be called with no job at work. */
  private async begin<T>(kind: K, body: (signal: AbortSignal) => Promise<T>, outer?: AbortSignal): Promise<T> {
    const controller = new AbortController();
    let ended: () => void = () => undefined;
    const done = new Promise<void>((resolve) => {
      ended = resolve;
    });
    this.current = { kind, controller, done };
    this.reason = undefined;
    const stop = () => {
      this.reason ??= "cancelled";
      controller.abort(outer?.reason);
    };
    if (outer?.aborted) stop();
    outer?.addEventListener("abort", stop, { once: true });
    try {
      return await body(controller.signal);
    } catch (error) {
      this.onFailure(kind, error, controller.signal.aborted ? (this.reason ?? "cancelled") : undefined);
      throw error;
    } finally {
      outer?.removeEventListener("abort", stop);
      this.current = undefined;
      ended();
      this.onIdle();
    }
  }
}
