import type { SessionState } from "./sessionState.ts";

/**
 * Snapshots follow one another at most this often; what happens in between is in the next one. A snapshot is whole, so that of a
 * large model costs more: 20 µs a layer keeps what is sent at a bearable rate.
 */
const publishEveryMs = 40;
const publishMsPerLayer = 0.02;

/** Tells of changes of a session's state, at a rate that a page can bear. */
export class Publisher {
  private timer: NodeJS.Timeout | undefined;
  private last = 0;
  private closed = false;
  /** Told of the next change of what is known. */
  private waiting: (() => void)[] = [];

  constructor(
    private readonly state: SessionState,
    private readonly send: () => void,
  ) {}

  /** Something has changed. */
  publish(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const tell of waiting) tell();
    // Before the file is open there is nothing to show.
    const { facts, fatal, layers } = this.state;
    if (this.timer !== undefined || this.closed || (!facts && !fatal)) return;
    const pause = publishEveryMs + publishMsPerLayer * layers.length;
    const wait = Math.max(0, this.last + pause - performance.now());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.last = performance.now();
      this.send();
    }, wait);
  }

  /** Resolves with the next change, at once and not at the pace of snapshots. */
  change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }
}
