import type { Tensor, ValueInfo } from "../ports.ts";
import type { ArrayFile, ArraySource } from "./arrays.ts";
import { type Batching, batchingOf, rangeAt } from "./batches.ts";
import { type Binding, type Bindings, bindArrays } from "./bind.ts";
import { convertRows } from "./convert.ts";
import { concatRows } from "./elements.ts";
import { dataError } from "./errors.ts";
import { readLabels } from "./labels.ts";
import type { Preprocess } from "./preprocess.ts";
import { selectRows } from "./selectRows.ts";

/** The feeds of one run. */
export interface Batch {
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** Samples by which a loop over the set moves on: those of this run that no earlier one had. */
  readonly samples: number;
  /**
   * The first so many rows were in an earlier run already: a model with a fixed batch of N needs N samples in its last run
   * too. Absent when there are none.
   */
  readonly repeated?: number;
  /** Class of every row, the repeated ones included; absent without labels. */
  readonly labels?: Int32Array;
}

/** What each row of a run counts for, 0 for those that an earlier run had; undefined where all count alike. */
export function rowWeights({ samples, repeated = 0 }: Batch): Float64Array | undefined {
  return repeated === 0 ? undefined : new Float64Array(repeated + samples).fill(1, repeated);
}

/** Samples for one model: arrays bound to its inputs, in the types and layouts it takes. */
export interface Dataset {
  readonly name: string;
  readonly samples: number;
  readonly hasLabels: boolean;
  /** Made up, not real data: whatever is measured with it ranks layers and predicts no accuracy. */
  readonly synthetic: boolean;
  /** Differs when the content differs; for cache keys. */
  readonly hash: string;
  /** What was assumed in reading it, one sentence each, for the user to see. */
  readonly notes: readonly string[];
  /**
   * The run that begins at sample `from`: at most `count` samples where the model's batch dimension is open; else as many as
   * the model takes, whatever `count` is. Go on at `from + samples`.
   * @throws SigmaQuantError SQ4036 (from outside the set), SQ4037 (fewer samples than a fixed batch), and reading errors
   */
  batch(from: number, count: number, signal?: AbortSignal): Promise<Batch>;
  /** All labels, one class per sample; undefined without labels. */
  labels(signal?: AbortSignal): Promise<Int32Array | undefined>;
  /** The set of these samples, in this order. `tag` tells it from others in its hash. */
  pick(indices: Uint32Array, tag: string): Dataset;
  /** Gives back files; the set and its subsets can't be read afterwards. */
  close(): Promise<void>;
}

export interface DatasetOptions {
  /** Hash of the content: of the file's bytes, or whatever else the samples come from. */
  readonly hash: string;
  readonly preprocess?: Preprocess;
  readonly synthetic?: boolean;
  /** What was assumed before the arrays were there. */
  readonly notes?: readonly string[];
  /** Inputs that are not in the file, or not to be taken from it (see fixedArrays). */
  readonly fixed?: ReadonlyMap<string, ArraySource>;
  readonly close?: () => Promise<void>;
}

/**
 * Arrays as the samples of a model. Rows are read and converted batch by batch; the set is never in memory as floats.
 * @param inputs the inputs that are fed, as the session names them
 * @throws SigmaQuantError SQ4022, SQ403x, and what opening an array throws
 */
export async function openDataset(
  file: ArrayFile,
  inputs: readonly ValueInfo[],
  options: DatasetOptions,
  signal?: AbortSignal,
): Promise<Dataset> {
  const bound = await bindArrays(file, inputs, options, signal);
  const samples = countSamples(file, bound);
  if (samples === 0) {
    throw dataError("no-samples", "The set has no samples", "Give at least one sample.", { file: file.file });
  }
  return new ArrayDataset({
    name: file.file,
    samples,
    bound: { ...bound, notes: [...(options.notes ?? []), ...bound.notes] },
    batching: batchingFor(bound),
    hash: options.hash,
    synthetic: options.synthetic ?? false,
    close: options.close ?? (async () => {}),
  });
}

interface State {
  readonly name: string;
  readonly samples: number;
  readonly bound: Bindings;
  readonly batching: Batching;
  readonly hash: string;
  readonly synthetic: boolean;
  readonly close: () => Promise<void>;
}

class ArrayDataset implements Dataset {
  readonly name: string;
  readonly samples: number;
  readonly hasLabels: boolean;
  readonly synthetic: boolean;
  readonly hash: string;
  readonly notes: readonly string[];
  private readonly state: State;
  private allLabels: Int32Array | undefined;

  constructor(state: State) {
    this.state = state;
    this.name = state.name;
    this.samples = state.samples;
    this.hasLabels = state.bound.labels !== undefined;
    this.synthetic = state.synthetic;
    this.hash = state.hash;
    this.notes = state.bound.notes;
  }

  async batch(from: number, count: number, signal?: AbortSignal): Promise<Batch> {
    checkStart(this, from);
    const range = rangeAt(this.state.batching, this.samples, from, count);
    const feeds: Record<string, Tensor> = {};
    for (const binding of this.state.bound.bindings) {
      signal?.throwIfAborted();
      feeds[binding.input.name] = await readFeed(binding, range.from, range.count, this.samples, signal);
    }
    const labels = (await this.labels(signal))?.subarray(range.from, range.from + range.count);
    const { count: rows, repeated } = range;
    return { feeds, samples: rows - repeated, ...(repeated > 0 && { repeated }), ...(labels && { labels }) };
  }

  async labels(signal?: AbortSignal): Promise<Int32Array | undefined> {
    const { labels } = this.state.bound;
    if (labels) this.allLabels ??= await readLabels(labels.source, labels.place, signal);
    return this.allLabels;
  }

  pick(indices: Uint32Array, tag: string): Dataset {
    const { bound } = this.state;
    const select = <T extends { readonly source: ArraySource }>(part: T): T => ({
      ...part,
      source: selectRows(part.source, indices),
    });
    return new ArrayDataset({
      ...this.state,
      samples: indices.length,
      bound: {
        ...bound,
        bindings: bound.bindings.map((binding) => (isConstant(binding, this.samples) ? binding : select(binding))),
        ...(bound.labels && { labels: select(bound.labels) }),
      },
      hash: `${this.hash}/${tag}`,
    });
  }

  close(): Promise<void> {
    return this.state.close();
  }
}

/** @throws SigmaQuantError SQ4036 */
export function checkStart(dataset: Pick<Dataset, "name" | "samples">, from: number): void {
  if (Number.isInteger(from) && from >= 0 && from < dataset.samples) return;
  const message = `There is no sample ${from}: the set has ${dataset.samples}`;
  throw dataError("sample-range", message, "Start within the set.", { file: dataset.name });
}

async function readFeed(
  binding: Binding,
  from: number,
  count: number,
  samples: number,
  signal?: AbortSignal,
): Promise<Tensor> {
  const { source, role, conversion, place } = binding;
  const constant = isConstant(binding, samples);
  if (role === "rows") {
    const rows = constant
      ? concatRows(new Array<Tensor>(count).fill(await source.rows(0, 1, signal)))
      : await source.rows(from, count, signal);
    return convertRows(rows, conversion, place);
  }
  const length = role === "constant" ? (source.dims[0] ?? 1) : 1;
  const whole = await source.rows(constant ? 0 : from, length, signal);
  const { data } = convertRows({ ...whole, dims: [1, ...conversion.rowDims] }, conversion, place);
  return { type: conversion.type, dims: conversion.rowDims, data };
}

/** One row for many samples is given to each of them. */
function isConstant({ role, source }: Binding, samples: number): boolean {
  return role === "constant" || (source.dims[0] === 1 && samples > 1);
}

/** A sample that is a whole input can't be joined with others, whatever the dimensions look like. */
function batchingFor({ bindings, counted }: Bindings): Batching {
  const whole = bindings.some(({ role, input }) => role !== "rows" && counted.includes(input));
  return whole ? { kind: "whole" } : batchingOf(counted);
}

function countSamples(file: ArrayFile, { bindings, labels }: Bindings): number {
  const counts = bindings
    .filter(({ role }) => role !== "constant")
    .map(({ input, source }) => ({ name: input.name, rows: source.dims[0] ?? 1 }));
  if (labels) counts.push({ name: "labels", rows: labels.source.dims[0] ?? 1 });
  const samples = counts.reduce((most, { rows }) => Math.max(most, rows), counts.length === 0 ? 1 : 0);
  const odd = counts.filter(({ name, rows }) => rows !== samples && (rows !== 1 || name === "labels"));
  if (odd.length > 0) {
    const list = counts.map(({ name, rows }) => `${name} ${rows}`).join(", ");
    const message = `The arrays have different numbers of samples: ${list}`;
    throw dataError("sample-count", message, "Give every array the same length of axis 0.", { file: file.file });
  }
  return samples;
}
