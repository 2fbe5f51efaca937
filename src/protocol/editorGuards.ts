import { resources } from "../core/hardware/profile.ts";
import { type FromPage, pageCommands, type ToPage } from "./editor.ts";
import { bitwidths, has, isFigure, isRecord, isText, isTextList, isWhole, maxLayers, maxText } from "./guardParts.ts";
import { isSnapshot } from "./snapshotGuard.ts";

/** A table of 100,000 layers as CSV is about 20 MB; nobody pastes more. */
const maxCopied = 32 * 2 ** 20;

/** Choices, remedies, points and files are short lists; an index beyond this is no index of ours. */
const maxIndex = 100_000;

/** Histograms have 61 bins today; ten times that leaves room. */
const maxBins = 1024;

/**
 * Tells whether something that the page's window received is a message of ours. The page trusts the types after this, so it looks
 * at every field that the page reads; fields that it does not know are ignored, so that an older page works with a newer host.
 */
export function isToPage(value: unknown): value is ToPage {
  if (!isRecord(value)) return false;
  switch (value.type) {
    case "snapshot":
      return isSnapshot(value.snapshot);
    case "histogram":
      return isHistogram(value.histogram);
    case "reveal":
      return isText(value.layer);
    default:
      return false;
  }
}

/**
 * Tells whether something that came from a page is a message of ours: known type, exactly its fields, each within its bounds. What it
 * names (a layer, a profile, an index) must still be looked up by the host.
 */
export function isFromPage(value: unknown): value is FromPage {
  if (!isRecord(value) || typeof value.type !== "string" || !Object.hasOwn(fields, value.type)) return false;
  const expected = fields[value.type as FromPage["type"]] as Readonly<Record<string, Check>>;
  const names = Object.keys(value);
  if (names.length !== Object.keys(expected).length + 1) return false;
  return Object.entries(expected).every(([name, check]) => Object.hasOwn(value, name) && check(value[name]));
}

type Check = (value: unknown) => boolean;

/** Fields of a message besides its type, each with its check. */
type FieldsOf<T> = T extends unknown ? Readonly<Record<Exclude<keyof T, "type">, Check>> : never;

const isLimit: Check = (v) => v === null || (typeof v === "number" && Number.isFinite(v) && v >= 0);
const isFraction: Check = (v) => typeof v === "number" && v >= 0 && v <= 1;
const isIndex: Check = (v) => isWhole(v, maxIndex);
const isFlag: Check = (v) => typeof v === "boolean";
const isLayerList: Check = (v) => isTextList(v, maxLayers) && v.length > 0;
const isStrategy: Check = (v) => v === "sigmaquant" || v === "exact" || bitwidths.some((b) => v === `uniform:${b}`);

const fields: { readonly [T in FromPage["type"]]: FieldsOf<Extract<FromPage, { type: T }>> } = {
  ready: {},
  command: { command: (v) => pageCommands.some((c) => c === v) },
  openFile: { index: isIndex },
  selectProfile: { id: (v) => isText(v) },
  selectCalibration: { id: (v) => isText(v) },
  selectStrategy: { strategy: isStrategy },
  setMaxDrop: { maxDrop: (v) => v === null || isFraction(v) },
  tryBudget: { resource: (v) => resources.some((r) => r === v), limit: isLimit, done: isFlag },
  applyRemedy: { index: isIndex },
  setBits: { layers: isLayerList, bits: (v) => bitwidths.some((b) => b === v) },
  setPinned: { layers: isLayerList, pinned: isFlag },
  resetBits: { layers: isLayerList },
  choosePareto: { index: isIndex },
  askHistogram: { layer: (v) => isText(v) },
  openPlanAt: { layer: (v) => isText(v) },
  copy: { text: (v) => typeof v === "string" && v.length <= maxCopied },
};

function isHistogram(value: unknown): boolean {
  return (
    isRecord(value) &&
    isText(value.layer, maxText) &&
    has(value, ["min", "max", "sigma"], (v) => typeof v === "number" && Number.isFinite(v)) &&
    isFigure(value.channels) &&
    isNumbers(value.counts) &&
    isRecord(value.levels) &&
    Object.values(value.levels).every(isNumbers) &&
    isRecord(value.clipped) &&
    Object.values(value.clipped).every(isFigure)
  );
}

function isNumbers(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length <= maxBins && value.every((v) => typeof v === "number" && Number.isFinite(v))
  );
}
