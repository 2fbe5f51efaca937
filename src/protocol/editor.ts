import type { ActivationBits, Bits, Resource } from "../core/hardware/profile.ts";
import type { Accuracy, Baseline, BudgetUse, SearchStep, Strategy, Verdict } from "../core/plan/types.ts";
import type { SensitivityMetric, WeightError } from "../core/sensitivity/types.ts";

/** Something that can be chosen in the header: a profile, a calibration or an evaluation set. */
export interface Choice {
  /** `preset:generic`, or a path. */
  readonly id: string;
  readonly label: string;
  readonly detail?: string;
  readonly kind: "workspace" | "preset";
}

/** A sample set in use. */
export interface SampleSet {
  readonly id: string;
  readonly label: string;
  readonly samples: number;
  readonly hasLabels: boolean;
  readonly synthetic: boolean;
}

/** Facts of the graph: known as soon as the file is open, before any weight is read. */
export interface ModelFacts {
  readonly opset: number;
  readonly irVersion: number;
  readonly producer?: string;
  readonly layers: number;
  readonly params: number;
  readonly macs?: number;
  readonly floatBytes: number;
  /** Element type of most weights: `float32`. */
  readonly floatType: string;
  /** Open dimensions with the values assumed for them. */
  readonly assumed: readonly {
    readonly input: string;
    readonly axis: number;
    readonly name: string;
    readonly value: number;
  }[];
  readonly notes: readonly string[];
}

/** One row of the layer table. Absent = not computed yet, or unknown on this device (`costUnknown` tells which). */
export interface LayerRow {
  readonly name: string;
  readonly opType: string;
  readonly weightShape: readonly number[];
  readonly params: number;
  readonly macs?: number;
  readonly sigma?: number;
  /** From the weights alone, by bitwidth. An SQNR of Infinity (exact) is null after its way through JSON. */
  readonly weightErrors?: readonly WeightError[];
  /** Measured on samples, in `metric` of the snapshot. */
  readonly sensitivity?: Readonly<Partial<Record<Bits, number>>>;
  /** null = kept in float. */
  readonly weightBits?: Bits | null;
  readonly activationBits?: ActivationBits | null;
  readonly pinned: boolean;
  /** Bits that this layer may have on the device. */
  readonly allowedBits: readonly Bits[];
  /** Bits before the change that is not saved or applied yet. */
  readonly wasBits?: Bits | null;
  /** Bytes with scales and bias, by the assigned bits; by bits for menus in `bytesByBits`. */
  readonly bytes?: number;
  readonly bytesByBits?: Readonly<Partial<Record<Bits, number>>>;
  readonly latencyS?: number;
  readonly energyJ?: number;
  readonly bops?: number;
  readonly floatReason?: string;
  readonly floatDetail?: string;
  /** The layer's weights changed since it was analyzed. */
  readonly outdated?: boolean;
}

/** A budget as the gauges show it: `limit` in force, `profileLimit` what the file says (differs in a what-if). */
export interface GaugeBudget extends BudgetUse {
  readonly profileLimit?: number;
}

export interface ParetoPoint {
  readonly weightMemory: number;
  /** Expected loss: sum of the sensitivities, in the metric. */
  readonly loss: number;
  /** Measured drop of accuracy, a fraction, where it was measured. */
  readonly drop?: number;
}

export interface Pareto {
  readonly points: readonly ParetoPoint[];
  readonly chosen?: ParetoPoint;
  readonly baselines: readonly Baseline[];
}

/** Long work under way. */
export interface Work {
  readonly kind: "open" | "analyze" | "allocate" | "quantize";
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  /** Layer (and bits) in hand. */
  readonly note?: string;
  readonly secondsLeft?: number;
}

/** Things that the page tells in a banner, most important first. */
export type Notice =
  | { readonly kind: "untrusted" }
  | { readonly kind: "synthetic" }
  /** null = tried without a limit. */
  | {
      readonly kind: "whatIf";
      readonly resource: Resource;
      readonly limit: number | null;
      readonly profileLimit?: number;
    }
  | { readonly kind: "stale"; readonly changed: number; readonly layers: number; readonly secondsAgo: number }
  /** `layer`: at which the process that runs models ended; without it the server itself did, or it was at no layer. */
  | { readonly kind: "restarted"; readonly kept: number; readonly total: number; readonly layer?: string }
  /** Layers that were left out, as running them ended that process or there was no memory for them. */
  | { readonly kind: "skipped"; readonly layers: readonly string[] }
  /** @see Work for its stage and counts */
  | { readonly kind: "stopped"; readonly stage: string; readonly done: number; readonly total: number }
  | { readonly kind: "noEvaluation" }
  | { readonly kind: "noRuntime"; readonly message: string }
  | {
      readonly kind: "problem";
      readonly message: string;
      readonly code: string;
      readonly file?: string;
      readonly line?: number;
    };

/** An error that leaves nothing to show. */
export interface FatalProblem {
  readonly title: string;
  readonly message: string;
  readonly remedy: string;
  readonly code: string;
  readonly slug: string;
}

/** What came out of a run: float beside quantized. */
export interface Comparison {
  readonly source: string;
  readonly quantized: string;
  readonly profileName: string;
  readonly seconds: number;
  readonly verdict: Verdict;
  readonly budgets: readonly BudgetUse[];
  readonly columns: readonly ComparisonColumn[];
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: string;
    readonly sqnrDb: number;
    /** null where it is not finite, after its way through JSON. */
    readonly maxError: number;
  }[];
  /** Of the labelled samples: how predictions changed. */
  readonly changed?: {
    readonly rightToWrong: number;
    readonly wrongToRight: number;
    readonly wrongBoth: number;
    readonly samples: number;
  };
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly notes: readonly string[];
}

export interface ComparisonColumn {
  readonly kind: "float" | "quantized" | "baseline";
  readonly title: string;
  readonly subtitle: string;
  readonly top1?: number;
  readonly top5?: number;
  readonly agreement?: number;
  readonly kl?: number;
  readonly fileBytes?: number;
  readonly uses: Readonly<Partial<Record<Resource, number>>>;
  readonly verdict?: "fits" | "doesNotFit" | "lossTooHigh";
}

/** Everything the page shows, whole: a page that was hidden is rebuilt from one of these. */
export interface EditorSnapshot {
  /** Grows with every snapshot of a document; an older one that comes late is dropped. */
  readonly sequence: number;
  readonly fileName: string;
  readonly fatal?: FatalProblem;
  readonly trusted: boolean;
  readonly model?: ModelFacts;
  readonly profiles: readonly Choice[];
  readonly profile?: {
    readonly id: string;
    readonly name: string;
    readonly weightBits: readonly Bits[];
    readonly maxDrop?: number;
  };
  readonly sampleSets: readonly Choice[];
  readonly calibration?: SampleSet;
  readonly evaluation?: SampleSet;
  readonly strategy: Strategy;
  readonly maxDrop?: number;
  /** Candidate bitwidths measured: the slots of the sensitivity cells. */
  readonly bits: readonly Bits[];
  readonly metric?: SensitivityMetric;
  readonly synthetic: boolean;
  readonly work?: Work;
  readonly notices: readonly Notice[];
  readonly verdict?: Verdict;
  readonly accuracy?: Accuracy;
  /** Buttons beside an infeasible verdict, the smallest change first. */
  readonly remedies: readonly Remedy[];
  readonly budgets: readonly GaugeBudget[];
  readonly layers: readonly LayerRow[];
  readonly pareto?: Pareto;
  readonly trace: readonly SearchStep[];
  readonly traceSeconds?: number;
  /** Drop of accuracy (fraction) beyond which the search gives a step up: the border of its abandon zone. */
  readonly abandonDrop?: number;
  readonly certificate?: {
    readonly loss: number;
    readonly optimum: number;
    readonly bound: number;
    readonly gap: number;
  };
  readonly comparison?: Comparison;
  readonly hasPlan: boolean;
}

export interface Remedy {
  readonly label: string;
  readonly detail?: string;
  readonly action: /** In the program's units. */
    | { readonly kind: "setBudgets"; readonly limits: Readonly<Partial<Record<Resource, number>>> }
    | { readonly kind: "allowBits"; readonly bits: Bits }
    | { readonly kind: "setMaxDrop"; readonly maxDrop: number };
}

/** Weights of one layer as the histogram shows them; asked for when a layer is selected. */
export interface WeightHistogram {
  readonly layer: string;
  readonly min: number;
  readonly max: number;
  readonly counts: readonly number[];
  readonly sigma: number;
  /** Output channels, each with a scale of its own. */
  readonly channels: number;
  /** Quantization levels of the channel with the median scale, by bitwidth. */
  readonly levels: Readonly<Partial<Record<Bits, readonly number[]>>>;
  /** Fraction of the weights that are clipped, by bitwidth. */
  readonly clipped: Readonly<Partial<Record<Bits, number>>>;
}

/** Messages to the page. */
export type ToPage =
  | { readonly type: "snapshot"; readonly snapshot: EditorSnapshot }
  | { readonly type: "histogram"; readonly histogram: WeightHistogram }
  | { readonly type: "reveal"; readonly layer: string };

/** Commands that a page may ask for; nothing else can be run from it. */
export const pageCommands = [
  "analyze",
  "resume",
  "cancel",
  "quantize",
  "openPlan",
  "exportReport",
  "exportCsv",
  "exportModelExplorer",
  "newProfile",
  "editProfile",
  "writeToProfile",
  "resetWhatIf",
  "reallocate",
  "resetAllBits",
  "chooseCalibration",
  "chooseEvaluation",
  "chooseProfile",
  "compareDevices",
  "manageTrust",
  "showLog",
  "retry",
  "openAsText",
  "openHex",
  "openReport",
] as const;
export type PageCommand = (typeof pageCommands)[number];

/** Messages from the page; checked by `isFromPage` on the other side. */
export type FromPage =
  | { readonly type: "ready" }
  | { readonly type: "command"; readonly command: PageCommand }
  | { readonly type: "openFile"; readonly index: number }
  | { readonly type: "selectProfile"; readonly id: string }
  | { readonly type: "selectCalibration"; readonly id: string }
  | { readonly type: "selectStrategy"; readonly strategy: Strategy }
  | { readonly type: "setMaxDrop"; readonly maxDrop: number | null }
  /** `done` is false while a drag goes on. Limit in bytes, s, J, bit operations; null = none. */
  | { readonly type: "tryBudget"; readonly resource: Resource; readonly limit: number | null; readonly done: boolean }
  | { readonly type: "applyRemedy"; readonly index: number }
  | { readonly type: "setBits"; readonly layers: readonly string[]; readonly bits: Bits }
  | { readonly type: "setPinned"; readonly layers: readonly string[]; readonly pinned: boolean }
  | { readonly type: "resetBits"; readonly layers: readonly string[] }
  | { readonly type: "choosePareto"; readonly index: number }
  | { readonly type: "askHistogram"; readonly layer: string }
  | { readonly type: "openPlanAt"; readonly layer: string }
  | { readonly type: "copy"; readonly text: string };
