import { resources } from "../core/hardware/profile.ts";
import type { ComparisonColumn, EditorSnapshot, Notice, Remedy, Work } from "./editor.ts";
import {
  type Bag,
  bitwidths,
  has,
  isBits,
  isBitsOrNone,
  isFigure,
  isFigures,
  isListOf,
  isRecord,
  isText,
  isWhole,
  maxLayers,
  optional,
} from "./guardParts.ts";

/** Choices, notices, budgets, files, remedies: what a person can look through. */
const maxList = 10_000;

/** A front has tens of points, a search at most some hundred steps. */
const maxPoints = 100_000;

/** Ranks of weights are at most 8 in what the reader takes. */
const maxRank = 64;

const isFlag = (v: unknown) => typeof v === "boolean";
const isNumber = (v: unknown) => typeof v === "number" && Number.isFinite(v);
const isLimit = (v: unknown) => v === null || isNumber(v);
const isName = (v: unknown) => isText(v);
const isResource = (v: unknown) => resources.some((r) => r === v);
// Made once: a guard of a layer runs for each of them.
const isOptionalFigures = optional(isFigures);
const isOptionalName = optional(isName);
const isOptionalFlag = optional(isFlag);
const isOptionalErrors = optional((v) => isListOf(v, bitwidths.length, isWeightError));
const isDimension = (v: unknown) => typeof v === "number";

/** A closed set of words as a guard. */
export function oneOf<T extends string>(words: Readonly<Record<T, true>>): (value: unknown) => boolean {
  return (value) => typeof value === "string" && Object.hasOwn(words, value);
}

/** Checks every field of a snapshot that the page reads. O(layers); about 3 ms for 10,000. */
export function isSnapshot(value: unknown): value is EditorSnapshot {
  return (
    isRecord(value) &&
    isNumber(value.sequence) &&
    isName(value.fileName) &&
    has(value, ["trusted", "synthetic", "hasPlan"], isFlag) &&
    optional(isFatal)(value.fatal) &&
    optional(isModel)(value.model) &&
    has(value, ["profiles", "sampleSets"], (v) => isListOf(v, maxList, isChoice)) &&
    optional(isProfile)(value.profile) &&
    has(value, ["calibration", "evaluation"], optional(isSampleSet)) &&
    typeof value.strategy === "string" &&
    has(value, ["maxDrop", "traceSeconds", "abandonDrop"], isFigure) &&
    isListOf(value.bits, bitwidths.length, isBits) &&
    optional(oneOf({ kl: true, nmse: true, loss: true }))(value.metric) &&
    optional(isWork)(value.work) &&
    isListOf(value.notices, maxList, isNotice) &&
    optional(isVerdict)(value.verdict) &&
    optional(isAccuracy)(value.accuracy) &&
    isListOf(value.remedies, maxList, isRemedy) &&
    isListOf(value.budgets, resources.length, isBudget) &&
    isListOf(value.layers, maxLayers, isLayer) &&
    optional(isPareto)(value.pareto) &&
    isListOf(value.trace, maxPoints, isStep) &&
    optional((v) => isRecord(v) && has(v, ["loss", "optimum", "bound", "gap"], isFigure))(value.certificate) &&
    optional(isComparison)(value.comparison)
  );
}

function isFatal(v: unknown): boolean {
  return isRecord(v) && has(v, ["title", "message", "remedy", "code", "slug"], isName);
}

function isModel(v: unknown): boolean {
  return (
    isRecord(v) &&
    has(v, ["opset", "irVersion", "layers", "params", "floatBytes"], isNumber) &&
    isFigure(v.macs) &&
    isName(v.floatType) &&
    isListOf(v.assumed, maxList, (a) => isRecord(a) && isName(a.input) && isName(a.name) && isNumber(a.value)) &&
    isListOf(v.notes, maxList, isName)
  );
}

function isChoice(v: unknown): boolean {
  return (
    isRecord(v) &&
    isName(v.id) &&
    isName(v.label) &&
    optional(isName)(v.detail) &&
    oneOf({ workspace: true, preset: true })(v.kind)
  );
}

function isProfile(v: unknown): boolean {
  return (
    isRecord(v) &&
    isName(v.id) &&
    isName(v.name) &&
    isListOf(v.weightBits, bitwidths.length, isBits) &&
    isFigure(v.maxDrop)
  );
}

function isSampleSet(v: unknown): boolean {
  return (
    isRecord(v) && isName(v.id) && isName(v.label) && isNumber(v.samples) && isFlag(v.hasLabels) && isFlag(v.synthetic)
  );
}

const isWorkKind = oneOf<Work["kind"]>({ open: true, analyze: true, allocate: true, quantize: true });

export function isWork(v: unknown): boolean {
  return (
    isRecord(v) &&
    isWorkKind(v.kind) &&
    isName(v.stage) &&
    isNumber(v.done) &&
    isNumber(v.total) &&
    optional(isName)(v.note) &&
    isFigure(v.secondsLeft)
  );
}

const noticeFields: { readonly [K in Notice["kind"]]: (bag: Bag) => boolean } = {
  untrusted: () => true,
  synthetic: () => true,
  whatIf: (v) => isResource(v.resource) && isLimit(v.limit) && isFigure(v.profileLimit),
  stale: (v) => has(v, ["changed", "layers", "secondsAgo"], isNumber),
  restarted: (v) => has(v, ["kept", "total"], isNumber) && isOptionalName(v.layer),
  skipped: (v) => Array.isArray(v.layers) && v.layers.every(isName),
  stopped: (v) => isName(v.stage) && has(v, ["done", "total"], isNumber),
  noEvaluation: () => true,
  noRuntime: (v) => isName(v.message),
  problem: (v) => has(v, ["message", "code"], isName) && optional(isName)(v.file) && isFigure(v.line),
};

function isNotice(v: unknown): boolean {
  if (!isRecord(v) || typeof v.kind !== "string" || !Object.hasOwn(noticeFields, v.kind)) return false;
  return noticeFields[v.kind as Notice["kind"]](v);
}

export function isVerdict(v: unknown): boolean {
  return (
    isRecord(v) &&
    oneOf({ feasible: true, infeasible: true })(v.verdict) &&
    has(v, ["headline", "detail"], isName) &&
    optional((b) => b === "accuracy" || isResource(b))(v.binding)
  );
}

export function isAccuracy(v: unknown): boolean {
  return (
    isRecord(v) &&
    oneOf({ top1: true, agreement: true, nmse: true })(v.metric) &&
    has(v, ["float", "quantized", "samples"], isNumber) &&
    oneOf({ measured: true, simulated: true, expected: true })(v.how)
  );
}

const actionFields: { readonly [K in Remedy["action"]["kind"]]: (bag: Bag) => boolean } = {
  setBudgets: (a) => isFigures(a.limits),
  allowBits: (a) => isBits(a.bits),
  setMaxDrop: (a) => isNumber(a.maxDrop),
};

function isRemedy(v: unknown): boolean {
  if (!isRecord(v) || !isName(v.label) || !optional(isName)(v.detail) || !isRecord(v.action)) return false;
  const { kind } = v.action;
  return (
    typeof kind === "string" &&
    Object.hasOwn(actionFields, kind) &&
    actionFields[kind as Remedy["action"]["kind"]](v.action)
  );
}

export function isBudget(v: unknown): boolean {
  return (
    isRecord(v) &&
    isResource(v.name) &&
    oneOf({ B: true, s: true, J: true, bitops: true })(v.unit) &&
    has(v, ["limit", "use", "profileLimit"], isFigure)
  );
}

function isLayer(v: unknown): boolean {
  return (
    isRecord(v) &&
    isName(v.name) &&
    isName(v.opType) &&
    isListOf(v.weightShape, maxRank, isDimension) &&
    isNumber(v.params) &&
    isFigure(v.macs) &&
    isFigure(v.sigma) &&
    isFigure(v.bytes) &&
    isFigure(v.latencyS) &&
    isFigure(v.energyJ) &&
    isFigure(v.bops) &&
    isFigure(v.activationBits) &&
    isFlag(v.pinned) &&
    isBitsOrNone(v.weightBits) &&
    isBitsOrNone(v.wasBits) &&
    isListOf(v.allowedBits, bitwidths.length, isBits) &&
    isOptionalFigures(v.sensitivity) &&
    isOptionalFigures(v.bytesByBits) &&
    isOptionalErrors(v.weightErrors) &&
    isOptionalName(v.floatReason) &&
    isOptionalName(v.floatDetail) &&
    isOptionalFlag(v.outdated)
  );
}

function isWeightError(v: unknown): boolean {
  return isRecord(v) && isBits(v.bits) && isFigure(v.kl) && isFigure(v.sqnrDb);
}

function isPareto(v: unknown): boolean {
  return (
    isRecord(v) &&
    isListOf(v.points, maxPoints, isParetoPoint) &&
    optional(isParetoPoint)(v.chosen) &&
    isListOf(v.baselines, bitwidths.length, isBaseline)
  );
}

function isParetoPoint(v: unknown): boolean {
  return isRecord(v) && isNumber(v.weightMemory) && has(v, ["loss", "drop"], isFigure);
}

export function isBaseline(v: unknown): boolean {
  return (
    isRecord(v) &&
    isBits(v.bits) &&
    isNumber(v.weightMemory) &&
    isFlag(v.fits) &&
    isFigure(v.loss) &&
    optional(isAccuracy)(v.accuracy)
  );
}

function isStep(v: unknown): boolean {
  return (
    isRecord(v) &&
    isNumber(v.step) &&
    isName(v.zone) &&
    isListOf(v.changes, maxLayers, isRecord) &&
    has(v, ["drop", "pressure"], isFigure) &&
    isNumber(v.weightMemory) &&
    isFlag(v.kept)
  );
}

const isColumnKind = oneOf<ComparisonColumn["kind"]>({ float: true, quantized: true, baseline: true });

function isColumn(v: unknown): boolean {
  return (
    isRecord(v) &&
    isColumnKind(v.kind) &&
    has(v, ["title", "subtitle"], isName) &&
    has(v, ["top1", "top5", "agreement", "kl", "fileBytes"], isFigure) &&
    isFigures(v.uses) &&
    optional(oneOf({ fits: true, doesNotFit: true, lossTooHigh: true }))(v.verdict)
  );
}

function isOutput(v: unknown): boolean {
  return isRecord(v) && has(v, ["name", "shape"], isName) && has(v, ["sqnrDb", "maxError"], isFigure);
}

function isComparison(v: unknown): boolean {
  return (
    isRecord(v) &&
    has(v, ["source", "quantized", "profileName"], isName) &&
    isNumber(v.seconds) &&
    isVerdict(v.verdict) &&
    isListOf(v.budgets, resources.length, isBudget) &&
    isListOf(v.columns, bitwidths.length + 2, isColumn) &&
    isListOf(v.outputs, maxList, isOutput) &&
    optional(
      (c) => isRecord(c) && has(c, ["rightToWrong", "wrongToRight", "wrongBoth", "samples"], (n) => isWhole(n, 1e12)),
    )(v.changed) &&
    isListOf(v.files, maxList, (f) => isRecord(f) && isName(f.path) && isNumber(f.bytes)) &&
    isListOf(v.notes, maxList, isName)
  );
}
