import type { Bits } from "../core/hardware/profile.ts";
import { locationProblem } from "../core/onnx/external.ts";
import { maxExternalFiles, maxNameBytes } from "../core/onnx/limits.ts";
import { type RecoveryMethod, recoveryMethods } from "../core/recovery/methods.ts";
import type { LayerResult } from "../core/sensitivity/layerJobs.ts";
import type { Measurement } from "../core/sensitivity/types.ts";
import type { WireError } from "../core/wireError.ts";
import { bitwidths, isBits, isListOf, isRecord, isText, isWhole } from "../protocol/guardParts.ts";
import type { Blob, FileDescription, QueuedJob, SweepDescription } from "./description.ts";

/** One file of a model, or all samples of a sweep: models above 2 GiB are not measured, and samples are held in a share of the analysis' memory. */
const maxBlobBytes = 8 * 2 ** 30;
/** A description: names of dimensions, inputs and files. */
export const maxDescriptionBytes = 16 * 2 ** 20;
const maxInputs = 10_000;
const maxInputValues = 2 ** 20;
const maxThreads = 4096;
const maxBatch = 2 ** 20;
const maxSize = 2 ** 40;
const maxMemory = 2 ** 50;
/** With a stack trace. */
const maxMessage = 64 * 1024;

export function isBlob(value: unknown): value is Blob {
  return isRecord(value) && isSha256(value.sha256) && isWhole(value.bytes, maxBlobBytes);
}

export function isQueuedJob(value: unknown): value is QueuedJob {
  return (
    isRecord(value) &&
    isBlob(value.sweep) &&
    value.sweep.bytes <= maxDescriptionBytes &&
    isText(value.layer, maxNameBytes) &&
    isListOf(value.bits, bitwidths.length, isBits) &&
    value.bits.length > 0
  );
}

export function isSweepDescription(value: unknown): value is SweepDescription {
  if (!isRecord(value) || !isRecord(value.model)) return false;
  const { files, dims, inputs, equalize, requantize, memory, blockSize } = value.model;
  return (
    isListOf(files, maxExternalFiles + 1, isFile) &&
    files.length > 0 &&
    new Set(files.map((file) => (file as FileDescription).path)).size === files.length &&
    isRecordOf(dims, (size) => isWhole(size, maxSize)) &&
    isRecordOf(inputs, (list) => isListOf(list, maxInputValues, (each) => typeof each === "number")) &&
    typeof equalize === "boolean" &&
    typeof requantize === "boolean" &&
    isWhole(memory, maxMemory) &&
    memory > 0 &&
    (blockSize === undefined || (isWhole(blockSize, maxSize) && blockSize > 0)) &&
    isBlob(value.samples) &&
    (value.rows === undefined || isListOf(value.rows, maxInputs, (name) => isText(name, maxNameBytes))) &&
    isListOf(value.recovery, recoveryMethods.length, (name) => recoveryMethods.includes(name as RecoveryMethod)) &&
    isWhole(value.batch, maxBatch) &&
    value.batch > 0 &&
    isWhole(value.threads, maxThreads) &&
    value.threads > 0
  );
}

function isFile(value: unknown): boolean {
  return isBlob(value) && "path" in value && isText(value.path) && locationProblem(value.path) === undefined;
}

function isSha256(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

function isRecordOf(value: unknown, check: (item: unknown) => boolean): boolean {
  if (!isRecord(value)) return false;
  const items = Object.values(value);
  return items.length <= maxInputs && items.every(check);
}

/** A figure as JSON holds it, which has no NaN and no infinities. */
type WireNumber = number | "NaN" | "Infinity" | "-Infinity";

/** A job's result as JSON holds it. */
export interface WireResult {
  readonly values: readonly (readonly [Bits, { readonly [Figure in keyof Measurement]: WireNumber }])[];
}

/** What a worker hands in. */
export function wireResult({ values }: Pick<LayerResult, "values">): WireResult {
  const figure = (value: number): WireNumber => (Number.isFinite(value) ? value : (String(value) as WireNumber));
  return {
    values: [...values].map(([bits, measured]) => [
      bits,
      Object.fromEntries(
        Object.entries(measured).flatMap(([name, value]) => (value === undefined ? [] : [[name, figure(value)]])),
      ) as never,
    ]),
  };
}

/** The result of exactly this job. */
export function resultOf(value: unknown, { layer, bits }: QueuedJob): LayerResult | undefined {
  if (!isRecord(value) || !isListOf(value.values, bitwidths.length, isCell)) return undefined;
  const measured = new Map(
    (value.values as WireResult["values"]).map(([b, wire]) => {
      const figures = Object.entries(wire).map(([name, each]) => [name, Number(each)]);
      return [b, Object.fromEntries(figures) as Measurement] as const;
    }),
  );
  return measured.size === bits.length && bits.every((b) => measured.has(b)) ? { layer, values: measured } : undefined;
}

function isCell(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2 || !isBits(value[0]) || !isRecord(value[1])) return false;
  const { kl, nmse, loss, ...others } = value[1];
  const isNumber = (each: unknown) =>
    typeof each === "number" || each === "NaN" || each === "Infinity" || each === "-Infinity";
  const isOptional = (each: unknown) => each === undefined || isNumber(each);
  return isNumber(nmse) && isOptional(kl) && isOptional(loss) && Object.keys(others).length === 0;
}

/** Whether what another machine sent is an error. */
export function isWireError(value: unknown): value is WireError {
  if (!isRecord(value) || !isText(value.message, maxMessage)) return false;
  const { code, slug, remedy, place, aborted } = value;
  const isPlace = isRecord(place) && Object.values(place).every((each) => typeof each === "number" || isText(each));
  return (
    (code === undefined || (isText(code) && /^SQ\d{4}$/.test(code))) &&
    [slug, remedy].every((each) => each === undefined || isText(each)) &&
    (place === undefined || isPlace) &&
    (aborted === undefined || typeof aborted === "boolean")
  );
}
