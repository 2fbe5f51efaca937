import type { Bits } from "../core/hardware/profile.ts";
import type { DeviceFigures } from "../core/plan/deviceFigures.ts";
import type { Work } from "./editor.ts";

/** A model that is compared. */
export interface ComparedModel {
  readonly uri: string;
  /** Name of its file. */
  readonly name: string;
  /** 0 before the file is read. */
  readonly layers: number;
  /** Accuracy of the float model (top-1, a fraction), where it was run on labelled samples. */
  readonly float?: { readonly top1: number; readonly samples: number };
  readonly problem?: Problem;
}

/** A device that models are compared on. */
export interface ComparedDevice {
  /** `preset:<name>`, or the URI of a profile. */
  readonly id: string;
  /** What the profile calls it; the file's or the preset's name before it is read, or where it can't be. */
  readonly name: string;
  readonly kind: "workspace" | "preset";
  readonly weightBits: readonly Bits[];
  readonly problem?: Problem;
}

export interface Problem {
  readonly message: string;
  readonly code: string;
}

/**
 * How far a row is: nothing is known yet; the solver's bits, with what is expected of them; the same while its plan is decided and run;
 * the plan, run; or it can't be.
 */
export type RowState = "waiting" | "expected" | "running" | "run" | "failed";

/** One model on one device. */
export interface DeviceRow {
  /** URI of the model, id of the device. */
  readonly model: string;
  readonly device: string;
  readonly state: RowState;
  readonly figures?: DeviceFigures;
  /** The device is the one that the model is quantized for. */
  readonly inUse: boolean;
  /** What a person should know of the figures. */
  readonly notes: readonly string[];
  readonly problem?: Problem;
}

/** Things that the page tells in a banner. */
export type DevicesNotice =
  | { readonly kind: "untrusted" }
  | { readonly kind: "noRuntime"; readonly message: string }
  /** These models have no samples: nothing is expected of their accuracy. */
  | { readonly kind: "noSamples"; readonly models: readonly string[] }
  | { readonly kind: "problem"; readonly message: string; readonly code: string };

/** Everything the page shows, whole. */
export interface DevicesSnapshot {
  /** Grows with every snapshot of a comparison; an older one that comes late is dropped. */
  readonly sequence: number;
  readonly models: readonly ComparedModel[];
  readonly devices: readonly ComparedDevice[];
  /** Each model on each device, models first. */
  readonly rows: readonly DeviceRow[];
  readonly notices: readonly DevicesNotice[];
  /** What is at work, and for which row, if it is for one; `settled` of all rows need no more work. */
  readonly work?: {
    readonly model: string;
    readonly device?: string;
    readonly step: Work;
    readonly settled: number;
    /** For all rows that are left, told from those that are done. */
    readonly secondsLeft?: number;
  };
  /** Rows whose plan can be run, and is not. */
  readonly runnable: number;
}

/** What is compared; a page that comes back with the window asks for it again. */
export interface DevicesSets {
  readonly models: readonly string[];
  readonly profiles: readonly string[];
}

export type ToDevicesPage = { readonly type: "devices"; readonly snapshot: DevicesSnapshot };

/** Commands that the page may ask for; nothing else can be run from it. */
export const devicesCommands = [
  "run",
  "cancel",
  "refresh",
  "chooseProfiles",
  "chooseModels",
  "exportCsv",
  "newProfile",
  "chooseCalibration",
  "manageTrust",
  "showLog",
] as const;
export type DevicesCommand = (typeof devicesCommands)[number];

/** Messages from the page; checked by `isFromDevicesPage` on the other side. What they name is looked up in what is compared. */
export type FromDevicesPage =
  | { readonly type: "ready" }
  | { readonly type: "command"; readonly command: DevicesCommand }
  | { readonly type: "openProfile"; readonly device: string }
  | { readonly type: "openModel"; readonly model: string }
  | { readonly type: "useDevice"; readonly model: string; readonly device: string }
  | { readonly type: "removeDevice"; readonly device: string }
  | { readonly type: "removeModel"; readonly model: string }
  /** As lines of a spreadsheet, in this order. */
  | { readonly type: "copyRows"; readonly rows: readonly RowRef[] };

/** A row by what it is about. */
export type RowRef = Pick<DeviceRow, "model" | "device">;
