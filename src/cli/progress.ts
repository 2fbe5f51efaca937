import process from "node:process";
import { SingleBar } from "cli-progress";
import type { OnProgress, Progress } from "../core/ports.ts";
import { printToStderr } from "./output.ts";
import { inCell } from "./screen.ts";

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

  constructor(private readonly options: { readonly quiet: boolean; readonly verbose: boolean }) {}

  readonly update: OnProgress = (progress) => {
    if (progress.stage !== this.stage) this.begin(progress);
    if (this.options.quiet) return;
    if (this.bar) {
      this.bar.setTotal(progress.total);
      this.bar.update(progress.done, { note: inCell(progress.note ?? ""), left: this.timeLeft(progress) });
    } else if (!process.stderr.isTTY && performance.now() - this.lastLine > lineEveryMs) this.line(progress);
  };

  /** What the program decides on its way: a line of its own, with --verbose. */
  readonly log = (text: string): void => {
    if (!this.options.verbose) return;
    this.stop();
    printToStderr(text);
  };

  /** Leaves the terminal clean. */
  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
    const { stage } = this;
    this.stage = "";
    if (stage !== "" && this.options.verbose) {
      printToStderr(`${stage} took ${((performance.now() - this.started) / 1000).toFixed(1)} s`);
    }
  }

  private begin(progress: Progress): void {
    this.stop();
    this.stage = progress.stage;
    this.started = performance.now();
    if (this.options.quiet) return;
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

  /** `Measuring: layer2.1.conv1 at 3 bits, 41 of 110, about 12 s left`. */
  private line(progress: Progress): void {
    this.lastLine = performance.now();
    const { stage, done, total, note } = progress;
    const count = total > 1 ? `${done} of ${total}` : "";
    const parts = [note ?? "", count, this.timeLeft(progress)].filter((part) => part !== "");
    printToStderr([stage, parts.join(", ")].filter((part) => part !== "").join(": "));
  }

  private timeLeft({ done, total }: Progress): string {
    const elapsed = performance.now() - this.started;
    if (elapsed < showTimeLeftAfterMs || done === 0 || done >= total) return "";
    const seconds = ((elapsed / done) * (total - done)) / 1000;
    const step = seconds < 10 ? 1 : seconds < 60 ? 5 : 60;
    const rounded = Math.ceil(seconds / step) * step;
    return rounded < 60 ? `about ${rounded} s left` : `about ${rounded / 60} min left`;
  }
}
