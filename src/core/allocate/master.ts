import { invertInPlace } from "./inverse.ts";

/** Reduced costs above -tolerance count as optimal; the columns are scaled to about 1. */
const tolerance = 1e-12;
/** Pivots with a smaller element would blow up the inverse. */
const smallestPivot = 1e-11;
/** An elastic column at less than this is rounding. */
const smallestLevel = 1e-9;
/** After so many pivots in one call the rule changes from steepest to Bland's, which cannot cycle. */
const pivotsBeforeBland = 60;
/** A hard stop: the optimum of a handful of rows takes a dozen pivots. */
const maxPivots = 400;

/**
 * The master linear program of Dantzig and Wolfe ("Decomposition principle for linear programs", 1960): the convex mix
 * of known points that has least loss within the limits. Its dual multipliers are where the next point is looked for.
 *
 *     min  sum_i y_i loss_i + penalty * elastic
 *     s.t. sum_i y_i excess_ik <= elastic_k for each limit k,   sum_i y_i = 1,   y, elastic >= 0
 *
 * "each": every limit k may be exceeded at the penalty per unit (so that a start exists; the multipliers stay below
 * it). "shared": one excess for all limits, which itself is minimized: the nearest point of an infeasible problem.
 *
 * Solved by the revised simplex method: one row per limit and one for the convex mix, columns in the order slacks,
 * elastics, points. The multipliers only steer where the dual looks next; whatever they are, its bound is valid.
 */
export class Master {
  readonly multipliers: Float64Array;
  /** Optimal value of the master: an upper bound of the dual once penalties are high enough. */
  value = Number.POSITIVE_INFINITY;
  private readonly rows: number;
  private readonly elastics: number;
  private readonly columns: Float64Array[] = [];
  private readonly prices: number[] = [];
  /** Column of each row of the basis, the basis's inverse (row-major), and how much of each column is in the mix. */
  private readonly basis: number[] = [];
  private readonly inverse: Float64Array;
  private readonly work: Float64Array;
  private readonly level: Float64Array;

  constructor(
    private readonly m: number,
    private readonly elastic: "each" | "shared",
    penalty: number,
  ) {
    this.rows = m + 1;
    this.multipliers = new Float64Array(m);
    this.inverse = new Float64Array(this.rows * this.rows);
    this.work = new Float64Array(2 * this.rows * this.rows);
    this.level = new Float64Array(this.rows);
    for (let k = 0; k < m; k++) this.push(0)[k] = 1;
    this.elastics = elastic === "each" ? m : 1;
    for (let e = 0; e < this.elastics; e++) {
      const column = this.push(penalty);
      if (elastic === "each") column[e] = -1;
      else column.fill(-1, 0, m);
    }
  }

  /** Adds a point: its loss and by how much it exceeds each limit. */
  add(loss: number, excess: Float64Array): void {
    const column = this.push(loss);
    column.set(excess);
    column[this.m] = 1;
    if (this.columns.length === this.m + this.elastics + 1) this.start(excess);
  }

  /** Raises the price of exceeding a limit. Only for "each". */
  raise(penalty: number): void {
    for (let e = 0; e < this.elastics; e++) this.prices[this.m + e] = penalty;
  }

  /** True when the optimum still exceeds a limit. */
  get exceeds(): boolean {
    return this.basis.some(
      (column, row) =>
        column >= this.m && column < this.m + this.elastics && (this.level[row] as number) > smallestLevel,
    );
  }

  /** Re-optimizes; sets `multipliers` and `value`. */
  solve(): void {
    const { rows, m } = this;
    const dual = new Float64Array(rows);
    for (let pivots = 0; ; pivots++) {
      this.price(dual);
      const entering = pivots < maxPivots ? this.entering(dual, pivots >= pivotsBeforeBland) : -1;
      const leaving = entering < 0 ? -1 : this.leaving(this.columns[entering] as Float64Array);
      if (leaving < 0 || !this.exchange(leaving, entering)) break;
    }
    for (let k = 0; k < m; k++) this.multipliers[k] = Math.max(0, -(dual[k] as number));
    this.value = dual[m] as number;
  }

  /** A new column, all zero. */
  private push(price: number): Float64Array {
    const column = new Float64Array(this.rows);
    this.prices.push(price);
    this.columns.push(column);
    return column;
  }

  /** First basis: the first point, its slacks, and elastics where it exceeds a limit. */
  private start(excess: Float64Array): void {
    let worst = -1;
    for (let k = 0; k < this.m; k++) {
      const over = excess[k] as number;
      this.basis[k] = over > 0 && this.elastic === "each" ? this.m + k : k;
      if (over > 0 && (worst < 0 || over > (excess[worst] as number))) worst = k;
    }
    if (this.elastic === "shared" && worst >= 0) this.basis[worst] = this.m;
    this.basis[this.m] = this.m + this.elastics;
    this.invert();
  }

  /** Dual values of the basis: prices times inverse. */
  private price(dual: Float64Array): void {
    const { rows, inverse } = this;
    dual.fill(0);
    for (let r = 0; r < rows; r++) {
      const price = this.prices[this.basis[r] as number] as number;
      if (price === 0) continue;
      for (let c = 0; c < rows; c++) dual[c] = (dual[c] as number) + price * (inverse[r * rows + c] as number);
    }
  }

  /** The column with the most negative reduced cost (Bland: the first with a negative one); -1 at the optimum. */
  private entering(dual: Float64Array, bland: boolean): number {
    let entering = -1;
    let least = -tolerance;
    for (let i = 0; i < this.columns.length; i++) {
      const column = this.columns[i] as Float64Array;
      let reduced = this.prices[i] as number;
      for (let r = 0; r < this.rows; r++) reduced -= (dual[r] as number) * (column[r] as number);
      if (reduced >= least || this.basis.includes(i)) continue;
      if (bland) return i;
      least = reduced;
      entering = i;
    }
    return entering;
  }

  /** The row whose column reaches zero first as `column` comes in; of equal ones the lowest column, as Bland has it. */
  private leaving(column: Float64Array): number {
    const { rows, inverse, basis } = this;
    let leaving = -1;
    let ratio = Number.POSITIVE_INFINITY;
    for (let r = 0; r < rows; r++) {
      let change = 0;
      for (let c = 0; c < rows; c++) change += (inverse[r * rows + c] as number) * (column[c] as number);
      if (change <= smallestPivot) continue;
      const steps = Math.max(0, this.level[r] as number) / change;
      if (steps < ratio || (steps === ratio && (basis[r] as number) < (basis[leaving] as number))) {
        ratio = steps;
        leaving = r;
      }
    }
    return leaving;
  }

  /**
   * Puts a column into the basis in place of a row's; false, with nothing changed, when that basis can't be inverted.
   */
  private exchange(row: number, entering: number): boolean {
    const before = this.basis[row] as number;
    this.basis[row] = entering;
    if (this.invert()) return true;
    this.basis[row] = before;
    return false;
  }

  /** Inverts the basis anew: for a handful of rows that is cheap, and no rounding piles up. */
  private invert(): boolean {
    const { rows, work, inverse } = this;
    for (const [c, index] of this.basis.entries()) {
      const column = this.columns[index] as Float64Array;
      for (let r = 0; r < rows; r++) work[2 * r * rows + c] = column[r] as number;
    }
    if (!invertInPlace(work, rows)) return false;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < rows; c++) inverse[r * rows + c] = work[(2 * r + 1) * rows + c] as number;
      // The right-hand side is zero but for the last row, which is one.
      this.level[r] = inverse[r * rows + rows - 1] as number;
    }
    return true;
  }
}
