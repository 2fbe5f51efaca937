/**
 * The allocation as a multiple-choice knapsack: one choice per group (a layer, or layers that share their bits), least
 * total loss under every limit at once. Plain numbers; units are the caller's.
 */
export interface AllocationProblem {
  /** Groups of choices. Costs of a choice: one entry per limit. Losses and costs are finite and >= 0. */
  readonly groups: readonly (readonly Choice[])[];
  /** What is left of each budget after the fixed costs. Infinity = unlimited. */
  readonly limits: readonly number[];
}
export interface Choice {
  readonly loss: number;
  readonly costs: readonly number[];
}

export type Allocation =
  | {
      readonly feasible: true;
      /** Index of the chosen choice per group. */
      readonly choice: readonly number[];
      readonly loss: number;
      readonly costs: readonly number[];
      /** A proven lower bound on the loss of any feasible choice. */
      readonly bound: number;
      /** (loss - bound) / max(loss, tiny); 0 = proven optimal. */
      readonly gap: number;
    }
  | {
      readonly feasible: false;
      /**
       * Proven: no choice meets all limits. `binding` is the index of the limit with the largest relative excess at the
       * nearest point, which minimizes the largest relative excess over all limits, and among such points the loss (both
       * as far as the time went). For limits of zero and less see `excessUnits`.
       */
      readonly binding: number;
      readonly nearest: {
        readonly choice: readonly number[];
        readonly loss: number;
        readonly costs: readonly number[];
      };
      /** Smallest reachable value of each cost on its own. */
      readonly minimum: readonly number[];
    };
