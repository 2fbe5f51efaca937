import type { Bits, Budgets, HardwareProfile } from "../core/hardware/profile.ts";
import type { InferredShapes } from "../core/model/shapes.ts";
import type { Evaluation } from "../core/pipeline/evaluate.ts";
import type { RunSettings } from "../core/pipeline/settings.ts";
import type { Baseline, Plan } from "../core/plan/types.ts";
import type { Progress } from "../core/ports.ts";
import type { StoredWeight } from "../core/qdq/types.ts";
import type { RecoveryMethod } from "../core/recovery/methods.ts";
import type { LayerJob, LayerResult, Measurements } from "../core/sensitivity/layerJobs.ts";
import type { Measurement, WeightStatistics } from "../core/sensitivity/types.ts";
import type { WireError } from "../core/wireError.ts";
import type { SweepDescription } from "../queue/description.ts";

/** A model as a job names it; the engine opens it once and again when the file was changed. */
export interface ModelSource {
  readonly path: string;
  readonly dims: Readonly<Record<string, number>>;
  /** Values of inputs that are the same for all samples; those of other models' inputs are passed over. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** False in a workspace that is not trusted: the file is read, but not handed to ONNX Runtime. */
  readonly run: boolean;
  /** Channels are scaled against each other across layers, see equalizeChannels. */
  readonly equalize: boolean;
  /** Quantizes again what the file holds dequantized. */
  readonly requantize?: boolean;
  /** Bytes that its analysis may take; the engine's choice without it. */
  readonly memory?: number;
}

export interface SampleSource {
  /** Absent = synthetic samples. */
  readonly path?: string;
  /** That of SampleFacts, where a file was looked at before: another is refused (SQ1005). */
  readonly hash?: string;
}

/** Where samples are from, as they turned out. */
export interface SampleFacts {
  readonly samples: number;
  readonly hasLabels: boolean;
  readonly synthetic: boolean;
  readonly hash: string;
  readonly notes: readonly string[];
}

export interface DecideJob {
  readonly model: ModelSource;
  readonly modelHash: string;
  readonly profile: HardwareProfile;
  readonly profileRef: string;
  readonly limits: Budgets;
  readonly settings: RunSettings;
  readonly calibration: SampleSource;
  readonly evaluation?: SampleSource;
  readonly known: Measurements;
  /** Where sensitivities are measured, if not here: address of a queue. */
  readonly queue?: string;
  readonly baselines?: readonly Baseline[];
}

export interface DecideResult {
  readonly plan: Plan;
  readonly baselines: readonly Baseline[];
  readonly notes: readonly string[];
}

export interface QuantizeJob extends DecideJob {
  readonly output: string;
  readonly files: { readonly plan: string; readonly report: string; readonly csv: string };
  /** The plan in the workspace, when its bits are to be used as they are; else the strategy decides. */
  readonly planned?: ReadonlyMap<string, Bits | null>;
}

export interface QuantizeOutcome extends DecideResult {
  readonly evaluation?: Evaluation;
  readonly stored: readonly StoredWeight[];
  /** Absent when the budgets can't be met: no model is written then. */
  readonly written?: { readonly model: string; readonly data?: string; readonly bytes: number };
}

/** What a job is told and what it answers, by kind. Plain data: it goes over a process boundary. */
export interface Jobs {
  /** Loads ONNX Runtime; fails where there is none. */
  readonly runtime: { readonly params: null; readonly result: null };
  readonly shapes: { readonly params: ModelSource; readonly result: InferredShapes };
  readonly weights: {
    readonly params: { readonly model: ModelSource; readonly bits: readonly Bits[]; readonly threads?: number };
    readonly result: null;
  };
  readonly samples: {
    readonly params: { readonly model: ModelSource; readonly set: SampleSource };
    readonly result: SampleFacts;
  };
  readonly measure: {
    readonly params: {
      readonly model: ModelSource;
      readonly set: SampleSource;
      readonly bits: ReadonlyMap<string, readonly Bits[]>;
      readonly samples: number;
      readonly batch: number;
      readonly threads?: number;
      readonly recovery: ReadonlySet<RecoveryMethod>;
      readonly known: Measurements;
      readonly queue?: string;
    };
    readonly result: { readonly samples: number; readonly unmeasurable?: string };
  };
  /** A job out of a queue: a layer of a model and samples in files of a worker's cache. */
  readonly layer: {
    readonly params: {
      readonly sweep: SweepDescription;
      /** Paths of the model and of the recorded samples. */
      readonly model: string;
      readonly samples: string;
      readonly job: LayerJob;
    };
    readonly result: LayerResult;
  };
  readonly decide: { readonly params: DecideJob; readonly result: DecideResult };
  readonly quantize: { readonly params: QuantizeJob; readonly result: QuantizeOutcome };
}
export type JobKind = keyof Jobs;

/** What a job tells while it runs. */
export type JobEvent =
  | { readonly type: "progress"; readonly progress: Progress }
  | { readonly type: "statistics"; readonly layer: string; readonly statistics: WeightStatistics }
  | { readonly type: "measured"; readonly layer: string; readonly bits: Bits; readonly value: Measurement };

export type ToEngine =
  | { [K in JobKind]: { readonly id: number; readonly kind: K; readonly params: Jobs[K]["params"] } }[JobKind]
  | { readonly id: number; readonly kind: "cancel" };

export type FromEngine =
  | { readonly id: number; readonly event: JobEvent }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: WireError };
