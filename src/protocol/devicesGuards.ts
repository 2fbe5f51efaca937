import { resources } from "../core/hardware/profile.ts";
import {
  type DevicesNotice,
  type DevicesSets,
  type DevicesSnapshot,
  devicesCommands,
  type FromDevicesPage,
  type RowState,
  type ToDevicesPage,
} from "./devices.ts";
import {
  type Bag,
  bitwidths,
  isBits,
  isFigure,
  isListOf,
  isRecord,
  isText,
  isTextList,
  isWhole,
  maxLayers,
  optional,
} from "./guardParts.ts";
import { isAccuracy, isBudget, isVerdict, isWork, oneOf } from "./snapshotGuard.ts";

/** More models or devices than this nobody compares; rows are one for each model on each device. */
export const maxCompared = 200;
const maxRows = maxCompared * maxCompared;

/** Notes of a row, notices of a page. */
const maxNotes = 1000;

const isName = (v: unknown) => isText(v);
const isFlag = (v: unknown) => typeof v === "boolean";
const isNumber = (v: unknown) => typeof v === "number" && Number.isFinite(v);

/** Tells whether something that the page's window received is a message of ours; looks at every field that the page reads. */
export function isToDevicesPage(value: unknown): value is ToDevicesPage {
  return isRecord(value) && value.type === "devices" && isDevicesSnapshot(value.snapshot);
}

function isDevicesSnapshot(value: unknown): value is DevicesSnapshot {
  return (
    isRecord(value) &&
    isNumber(value.sequence) &&
    isListOf(value.models, maxCompared, isModel) &&
    isListOf(value.devices, maxCompared, isDevice) &&
    isListOf(value.rows, maxRows, isRow) &&
    isListOf(value.notices, maxNotes, isNotice) &&
    optional(isDevicesWork)(value.work) &&
    isWhole(value.runnable, maxRows)
  );
}

function isModel(v: unknown): boolean {
  return (
    isRecord(v) &&
    isName(v.uri) &&
    isName(v.name) &&
    isWhole(v.layers, maxLayers) &&
    optional((f) => isRecord(f) && isNumber(f.top1) && isNumber(f.samples))(v.float) &&
    optional(isProblem)(v.problem)
  );
}

function isDevice(v: unknown): boolean {
  return (
    isRecord(v) &&
    isName(v.id) &&
    isName(v.name) &&
    oneOf({ workspace: true, preset: true })(v.kind) &&
    isListOf(v.weightBits, bitwidths.length, isBits) &&
    optional(isProblem)(v.problem)
  );
}

function isProblem(v: unknown): boolean {
  return isRecord(v) && isName(v.message) && isName(v.code);
}

const isRowState = oneOf<RowState>({ waiting: true, expected: true, running: true, run: true, failed: true });

function isRow(v: unknown): boolean {
  return (
    isRecord(v) &&
    isName(v.model) &&
    isName(v.device) &&
    isRowState(v.state) &&
    optional(isDeviceFigures)(v.figures) &&
    isFlag(v.inUse) &&
    isListOf(v.notes, maxNotes, isName) &&
    optional(isProblem)(v.problem)
  );
}

/** What is shown of a model on a device. */
export function isDeviceFigures(v: unknown): boolean {
  return (
    isRecord(v) &&
    isVerdict(v.verdict) &&
    isListOf(v.bits, maxLayers, (bits) => bits === null || isBits(bits)) &&
    isNumber(v.averageBits) &&
    isListOf(v.budgets, resources.length, isBudget) &&
    optional(isAccuracy)(v.accuracy) &&
    isFigure(v.loss)
  );
}

const noticeFields: { readonly [K in DevicesNotice["kind"]]: (bag: Bag) => boolean } = {
  untrusted: () => true,
  noRuntime: (v) => isName(v.message),
  noSamples: (v) => isTextList(v.models, maxCompared),
  problem: (v) => isName(v.message) && isName(v.code),
};

function isNotice(v: unknown): boolean {
  if (!isRecord(v) || typeof v.kind !== "string" || !Object.hasOwn(noticeFields, v.kind)) return false;
  return noticeFields[v.kind as DevicesNotice["kind"]](v);
}

function isDevicesWork(v: unknown): boolean {
  return (
    isRecord(v) &&
    isName(v.model) &&
    optional(isName)(v.device) &&
    isWork(v.step) &&
    isWhole(v.settled, maxRows) &&
    isFigure(v.secondsLeft)
  );
}

function isRowRef(v: unknown): boolean {
  return isRecord(v) && Object.keys(v).length === 2 && isName(v.model) && isName(v.device);
}

type Check = (value: unknown) => boolean;
type FieldsOf<T> = T extends unknown ? Readonly<Record<Exclude<keyof T, "type">, Check>> : never;

const fields: { readonly [T in FromDevicesPage["type"]]: FieldsOf<Extract<FromDevicesPage, { type: T }>> } = {
  ready: {},
  command: { command: (v) => devicesCommands.some((c) => c === v) },
  openProfile: { device: isName },
  openModel: { model: isName },
  useDevice: { model: isName, device: isName },
  removeDevice: { device: isName },
  removeModel: { model: isName },
  copyRows: { rows: (v) => isListOf(v, maxRows, isRowRef) },
};

/** Tells whether something that came from the page is a message of ours: known type, exactly its fields, each within its bounds. */
export function isFromDevicesPage(value: unknown): value is FromDevicesPage {
  if (!isRecord(value) || typeof value.type !== "string" || !Object.hasOwn(fields, value.type)) return false;
  const expected = fields[value.type as FromDevicesPage["type"]] as Readonly<Record<string, Check>>;
  const names = Object.keys(value);
  if (names.length !== Object.keys(expected).length + 1) return false;
  return Object.entries(expected).every(([name, check]) => Object.hasOwn(value, name) && check(value[name]));
}

/** What a page kept over a reload of the window, if it is that. */
export function isDevicesSets(value: unknown): value is DevicesSets {
  return isRecord(value) && isTextList(value.models, maxCompared) && isTextList(value.profiles, maxCompared);
}
