import { didYouMean } from "../hardware/didYouMean.ts";
import type { Tensor, ValueInfo } from "../ports.ts";
import { type ArraySource, memoryArray } from "./arrays.ts";
import { batchingOf } from "./batches.ts";
import { castData } from "./convert.ts";
import { integerRange, isFloat, newData, product, shapeText } from "./elements.ts";
import { dataError } from "./errors.ts";

/**
 * Values of inputs that are the same for every sample, by name: one for all elements, or one for each element of a sample. A sample
 * rate, a threshold, a size: numbers that samples do not have and made-up ones get wrong.
 */
export type FixedInputs = Readonly<Record<string, readonly number[]>>;

export const noFixedInputs: FixedInputs = {};

/** Those of the model's inputs, and a sentence for each name that is none of them. */
export function ownFixedInputs(
  fixed: FixedInputs,
  inputs: readonly ValueInfo[],
): { readonly fixed: FixedInputs; readonly notes: readonly string[] } {
  const names = inputs.map(({ name }) => name);
  const own = Object.entries(fixed).filter(([name]) => names.includes(name));
  const notes = Object.keys(fixed)
    .filter((name) => !names.includes(name))
    .map((name) => {
      const meant = didYouMean(name, names);
      const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
      return `A value is given for ${name}, which is no input of the model (${names.join(", ")})${hint}`;
    });
  return { fixed: Object.fromEntries(own), notes };
}

/** The inputs that say how many samples a run takes: a scalar that is fixed suits any number of them. */
export function countedInputs(inputs: readonly ValueInfo[], isFixed: (name: string) => boolean): readonly ValueInfo[] {
  return inputs.filter(({ name, dims }) => dims.length > 0 || !isFixed(name));
}

/**
 * The fixed inputs as arrays for a dataset, by name.
 * @param shapes of all inputs with open dimensions assumed, by name
 * @throws SigmaQuantError SQ4051 (another number of values, or one that the input's type can't hold)
 */
export function fixedArrays(
  inputs: readonly ValueInfo[],
  shapes: ReadonlyMap<string, readonly number[]>,
  fixed: FixedInputs,
): ReadonlyMap<string, ArraySource> {
  const batching = batchingOf(countedInputs(inputs, (name) => Object.hasOwn(fixed, name)));
  const arrays = new Map<string, ArraySource>();
  for (const input of inputs) {
    const values = Object.hasOwn(fixed, input.name) ? fixed[input.name] : undefined;
    if (values === undefined) continue;
    const [batch] = input.dims;
    const shape = shapes.get(input.name) ?? input.dims.map((dim) => (typeof dim === "number" ? dim : 1));
    // As many rows as a run has are made of one.
    const batched = batch !== undefined && (batching.kind !== "whole" || typeof batch !== "number" || batch === 1);
    const dims = batched ? [1, ...shape.slice(1)] : shape;
    arrays.set(input.name, memoryArray({ type: checkedType(input), dims, data: filled(input, dims, values) }));
  }
  return arrays;
}

/** The fixed inputs in the shapes of other tensors. @throws SigmaQuantError SQ4051 */
export function givenTensors(
  inputs: readonly ValueInfo[],
  like: Readonly<Record<string, Tensor>>,
  fixed: FixedInputs,
): Readonly<Record<string, Tensor>> {
  const given: Record<string, Tensor> = {};
  for (const input of inputs) {
    const shape = like[input.name]?.dims;
    const values = Object.hasOwn(fixed, input.name) ? fixed[input.name] : undefined;
    if (shape === undefined || values === undefined) continue;
    const size = product(shape);
    // Values of one sample serve for each.
    const repeated = values.length > 0 && size % values.length === 0 ? size / values.length : 1;
    const all = Array.from({ length: repeated }, () => values).flat();
    given[input.name] = { type: checkedType(input), dims: shape, data: filled(input, shape, all) };
  }
  return given;
}

/** Elements of a fixed input. @param dims of one sample. @throws SigmaQuantError SQ4051 */
export function filled(input: ValueInfo, dims: readonly number[], values: readonly number[]) {
  const type = checkedType(input);
  const size = product(dims);
  if (values.length !== 1 && values.length !== size) {
    const message = `${values.length} values are given for the input ${input.name}, of which a sample has ${size}: ${shapeText(dims, type)}`;
    throw dataError("input-value", message, `Give one for all, or ${size}.`, { item: input.name });
  }
  const numbers = Float64Array.from({ length: size }, (_, index) => values[values.length === 1 ? 0 : index] as number);
  if (isFloat(type)) return castData(numbers, "float64", type, {});
  const [least, most] = integerRange[type] ?? [0n, 0n];
  const wrong = numbers.find((value) => !Number.isSafeInteger(value) || value < least || value > most);
  if (wrong !== undefined) {
    const message = `The input ${input.name} takes ${type}, which can't hold ${wrong}`;
    throw dataError("input-value", message, `Give whole numbers from ${least} to ${most}.`, { item: input.name });
  }
  const whole = newData("int64", size);
  for (const [index, value] of numbers.entries()) whole[index] = BigInt(value);
  return castData(whole, "int64", type, { item: input.name });
}

/** @throws SigmaQuantError SQ4051 */
function checkedType({ name, type }: ValueInfo) {
  if (type !== "string" && type !== "unknown") return type;
  const what = type === "string" ? "text" : "no tensor";
  throw dataError("input-value", `The input ${name} takes ${what}, which no value can be given for`, "Leave it out.", {
    item: name,
  });
}
