/** Why a job was cancelled: somebody asked for it, another takes its place, or nobody waits for it any more. */
export type CancelReason = "cancelled" | "replaced" | "closed";

/** How a job ended that did not end well. */
export type JobFailure<K> = (kind: K, error: unknown, cancelled: CancelReason | undefined) => void;

/** Runs one job after the other; the one at work can be cancelled. */
export class JobQueue<K> {
  private current: { readonly kind: K; readonly controller: AbortController; readonly done: Promise<void> } | undefined;
  private reason: CancelReason | undefined;

  /** @param onFailure told of every error; @param onIdle told after every job */
  constructor(
    private readonly onFailure: JobFailure<K>,
    private readonly onIdle: () => void,
  ) {}

  get busy(): boolean {
    return this.current !== undefined;
  }

  /** @param spared a kind of job that goes on to its end */
  cancel(reason: CancelReason, spared?: K): void {
    if (!this.current || this.current.kind === spared) return;
    this.reason ??= reason;
    this.current.controller.abort(new Error(reason));
  }

  /** Resolves when no job is at work any more. */
  async settled(): Promise<void> {
    while (this.current) await this.current.done;
  }

  /** Runs a job once those before it have ended; its errors go to `onFailure` alone. */
  async run(kind: K, body: (signal: AbortSignal) => Promise<void>): Promise<void> {
    await this.runOrThrow(kind, body).catch(() => undefined);
  }

  /**
   * As `run`, for somebody who waits for the result and may cancel it.
   * @throws what the body throws
   */
  async runOrThrow<T>(kind: K, body: (signal: AbortSignal) => Promise<T>, outer?: AbortSignal): Promise<T> {
    // No pause between the last look and taking the place: of several that wait, one goes on.
    while (this.current) await this.current.done;
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
