import type { Bits } from "../../core/hardware/profile.ts";
import type { Layer } from "../../core/model/layer.ts";
import type { ActiveProfile } from "../sessionState.ts";
import type { Assessment, ModelOnDevice } from "./onDevice.ts";
import type { PlanText } from "./planText.ts";

/** A plan's bits on its model and device. */
export interface JudgedPlan {
  readonly model: ModelOnDevice;
  readonly assessment: Assessment;
  /** The model's layers by name. */
  readonly layers: ReadonlyMap<string, Layer>;
  /** Bits that a layer may have on the device, ascending, with those that it shares them with; none where it stays in float. */
  readonly choices: (layer: string) => LayerChoices;
}

export interface LayerChoices {
  readonly bits: readonly Bits[];
  /** All layers that get the same bits, this one included. */
  readonly tied: readonly string[];
}

/** Why a file that a plan names can't be used. */
export interface FileProblem {
  readonly kind: "missing" | "unreadable";
  readonly file: string;
  /** Of an unreadable one: what is wrong with it. */
  readonly detail: string;
}

/** All that the features look at for a plan's text. */
export interface PlanContext {
  readonly uri: string;
  readonly plan: PlanText;
  /** Where the model should be; undefined for a text that names none, or is not a file. */
  readonly modelUri?: string;
  readonly modelProblem?: FileProblem;
  readonly device?: ActiveProfile;
  readonly profileUri?: string;
  readonly deviceProblem?: FileProblem;
  /** Files of the workspace that could be meant by a name that is not there, relative to the plan. */
  readonly candidates: { readonly models: readonly string[]; readonly profiles: readonly string[] };
  /** Undefined while model or device is not known, or the text is no plan. */
  readonly judged?: JudgedPlan;
  /** Of the last text without a slip; the lens above the text keeps it while one is typed. */
  readonly before?: JudgedPlan;
}
