import { SingleBar } from "cli-progress";
import type { OnProgress, Progress } from "../core/ports.ts";

/** Time left is shown after this long, when it means something. */
const showTimeLeftAfterMs = 2000;
/** Without a terminal a line is written at every stage, and at most this often within one. */
const lineEveryMs = 10_000;

/** A progress bar on stderr; plain lines where stderr is no terminal; nothing when quiet. */
export class ProgressBar {
  private bar: SingleBar | undefined;
  private stage = "";
  private started = 0;
  private lastLine = 0;

  constructor(private readonly quiet: boolean) {}

  readonly update: OnProgress = (progress) => {
    if (this.quiet) return;
    if (progress.stage !== this.stage) this.begin(progress);
    if (this.bar) {
      this.bar.setTotal(progress.total);
      this.bar.update(progress.done, { note: progress.note ?? "", left: this.timeLeft(progress) });
    } else if (Date.now() - this.lastLine > lineEveryMs) this.line(progress);
  };

  /** Leaves the terminal clean. */
  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
    this.stage = "";
  }

  private begin(progress: Progress): void {
    this.stop();
    this.stage = progress.stage;
    this.started = Date.now();
    if (!process.stderr.isTTY) {
      this.line(progress);
      return;
    }
    this.bar = new SingleBar({
      stream: process.stderr,
      format: `${progress.stage.padEnd(12)} {bar} {value}/{total} {left} {note}`,
      barCompleteChar: "█",
      barIncompleteChar: "░",
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
    });
    this.bar.start(progress.total, progress.done, { note: "", left: "" });
  }

  private line({ stage, done, total, note }: Progress): void {
    this.lastLine = Date.now();
    process.stderr.write(`${stage}: ${done} of ${total}${note ? `, ${note}` : ""}\n`);
  }

  private timeLeft({ done, total }: Progress): string {
    const elapsed = Date.now() - this.started;
    if (elapsed < showTimeLeftAfterMs || done === 0) return "";
    const seconds = ((elapsed / done) * (total - done)) / 1000;
    const step = seconds < 10 ? 1 : seconds < 60 ? 5 : 60;
    const rounded = Math.ceil(seconds / step) * step;
    return rounded < 60 ? `about ${rounded} s left` : `about ${rounded / 60} min left`;
  }
}
