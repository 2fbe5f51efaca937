import { undominated } from "./dominance.ts";

/** First capacity; arrays double when they are full. */
const firstCapacity = 1024;

/**
 * Partial choices of one level of the core search, as arrays: sums with all open groups at their first choice, a lower
 * bound on every completion, and where each came from.
 */
export class States {
  count = 0;
  /** Index of the state of the level before, and the choice (flat index) that was added to it. */
  parent = new Int32Array(firstCapacity);
  choice = new Int32Array(firstCapacity);
  loss = new Float64Array(firstCapacity);
  bound = new Float64Array(firstCapacity);
  /** Cost k of state s at s * m + k. */
  cost: Float64Array<ArrayBuffer>;

  constructor(private readonly m: number) {
    this.cost = new Float64Array(firstCapacity * m);
  }

  push(parent: number, choice: number, loss: number, bound: number, cost: Float64Array): void {
    const at = this.count;
    if (at === this.loss.length) this.grow(2 * at);
    this.parent[at] = parent;
    this.choice[at] = choice;
    this.loss[at] = loss;
    this.bound[at] = bound;
    for (let k = 0; k < this.m; k++) this.cost[at * this.m + k] = cost[k] as number;
    this.count = at + 1;
  }

  /** Least bound of the states from `from` on; Infinity if there are none. */
  leastBound(from: number): number {
    let least = Number.POSITIVE_INFINITY;
    for (let s = from; s < this.count; s++) least = Math.min(least, this.bound[s] as number);
    return least;
  }

  /**
   * Fills this level with the best of `made`: bounds below `target` only, none that another one dominates at equal
   * costs, in order of the bound, at most `width` of them. Returns the least bound among those left out for want of
   * room; Infinity if none was.
   */
  takeBest(made: States, width: number, target: number): number {
    const { m } = this;
    const below = new Int32Array(made.count);
    let count = 0;
    for (let s = 0; s < made.count; s++) if ((made.bound[s] as number) < target) below[count++] = s;
    const sorted = below.subarray(0, count).sort((a, b) => (made.bound[a] as number) - (made.bound[b] as number));
    const order = undominated(made.loss, made.cost, m, sorted);
    const kept = Math.min(order.length, width);
    if (kept > this.loss.length) this.grow(Math.max(kept, 2 * this.loss.length));
    for (let i = 0; i < kept; i++) {
      const from = order[i] as number;
      this.parent[i] = made.parent[from] as number;
      this.choice[i] = made.choice[from] as number;
      this.loss[i] = made.loss[from] as number;
      this.bound[i] = made.bound[from] as number;
      for (let k = 0; k < m; k++) this.cost[i * m + k] = made.cost[from * m + k] as number;
    }
    this.count = kept;
    return order.length > kept ? (made.bound[order[kept] as number] as number) : Number.POSITIVE_INFINITY;
  }

  private grow(capacity: number): void {
    this.parent = grown(this.parent, new Int32Array(capacity));
    this.choice = grown(this.choice, new Int32Array(capacity));
    this.loss = grown(this.loss, new Float64Array(capacity));
    this.bound = grown(this.bound, new Float64Array(capacity));
    this.cost = grown(this.cost, new Float64Array(capacity * this.m));
  }
}

/** How the states of each level came about: enough to name the choices behind any of them. */
export class Trail {
  private readonly levels: { readonly parent: Int32Array; readonly choice: Int32Array }[] = [];
  /** States recorded, 8 bytes each. */
  size = 0;

  /** Records the states of the next level. */
  push({ parent, choice, count }: States): void {
    this.levels.push({ parent: parent.slice(0, count), choice: choice.slice(0, count) });
    this.size += count;
  }

  /** Writes the choices behind state s of the last level: picks[g] for the groups that are decided. */
  write(s: number, picks: Int32Array): void {
    let at = s;
    for (let g = this.levels.length - 1; g >= 0; g--) {
      const level = this.levels[g] as { readonly parent: Int32Array; readonly choice: Int32Array };
      picks[g] = level.choice[at] as number;
      at = level.parent[at] as number;
    }
  }
}

function grown<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
