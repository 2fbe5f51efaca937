import type { ValueInfo } from "../ports.ts";
import { dataError } from "./errors.ts";

/**
 * How many samples one run of a model takes.
 * - "any": the batch dimension (axis 0) of every input is open.
 * - "fixed": it is the same number for every input (1: one sample a run, and open ones go along).
 * - "whole": some input has no batch dimension (a scalar, a state of [2, batch, 64] beside an open batch): one sample a run, given
 *   whole.
 */
export type Batching =
  | { readonly kind: "any" }
  | { readonly kind: "fixed"; readonly size: number }
  | { readonly kind: "whole" };

/** @param inputs the inputs that are fed */
export function batchingOf(inputs: readonly ValueInfo[]): Batching {
  let size: number | undefined;
  const open = inputs.some(({ dims: [batch] }) => typeof batch !== "number");
  for (const { dims } of inputs) {
    const [batch] = dims;
    if (dims.length === 0) return { kind: "whole" };
    if (typeof batch !== "number") continue;
    if (size !== undefined && size !== batch) return { kind: "whole" };
    size = batch;
  }
  if (size === undefined) return { kind: "any" };
  return size === 0 || (open && size > 1) ? { kind: "whole" } : { kind: "fixed", size };
}

/** Rows [from, from + count); the first `repeated` of them were in an earlier range already. */
export interface BatchRange {
  readonly from: number;
  readonly count: number;
  readonly repeated: number;
}

/**
 * The range that begins at sample `from`: at most `preferred` samples where the model takes any number, else exactly as many as
 * it takes. Where fewer than those are left, the range reaches back over samples that were had already.
 * @throws SigmaQuantError SQ4037 when the whole set is smaller than the model's fixed batch
 */
export function rangeAt(batching: Batching, samples: number, from: number, preferred: number): BatchRange {
  const left = samples - from;
  if (batching.kind === "whole") return { from, count: 1, repeated: 0 };
  if (batching.kind === "any") return { from, count: Math.max(1, Math.min(Math.floor(preferred), left)), repeated: 0 };
  const { size } = batching;
  if (samples < size) {
    throw dataError(
      "batch-size",
      `The model takes batches of exactly ${size} samples, but there are only ${samples}`,
      `Give at least ${size} samples, or export the model with an open batch dimension.`,
    );
  }
  const repeated = Math.max(0, size - left);
  return { from: from - repeated, count: size, repeated };
}

/**
 * All ranges of a set, in order: every sample is fresh in exactly one of them.
 * @param preferred samples a run where the model leaves it open
 * @throws SigmaQuantError SQ4037
 */
export function batchesFor(inputs: readonly ValueInfo[], samples: number, preferred: number): readonly BatchRange[] {
  const batching = batchingOf(inputs);
  const ranges: BatchRange[] = [];
  for (let from = 0; from < samples; ) {
    const range = rangeAt(batching, samples, from, preferred);
    ranges.push(range);
    from = range.from + range.count;
  }
  return ranges;
}
