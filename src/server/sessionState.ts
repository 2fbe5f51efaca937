import type { SigmaQuantError } from "../core/errors.ts";
import type { Bits, Budgets, HardwareProfile, Resource } from "../core/hardware/profile.ts";
import type { Layer } from "../core/model/layer.ts";
import type { DeviceFit } from "../core/pipeline/deviceFit.ts";
import type { Facts } from "../core/pipeline/facts.ts";
import type { FrontPoint } from "../core/pipeline/front.ts";
import type { PreparedModel } from "../core/pipeline/prepare.ts";
import type { SolvedBits } from "../core/pipeline/solveBits.ts";
import type { Plan } from "../core/plan/types.ts";
import type { Measurement, WeightStatistics } from "../core/sensitivity/types.ts";
import type { DecideResult, SampleFacts } from "../engine/jobs.ts";
import type { Comparison, FatalProblem, Work } from "../protocol/editor.ts";
import type { ModelChoices, ServerSettings } from "../protocol/requests.ts";

/** A profile in force for a model. */
export interface ActiveProfile {
  /** `preset:<name>` or a file URI. */
  readonly id: string;
  readonly uri?: string;
  /** How a plan beside the model refers to it. */
  readonly ref: string;
  readonly profile: HardwareProfile;
  readonly limits: Budgets;
}

/** A sample set in use. */
export interface ActiveSamples {
  /** Path; undefined for synthetic samples. */
  readonly path?: string;
  readonly facts?: SampleFacts;
}

/** A plan file that is there for the model, as it is in the editor or on disk. */
export interface ActivePlan {
  readonly uri: string;
  readonly text: string;
  readonly plan: Plan;
}

/** A decision of the engine, and what it was made for (see `decisionKey`). */
export interface Decision {
  readonly key: string;
  readonly seconds: number;
  readonly result: DecideResult;
}

/** Settings that statistics and measurements are of. */
export type FigureSettings = Pick<ServerSettings, "dims" | "recovery" | "samples">;

/** All that a session knows of its model; the snapshot is made from this alone. */
export interface SessionState {
  fileName: string;
  choices: ModelChoices;
  fatal?: FatalProblem;
  facts?: Facts;
  /** Before shapes are known, the layers as the file has them. */
  layers: readonly Layer[];
  prepared?: PreparedModel;
  modelHash?: string;
  /** `fileStamp` of the file that the hash is of. */
  modelStamp?: string;
  /** What the figures below depend on; undefined before there are any. */
  figuresOf?: FigureSettings;
  statistics: Map<string, WeightStatistics>;
  measurements: Map<string, Map<Bits, Measurement>>;
  /** Samples the measurements were made on. */
  measuredSamples: number;
  calibration?: ActiveSamples;
  evaluation?: ActiveSamples;
  profile?: ActiveProfile;
  profileProblem?: { readonly message: string; readonly code: string; readonly file?: string; readonly line?: number };
  /** Tried limits in the program's units; null = no limit. */
  readonly whatIf: Map<Resource, number | null>;
  plan?: ActivePlan;
  planProblem?: { readonly message: string; readonly code: string; readonly line?: number };
  fit?: DeviceFit;
  live?: SolvedBits;
  decided?: Decision;
  front: readonly FrontPoint[];
  work?: Work;
  stopped?: Pick<Work, "stage" | "done" | "total">;
  restarted?: { readonly kept: number; readonly total: number; readonly layer?: string };
  /** The layer at which the process that runs models ended last. */
  crashedAt?: string;
  /** Layers that are left out as it ended at them again, or had no memory for them: not measured, and in float. */
  readonly skipped: Set<string>;
  /** Why no model can be run here: ONNX Runtime is missing, say. */
  noRuntime?: SigmaQuantError;
  /** Why the plan's pins are not in force. */
  pinProblem?: { readonly message: string; readonly code: string };
  failure?: { readonly message: string; readonly code: string };
  /** Layers whose weights differ from those that were analyzed, and when the file changed (ms since 1970). */
  stale?: { readonly layers: ReadonlySet<string>; readonly at: number };
  comparison?: Comparison;
}

export function newState(fileName: string, choices: ModelChoices): SessionState {
  return {
    fileName,
    choices,
    layers: [],
    statistics: new Map(),
    measurements: new Map(),
    measuredSamples: 0,
    skipped: new Set(),
    whatIf: new Map(),
    front: [],
  };
}
