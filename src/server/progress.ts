import type { Progress } from "../core/ports.ts";
import { TimeLeft } from "../core/timeLeft.ts";
import type { Work } from "../protocol/editor.ts";

/** Turns what a job tells into what the page shows, with the time left in the stage at hand. */
export class WorkClock {
  private readonly left = new TimeLeft();

  constructor(private readonly kind: Work["kind"]) {}

  work(progress: Progress, now: number): Work {
    const { stage, done, total, note } = progress;
    const secondsLeft = this.left.after(progress, now);
    return {
      kind: this.kind,
      stage,
      done,
      total,
      ...(note !== undefined && { note }),
      ...(secondsLeft !== undefined && { secondsLeft }),
    };
  }
}
