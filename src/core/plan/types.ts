import type { ActivationBits, Bits, Resource } from "../hardware/profile.ts";
import type { SensitivityMetric } from "../sensitivity/types.ts";

export type Strategy = "sigmaquant" | "exact" | `uniform:${Bits}`;

/** Use of one budget. Units: bytes, bytes, s, J, bit operations. `use` undefined = the profile has no figure for it. */
export interface BudgetUse {
  readonly name: Resource;
  readonly limit?: number;
  readonly use?: number;
  readonly unit: "B" | "s" | "J" | "bitops";
}

/** One layer's row: what was decided and what it costs. */
export interface PlanLayer {
  readonly name: string;
  readonly opType: string;
  /** null = kept in float. */
  readonly weightBits: Bits | null;
  readonly activationBits: ActivationBits | null;
  readonly pinned?: boolean;
  readonly weightShape: readonly number[];
  readonly params: number;
  readonly macs?: number;
  readonly sigma?: number;
  /** Sensitivity by bits, in the metric of the plan; estimates from the weights when nothing was measured. */
  readonly sensitivity?: Readonly<Partial<Record<Bits, number>>>;
  /** Bytes with scales, zero points, bias and alignment, as the device holds them. */
  readonly bytes: number;
  readonly latencyS?: number;
  readonly energyJ?: number;
  readonly bops?: number;
  readonly floatReason?: string;
}

/** The named zones of the two-phase search (paper, section on phase 2). */
export type Zone = "bit-increase" | "bit-decrease" | "transition" | "iteration" | "target" | "abandon";

/** One step of the two-phase search. */
export interface SearchStep {
  readonly phase: 1 | 2;
  readonly step: number;
  readonly zone: Zone;
  /** Cluster-size penalty in phase 1. */
  readonly lambda?: number;
  /** Layers whose bits changed, with the bits before and after. */
  readonly changes: readonly { readonly layer: string; readonly from: Bits; readonly to: Bits }[];
  /** Measured drop of the accuracy metric (fraction), or of the stand-in named in the plan's accuracy. */
  readonly drop: number;
  /** Largest use/limit over all budgets; <= 1 fits. */
  readonly pressure: number;
  readonly weightMemory: number;
  readonly kept: boolean;
}

export interface Accuracy {
  /** top1 and agreement are fractions; nmse is error over signal energy. */
  readonly metric: "top1" | "agreement" | "nmse";
  readonly float: number;
  readonly quantized: number;
  readonly samples: number;
  readonly synthetic?: boolean;
  /** "measured": the written file, run by ONNX Runtime; "simulated": fake quantization; "expected": from sensitivities. */
  readonly how: "measured" | "simulated" | "expected";
}

export interface Verdict {
  readonly verdict: "feasible" | "infeasible";
  /** One line, in the words of DESIGN-NOTES section 6: `Fits, −0.4 points`, `Does not fit: weight memory is 1.4 KiB over`. */
  readonly headline: string;
  readonly detail: string;
  /** The budget that binds when infeasible. */
  readonly binding?: Resource | "accuracy";
  /** Use of every budget at the nearest feasible point, and what to change. */
  readonly nearest?: { readonly budgets: readonly BudgetUse[]; readonly remedy: string };
}

/** A uniform bitwidth for all layers, for comparison. */
export interface Baseline {
  readonly bits: Bits;
  /** Bytes as the device holds them. */
  readonly weightMemory: number;
  readonly fits: boolean;
  /** Total sensitivity, in the metric of the plan. */
  readonly loss?: number;
  /** With the recovery of the run, for single layers. */
  readonly accuracy?: Accuracy;
  /** With weights rounded to the nearest; absent where the run recovers nothing, and `accuracy` is just that. */
  readonly rounded?: Accuracy;
}

/** The bit plan: `<model>.sigmaquant.json`. A person may edit layers' weightBits and pinned; the rest is recomputed. */
export interface Plan {
  /** Format version of the file. */
  readonly version: 1;
  readonly model: string;
  readonly modelHash: string;
  /** Path of the profile relative to the plan, or `preset:<name>`. */
  readonly profile: string;
  readonly strategy: Strategy;
  readonly activations: { readonly quantized: boolean; readonly range: "minmax" | "percentile" | "mse" };
  readonly sensitivityMetric: SensitivityMetric | "weights";
  readonly synthetic: boolean;
  readonly layers: readonly PlanLayer[];
  readonly budgets: readonly BudgetUse[];
  readonly accuracy?: Accuracy;
  readonly verdict: Verdict;
  readonly trace: readonly SearchStep[];
  /** Distance of the result from the proven optimum over the measured sensitivities. */
  readonly certificate?: {
    readonly loss: number;
    readonly optimum: number;
    readonly bound: number;
    readonly gap: number;
  };
}
