import type { Progress } from "./ports.ts";

/** Time left means something after this long. */
const settleMs = 2000;

/**
 * The time left in the stage at hand, from how long what is done of it took. The clock starts with the first piece of work: what a
 * stage does once before it (choosing samples, one run of the network) is not done again for each.
 */
export class TimeLeft {
  private stage = "";
  private began = 0;
  private shareAtStart = 0;

  /** @param now milliseconds of a clock that does not jump; @returns seconds; undefined while too little is known, and at the end */
  after(progress: Progress, now: number): number | undefined {
    const share = shareOf(progress);
    if (progress.stage !== this.stage || share <= this.shareAtStart) {
      this.stage = progress.stage;
      this.began = now;
      this.shareAtStart = share;
      return undefined;
    }
    const elapsed = now - this.began;
    if (elapsed < settleMs || share >= 1) return undefined;
    return ((elapsed / (share - this.shareAtStart)) * (1 - share)) / 1000;
  }
}

function shareOf({ done, total, share }: Progress): number {
  if (share !== undefined) return share;
  return total > 0 ? Math.min(1, done / total) : 0;
}
