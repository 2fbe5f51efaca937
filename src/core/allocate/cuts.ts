import type { Instance } from "./instance.ts";

/** Multipliers u whose Lagrangian bound holds for every state of every level. */
interface Cut {
  readonly multipliers: Float64Array;
  /**
   * Per level g: sum over the groups from g on of min_c (score_c - score of the first choice), minus u . limit. With
   * a state's sums (open groups at their first choice) it makes the bound: loss + u . cost + rest[g].
   */
  readonly rest: Float64Array;
  /** How often it pruned, older times counting less. */
  uses: number;
}

/** Cuts kept; beyond some tens the checking costs more than it prunes. Our choice, by measurement. */
const maxCuts = 40;
/** What is left of a cut's uses when a new one comes: after a few levels only recent ones count. Our choice. */
const fading = 0.7;
/** Uses that a new cut starts with, so that it is not the first to go. Our choice. */
const firstUses = 10;

/** The Lagrangian bounds of a core search: several multipliers at once, those that prune most asked first. */
export class Cuts {
  private readonly cuts: Cut[] = [];

  constructor(
    private readonly instance: Instance,
    private readonly limit: Float64Array,
    multipliers: readonly Float64Array[],
  ) {
    for (const each of multipliers.slice(0, maxCuts).toReversed()) this.add(each);
  }

  /** In the order they are asked in. */
  get multipliers(): readonly Float64Array[] {
    return this.cuts.map((cut) => cut.multipliers);
  }

  add(multipliers: Float64Array): void {
    const { n, m, start, loss, cost } = this.instance;
    if (this.cuts.length >= maxCuts) {
      let idle = 0;
      for (const [i, cut] of this.cuts.entries()) if (cut.uses < (this.cuts[idle] as Cut).uses) idle = i;
      this.cuts.splice(idle, 1);
    }
    for (const cut of this.cuts) cut.uses *= fading;
    const rest = new Float64Array(n + 1);
    for (let k = 0; k < m; k++) rest[n] = (rest[n] as number) - (multipliers[k] as number) * (this.limit[k] as number);
    for (let g = n - 1; g >= 0; g--) {
      const first = start[g] as number;
      let least = 0;
      for (let c = first + 1; c < (start[g + 1] as number); c++) {
        let score = (loss[c] as number) - (loss[first] as number);
        for (let k = 0; k < m; k++) {
          score += (multipliers[k] as number) * ((cost[c * m + k] as number) - (cost[first * m + k] as number));
        }
        if (score < least) least = score;
      }
      rest[g] = (rest[g + 1] as number) + least;
    }
    this.cuts.unshift({ multipliers, rest, uses: firstUses });
  }

  /**
   * A lower bound on every completion of a state whose groups from g on are free: the first one found that reaches
   * `target`, else the largest. The cut that pruned moves one place to the front.
   */
  bound(loss: number, cost: Float64Array, at: number, g: number, target: number): number {
    const { m } = this.instance;
    const { cuts } = this;
    let best = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < cuts.length; i++) {
      const cut = cuts[i] as Cut;
      const { multipliers } = cut;
      let value = loss + (cut.rest[g] as number);
      for (let k = 0; k < m; k++) value += (multipliers[k] as number) * (cost[at + k] as number);
      if (value <= best) continue;
      best = value;
      if (best < target) continue;
      cut.uses++;
      if (i > 0) {
        cuts[i] = cuts[i - 1] as Cut;
        cuts[i - 1] = cut;
      }
      break;
    }
    return best;
  }

  /** The multipliers with the largest bound for a state, and that bound. */
  strongest(loss: number, cost: Float64Array, at: number, g: number): { multipliers?: Float64Array; bound: number } {
    const { m } = this.instance;
    let bound = Number.NEGATIVE_INFINITY;
    let multipliers: Float64Array | undefined;
    for (const cut of this.cuts) {
      let value = loss + (cut.rest[g] as number);
      for (let k = 0; k < m; k++) value += (cut.multipliers[k] as number) * (cost[at + k] as number);
      if (value <= bound) continue;
      bound = value;
      multipliers = cut.multipliers;
    }
    return multipliers === undefined ? { bound } : { multipliers, bound };
  }
}
