/** Reduced costs above -tolerance count as optimal; the columns are scaled to about 1. */
const tolerance = 1e-12;
/** Pivots with a smaller element would blow up the inverse. */
const smallestPivot = 1e-11;
/** After so many pivots in one call the rule changes from steepest to Bland's, which cannot cycle. */
const pivotsBeforeBland = 60;
/** A hard stop: the optimum of a handful of rows takes a dozen pivots. */
const maxPivots = 400;

/**
 * The master linear program of Dantzig and Wolfe (Decomposition principle for linear programs, 1960): the convex mix of
 * known points that has least loss within the limits. Its dual multipliers are where the next point is looked for.
 *
 *     min  sum_i y_i loss_i + elastic   s.t.  sum_i y_i excess_ik <= elastic_k,  sum_i y_i = 1,  y >= 0
 *
 * "each": every limit k may be exceeded at `penalty` per unit (so that a start exists; the multipliers stay below it).
 * "shared": one excess for all limits, which itself is minimized (penalty 1): the nearest point of an infeasible problem.
 */
export class Master {
  readonly multipliers: Float64Array;
  /** Optimal value of the master: an upper bound of the dual once penalties are high enough. */
  value = Number.POSITIVE_INFINITY;
  private readonly rows: number;
  private readonly elastics: number;
  private readonly columns: Float64Array[] = [];
  private readonly prices: number[] = [];
  private readonly basis: number[] = [];
  private inverse: Float64Array;
  private readonly level: Float64Array;

  constructor(
    private readonly m: number,
    private readonly elastic: "each" | "shared",
    private penalty: number,
  ) {
    this.rows = m + 1;
    this.multipliers = new Float64Array(m);
    this.inverse = new Float64Array(this.rows * this.rows);
    this.level = new Float64Array(this.rows);
    for (let k = 0; k < m; k++) this.push(0, (row) => (row === k ? 1 : 0));
    this.elastics = elastic === "each" ? m : 1;
    for (let e = 0; e < this.elastics; e++) {
      this.push(penalty, (row) => (row < m && (elastic === "shared" || row === e) ? -1 : 0));
    }
  }

  /** Adds a point: its loss and by how much it exceeds each limit. */
  add(loss: number, excess: ArrayLike<number>): void {
    this.push(loss, (row) => (row === this.m ? 1 : (excess[row] as number)));
    if (this.columns.length === this.m + this.elastics + 1) this.start(excess);
  }

  /** Raises the price of exceeding a limit. Only for "each". */
  raise(penalty: number): void {
    this.penalty = penalty;
    for (let e = 0; e < this.elastics; e++) this.prices[this.m + e] = penalty;
  }

  /** True when the optimum still exceeds a limit. */
  get exceeds(): boolean {
    return this.basis.some((column, row) => this.isElastic(column) && (this.level[row] as number) > 1e-9);
  }

  /** Re-optimizes; sets `multipliers` and `value`. */
  solve(): void {
    const { rows, m } = this;
    const dual = new Float64Array(rows);
    const direction = new Float64Array(rows);
    for (let pivots = 0; ; pivots++) {
      dual.fill(0);
      for (let r = 0; r < rows; r++) {
        const price = this.prices[this.basis[r] as number] as number;
        if (price !== 0) for (let c = 0; c < rows; c++) dual[c] = at(dual, c) + price * at(this.inverse, r * rows + c);
      }
      const entering = pivots < maxPivots ? this.price(dual, pivots >= pivotsBeforeBland) : -1;
      if (entering < 0) break;
      const column = this.columns[entering] as Float64Array;
      let leaving = -1;
      let ratio = Number.POSITIVE_INFINITY;
      for (let r = 0; r < rows; r++) {
        let sum = 0;
        for (let c = 0; c < rows; c++) sum += at(this.inverse, r * rows + c) * at(column, c);
        direction[r] = sum;
        if (sum <= smallestPivot) continue;
        const limit = Math.max(0, at(this.level, r)) / sum;
        if (limit < ratio || (limit === ratio && (this.basis[r] as number) < (this.basis[leaving] as number))) {
          ratio = limit;
          leaving = r;
        }
      }
      if (leaving < 0) break;
      this.basis[leaving] = entering;
      this.invert();
    }
    for (let k = 0; k < m; k++) this.multipliers[k] = Math.max(0, -at(dual, k));
    this.value = at(dual, m);
  }

  private isElastic(column: number): boolean {
    return column >= this.m && column < this.m + this.elastics;
  }

  private push(price: number, entry: (row: number) => number): void {
    this.prices.push(price);
    this.columns.push(Float64Array.from({ length: this.rows }, (_, row) => entry(row)));
  }

  /** First basis: the first point, its slacks, and elastics where it exceeds a limit. */
  private start(excess: ArrayLike<number>): void {
    const first = this.m + this.elastics;
    let worst = -1;
    for (let k = 0; k < this.m; k++) {
      const over = excess[k] as number;
      this.basis[k] = over > 0 && this.elastic === "each" ? this.m + k : k;
      if (over > 0 && (worst < 0 || over > (excess[worst] as number))) worst = k;
    }
    if (this.elastic === "shared" && worst >= 0) this.basis[worst] = this.m;
    this.basis[this.m] = first;
    this.invert();
  }

  private price(dual: Float64Array, bland: boolean): number {
    let entering = -1;
    let least = -tolerance;
    for (let i = 0; i < this.columns.length; i++) {
      const column = this.columns[i] as Float64Array;
      let reduced = this.prices[i] as number;
      for (let r = 0; r < this.rows; r++) reduced -= at(dual, r) * at(column, r);
      if (reduced < least && !this.basis.includes(i)) {
        if (bland) return i;
        least = reduced;
        entering = i;
      }
    }
    return entering;
  }

  /** Inverse of the basis by Gauss-Jordan with partial pivoting: a handful of rows, so exact renewal is cheap. */
  private invert(): void {
    const { rows } = this;
    const width = 2 * rows;
    const work = new Float64Array(rows * width);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < rows; c++) work[r * width + c] = at(this.columns[this.basis[c] as number] as Float64Array, r);
      work[r * width + rows + r] = 1;
    }
    for (let c = 0; c < rows; c++) {
      let pivot = c;
      for (let r = c + 1; r < rows; r++) {
        if (Math.abs(at(work, r * width + c)) > Math.abs(at(work, pivot * width + c))) pivot = r;
      }
      for (let i = 0; i < width; i++) {
        const held = at(work, c * width + i);
        work[c * width + i] = at(work, pivot * width + i);
        work[pivot * width + i] = held;
      }
      const scale = 1 / at(work, c * width + c);
      for (let i = 0; i < width; i++) work[c * width + i] = at(work, c * width + i) * scale;
      for (let r = 0; r < rows; r++) {
        const factor = at(work, r * width + c);
        if (r === c || factor === 0) continue;
        for (let i = 0; i < width; i++) work[r * width + i] = at(work, r * width + i) - factor * at(work, c * width + i);
      }
    }
    const next = new Float64Array(rows * rows);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < rows; c++) next[r * rows + c] = at(work, r * width + rows + c);
      // The right-hand side is zero but for the last row, which is one.
      this.level[r] = at(next, r * rows + rows - 1);
    }
    this.inverse = next;
  }
}

function at(array: Float64Array, index: number): number {
  return array[index] as number;
}
