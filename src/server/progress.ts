import type { Progress } from "../core/ports.ts";
import type { Work } from "../protocol/editor.ts";

/** Time left means something after this long. */
const settleMs = 2000;

/** Turns what a job tells into what the page shows, with the time left in the stage at hand. */
export class WorkClock {
  private stage = "";
  private began = 0;
  private doneAtStart = 0;

  constructor(private readonly kind: Work["kind"]) {}

  work({ stage, done, total, note }: Progress, now: number): Work {
    if (stage !== this.stage) {
      this.stage = stage;
      this.began = now;
      this.doneAtStart = done;
    }
    const elapsed = now - this.began;
    const made = done - this.doneAtStart;
    const secondsLeft = elapsed >= settleMs && made > 0 ? ((elapsed / made) * (total - done)) / 1000 : undefined;
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
