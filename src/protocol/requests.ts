import type { Bits, Resource } from "../core/hardware/profile.ts";
import type { DropLimit } from "../core/pipeline/settings.ts";
import type { Strategy } from "../core/plan/types.ts";
import type { RecoveryMethod } from "../core/recovery/methods.ts";
import type { DevicesSnapshot, RowRef } from "./devices.ts";
import type { Choice, Comparison, EditorSnapshot, WeightHistogram } from "./editor.ts";

/**
 * A custom request or notification of the language server: its method's name and, for the compiler, the types of what goes
 * over the wire. URIs are strings, as in the Language Server Protocol.
 */
export interface Method<Params, Result = void> {
  readonly method: string;
  /** Never set; carries the types. */
  readonly types?: (params: Params) => Result;
}

function method<Params, Result = void>(name: string): Method<Params, Result> {
  return { method: `sigmaquant/${name}` };
}

export interface ModelRef {
  readonly uri: string;
}

/** What the user chose for a model; absent = the default. Kept by the extension, sent when it changes. */
export interface ModelChoices {
  /** `preset:<name>` or a file URI. */
  readonly profile?: string;
  readonly calibration?: string;
  readonly evaluation?: string;
  readonly strategy?: Strategy;
  readonly dropLimit?: DropLimit | null;
}

/** Settings of the extension, as the server needs them. */
export interface ServerSettings {
  readonly profile: string;
  readonly calibration: string;
  readonly evaluation: string;
  readonly bits: readonly Bits[];
  readonly strategy: Strategy;
  readonly dims: Readonly<Record<string, number>>;
  /** Values of inputs that are the same for all samples, by name. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly threads: number;
  /** MiB that an analysis may take; 0: a quarter of the machine's. */
  readonly analysisMemory: number;
  readonly samples: number;
  readonly recovery: readonly RecoveryMethod[];
  /** Address of the queue whose workers measure sensitivities; empty = this machine does. */
  readonly queueUrl: string;
}

export interface InitializationOptions {
  readonly trusted: boolean;
  /** Folder for cached analyses. */
  readonly cacheFolder: string;
  readonly settings: ServerSettings;
}

export interface QuantizeParams extends ModelRef {
  readonly overwrite: boolean;
}

export type QuantizeResult =
  | { readonly kind: "done"; readonly comparison: Comparison; readonly output?: string }
  /** These files are there already: ask, then send again with `overwrite`. */
  | { readonly kind: "exists"; readonly files: readonly string[] };

export type PlanEdit =
  | { readonly kind: "setBits"; readonly layers: readonly string[]; readonly bits: Bits }
  | { readonly kind: "setPinned"; readonly layers: readonly string[]; readonly pinned: boolean }
  | { readonly kind: "resetBits"; readonly layers: readonly string[] }
  /** All layers but the pinned ones anew. */
  | { readonly kind: "reallocate" }
  | { readonly kind: "resetAll" }
  | { readonly kind: "choosePareto"; readonly index: number };

export interface TextChange {
  readonly uri: string;
  /** The whole new text; the extension replaces what differs, so that undo and diff are small. */
  readonly text: string;
}

export type ExportFormat = "report" | "csv" | "modelExplorer";

/** A comparison of devices, by the name that its page has. */
export interface DevicesRef {
  readonly id: string;
}

/** A model of the workspace, for the tree view and the status bar. */
export interface ModelSummary {
  readonly uri: string;
  readonly name: string;
  readonly planUri?: string;
  readonly headline?: string;
  readonly feasible?: boolean;
  readonly averageBits?: number;
}

/** A model that code names, with what its plan says of it. */
export interface NamedModel {
  /** As it stands in the code. */
  readonly name: string;
  readonly uri: string;
  /** Its file's name. */
  readonly model: string;
  /** `$(pass) Fits, −0.4 points, 3.1 bits on average` */
  readonly title: string;
}

/**
 * Requests to the server; errors come with `SQ` codes in `data`. Of the long ones `quantize` ends when its request is cancelled; `cancel`
 * and `cancelDevices` end what is at work for a model or a comparison.
 */
export const requests = {
  /** Opens a model (again is harmless); snapshots follow until `closeModel`. */
  openModel: method<
    ModelRef & {
      readonly choices: ModelChoices;
      /** The server before this one died with the model open: what it had measured is read from the cache, and the page is told. */
      readonly restarted?: boolean;
    },
    EditorSnapshot
  >("openModel"),
  closeModel: method<ModelRef>("closeModel"),
  setChoices: method<ModelRef & { readonly choices: ModelChoices }>("setChoices"),
  /** Measures what is not measured yet; resolves when done or cancelled. */
  analyze: method<ModelRef>("analyze"),
  cancel: method<ModelRef>("cancel"),
  quantize: method<QuantizeParams, QuantizeResult>("quantize"),
  histogram: method<ModelRef & { readonly layer: string }, WeightHistogram>("histogram"),
  /** The plan with an edit applied; the caller writes it. */
  editPlan: method<ModelRef & { readonly edit: PlanEdit }, TextChange>("editPlan"),
  /** The plan as it is, made from the current allocation when there is none. */
  planText: method<ModelRef, TextChange>("planText"),
  /** The model in the ONNX textual syntax. */
  modelText: method<ModelRef, string>("modelText"),
  planLine: method<ModelRef & { readonly layer: string }, { readonly uri: string; readonly line: number }>("planLine"),
  /** Tries a budget without touching the profile; null takes the limit away, undefined goes back to the profile's. */
  tryBudget: method<ModelRef & { readonly resource: Resource; readonly limit?: number | null }>("tryBudget"),
  resetWhatIf: method<ModelRef>("resetWhatIf"),
  /** The profile with the tried budgets in it. */
  writeToProfile: method<ModelRef, TextChange>("writeToProfile"),
  /** The profile with a remedy in it; null while budgets are tried, and the remedy is one of them then. */
  applyRemedy: method<ModelRef & { readonly index: number }, TextChange | null>("applyRemedy"),
  exportText: method<ModelRef & { readonly format: ExportFormat }, { readonly name: string; readonly text: string }>(
    "exportText",
  ),
  presets: method<null, readonly { readonly id: string; readonly name: string; readonly description: string }[]>(
    "presets",
  ),
  /** A preset's own text, to be read. */
  presetSource: method<{ readonly id: string }, string>("presetSource"),
  presetText: method<{ readonly id: string; readonly name: string }, string>("presetText"),
  models: method<null, readonly ModelSummary[]>("models"),
  /** Of the names that a text has for models, those of the workspace's models that have a plan. */
  namedModels: method<ModelRef & { readonly names: readonly string[] }, readonly NamedModel[]>("namedModels"),
  /** A model's editor came to the front. */
  activeModel: method<ModelRef>("activeModel"),
  /** Profiles of the workspace, and presets. */
  profiles: method<null, readonly Choice[]>("profiles"),
  /**
   * Compares models on devices (`preset:<name>`, or URIs of profiles); snapshots follow until `closeDevices`. Sent again, it changes what
   * is compared, and keeps what is known.
   */
  compareDevices: method<
    DevicesRef & {
      readonly models: readonly (ModelRef & { readonly choices: ModelChoices })[];
      readonly profiles: readonly string[];
    },
    DevicesSnapshot
  >("compareDevices"),
  closeDevices: method<DevicesRef>("closeDevices"),
  /** Decides and runs the plans that are not yet; resolves when done or cancelled. */
  runDevices: method<DevicesRef>("runDevices"),
  cancelDevices: method<DevicesRef>("cancelDevices"),
  /** The comparison for a spreadsheet; of these rows alone, in their order, where some are named. */
  devicesCsv: method<
    DevicesRef & { readonly rows?: readonly RowRef[] },
    { readonly name: string; readonly text: string }
  >("devicesCsv"),
  trust: method<{ readonly trusted: boolean }>("trust"),
  setSettings: method<ServerSettings>("setSettings"),
} as const;

/** Notifications from the server. */
export const notifications = {
  snapshot: method<{ readonly uri: string; readonly snapshot: EditorSnapshot }>("snapshot"),
  devices: method<DevicesRef & { readonly snapshot: DevicesSnapshot }>("devices"),
  modelsChanged: method<null>("modelsChanged"),
} as const;
