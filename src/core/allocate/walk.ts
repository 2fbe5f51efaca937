import { roundingAllowance } from "./costTable.ts";
import type { AllocationProblem } from "./problem.ts";

/** A limit of 0 that nothing may use, as a divisor; costs up to 1e100 stay finite. */
const zeroLimit = 1e-200;
/** Stands for "no further choice" in `fitsWith`. */
const none = -1;

/**
 * A choice per group of an allocation problem that is changed step by step, its sums kept up to date. Uses are costs as
 * fractions of their limits: 1 is all of it. Choices are numbered through all groups, so that the inner loops of the
 * searches run over flat arrays: choice c of the problem's group g is first[g] + c.
 */
export class Walk {
  readonly groups: number;
  readonly choices: number;
  readonly limits: number;
  /** first[g] .. first[g + 1] - 1 are the choices of group g. */
  readonly first: Int32Array;
  readonly groupOf: Int32Array;
  readonly losses: Float64Array;
  /** Use of limit k by choice c at c * limits + k. */
  readonly uses: Float64Array;
  /** The choice of each group. */
  readonly at: Int32Array;
  loss = 0;
  readonly used: Float64Array;
  private readonly capacity: number;

  /** @param allowance of each limit: 1, or more where no choice meets the limits themselves */
  constructor(
    problem: AllocationProblem,
    choice: readonly number[],
    readonly allowance = 1,
  ) {
    const flat = problem.groups.flat();
    this.groups = problem.groups.length;
    this.choices = flat.length;
    this.limits = problem.limits.length;
    this.capacity = allowance * (1 + roundingAllowance);
    this.first = new Int32Array(this.groups + 1);
    this.groupOf = Int32Array.from(problem.groups.flatMap((group, g) => group.map(() => g)));
    for (const [g, group] of problem.groups.entries()) this.first[g + 1] = (this.first[g] as number) + group.length;
    this.losses = Float64Array.from(flat, (each) => each.loss);
    const limits = problem.limits.map((limit) => (limit > 0 ? limit : zeroLimit));
    this.uses = Float64Array.from(flat.flatMap(({ costs }) => limits.map((limit, k) => (costs[k] as number) / limit)));
    this.at = Int32Array.from(choice, (c, g) => (this.first[g] as number) + c);
    this.used = new Float64Array(this.limits);
    for (const c of this.at) this.add(c, 1);
  }

  /** Index of each group's choice within its group. */
  get choice(): number[] {
    return Array.from(this.at, (c, g) => c - (this.first[g] as number));
  }

  /** Largest use; 0 without limits. */
  get pressure(): number {
    return this.used.length === 0 ? 0 : Math.max(...this.used);
  }

  get fits(): boolean {
    return this.pressure <= this.capacity;
  }

  /** Change of the loss when c's group goes to c; negative is an improvement. */
  lossBy(c: number): number {
    return (this.losses[c] as number) - (this.losses[this.at[this.groupOf[c] as number] as number] as number);
  }

  /** Change of the use of limit k. */
  useBy(c: number, k: number): number {
    const from = this.at[this.groupOf[c] as number] as number;
    return (this.uses[c * this.limits + k] as number) - (this.uses[from * this.limits + k] as number);
  }

  /** Largest increase of a use: what going to c takes of the budget it burdens most. <= 0 if it burdens none. */
  demand(c: number): number {
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < this.limits; k++) most = Math.max(most, this.useBy(c, k));
    return most;
  }

  /** What going to c takes off the excess over the limits, summed; negative if it adds to it. */
  relief(c: number): number {
    let relief = 0;
    for (let k = 0; k < this.limits; k++) {
      const use = this.used[k] as number;
      relief += Math.max(0, use - this.allowance) - Math.max(0, use + this.useBy(c, k) - this.allowance);
    }
    return relief;
  }

  /** Whether all limits hold after going to these choices, of different groups. */
  fitsWith(a: number, b = none, c = none): boolean {
    for (let k = 0; k < this.limits; k++) {
      let use = (this.used[k] as number) + this.useBy(a, k);
      if (b !== none) use += this.useBy(b, k);
      if (c !== none) use += this.useBy(c, k);
      if (use > this.capacity) return false;
    }
    return true;
  }

  /** Goes to choice c. */
  take(c: number): void {
    const g = this.groupOf[c] as number;
    this.add(this.at[g] as number, -1);
    this.at[g] = c;
    this.add(c, 1);
  }

  private add(c: number, sign: number): void {
    this.loss += sign * (this.losses[c] as number);
    for (let k = 0; k < this.limits; k++) {
      this.used[k] = (this.used[k] as number) + sign * (this.uses[c * this.limits + k] as number);
    }
  }
}
