import { planProblem } from "../core/plan/planShape.ts";
import { isListOf, isRecord, isText } from "../protocol/guardParts.ts";
import type { CachedAnalysis } from "./analysisCache.ts";

/** Bitwidths of a layer; there are seven, and room for more. */
const maxBits = 64;
const maxBaselines = 64;
const maxNotes = 1000;

/** Whether what a file of the cache holds is an analysis: it may have been damaged, or written by somebody else. */
export function isCachedAnalysis(value: unknown): value is CachedAnalysis {
  return (
    isRecord(value) &&
    isRecord(value.statistics) &&
    Object.values(value.statistics).every(isStatistics) &&
    isRecord(value.measurements) &&
    Object.values(value.measurements).every((row) => isRecord(row) && Object.values(row).every(isMeasurement)) &&
    isNumber(value.measuredSamples) &&
    (value.decided === undefined || isDecision(value.decided))
  );
}

function isStatistics(value: unknown): boolean {
  return (
    isRecord(value) &&
    [value.sigma, value.min, value.max].every(isNumber) &&
    isListOf(value.errors, maxBits, (error) => isRecord(error) && Object.values(error).every(isNumber))
  );
}

function isMeasurement(value: unknown): boolean {
  return isRecord(value) && isNumber(value.nmse) && Object.values(value).every(isNumber);
}

function isDecision(value: unknown): boolean {
  if (!isRecord(value) || typeof value.key !== "string" || !isNumber(value.seconds)) return false;
  const { result } = value;
  return (
    isRecord(result) &&
    planProblem(result.plan) === undefined &&
    isListOf(result.baselines, maxBaselines, isRecord) &&
    isListOf(result.notes, maxNotes, (note) => isText(note))
  );
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value);
}
