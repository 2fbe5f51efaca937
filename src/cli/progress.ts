import process from "node:process";
import { SingleBar } from "cli-progress";
import { formatTimeLeft } from "../core/plan/format.ts";
import type { OnProgress, Progress } from "../core/ports.ts";
import { TimeLeft } from "../core/timeLeft.ts";
import { printToStderr } from "./output.ts";
import { inCell } from "./screen.ts";

/** Without a terminal a line is written at every stage, and at most this often within one. */
const lineEveryMs = 10_000;

/** A progress bar on stderr; plain lines where stderr is no terminal; nothing when quiet. */
export class ProgressBar {
  private bar: SingleBar | undefined;
  private stage = "";
  private started = 0;
  private lastLine = 0;
  private readonly clock = new TimeLeft();

  constructor(private readonly options: { readonly quiet: boolean; readonly verbose: boolean }) {}

  readonly update: OnProgress = (progress) => {
    if (progress.stage !== this.stage) this.begin(progress);
    if (this.options.quiet) return;
    const seconds = this.clock.after(progress, performance.now());
    const left = seconds === undefined ? "" : formatTimeLeft(seconds);
    if (this.bar) {
      this.bar.setTotal(progress.total);
      this.bar.update(progress.done, { note: inCell(progress.note ?? ""), left });
    } else if (!process.stderr.isTTY && performance.now() - this.lastLine > lineEveryMs) this.line(progress, left);
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
  private line(progress: Progress, left = ""): void {
    this.lastLine = performance.now();
    const { stage, done, total, note } = progress;
    const count = total > 1 ? `${done} of ${total}` : "";
    const parts = [note ?? "", count, left].filter((part) => part !== "");
    printToStderr([stage, parts.join(", ")].filter((part) => part !== "").join(": "));
  }
}
