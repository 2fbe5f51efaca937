import type { Place } from "../errors.ts";
import { didYouMean } from "../hardware/didYouMean.ts";
import type { ValueInfo } from "../ports.ts";
import type { ArrayFile, ArraySource } from "./arrays.ts";
import { type Batching, batchingOf } from "./batches.ts";
import { fitShape } from "./bindShape.ts";
import type { Conversion } from "./convert.ts";
import { isFloat, shapeText } from "./elements.ts";
import { dataError } from "./errors.ts";
import { countedInputs } from "./fixedInputs.ts";
import { labelNames } from "./labels.ts";
import type { Preprocess } from "./preprocess.ts";

/** An array that feeds an input. */
export interface Binding {
  readonly input: ValueInfo;
  readonly source: ArraySource;
  readonly role: "rows" | "stacked" | "constant";
  readonly conversion: Conversion;
  readonly place: Place;
}

export interface Bindings {
  readonly bindings: readonly Binding[];
  /** The inputs that say how many samples a run takes. */
  readonly counted: readonly ValueInfo[];
  readonly labels?: { readonly source: ArraySource; readonly place: Place };
  /** What was assumed, for the user to see. */
  readonly notes: readonly string[];
}

/** What else there is than the file's arrays. */
export interface BindOptions {
  readonly preprocess?: Preprocess;
  /** Arrays of inputs that are the same for every sample, by name; they go before the file's. */
  readonly fixed?: ReadonlyMap<string, ArraySource>;
}

/**
 * Finds the array of every input and how it becomes that input.
 * @throws SigmaQuantError SQ4030 (no array), SQ4031 (shape), SQ4032 (type), SQ4022 (channels), and what opening an array throws
 */
export async function bindArrays(
  file: ArrayFile,
  inputs: readonly ValueInfo[],
  { preprocess, fixed = new Map() }: BindOptions = {},
  signal?: AbortSignal,
): Promise<Bindings> {
  const notes: string[] = [];
  const fed = inputs.filter(({ name }) => !fixed.has(name));
  const named = nameArrays(file, fed, notes);
  const counted = countedInputs(inputs, (name) => fixed.has(name));
  const batching = batchingOf(counted);
  const bindings: Binding[] = [];
  for (const input of inputs) {
    const own = fixed.get(input.name);
    if (own !== undefined) {
      bindings.push(bindArray(input, isBatched(input, batching), own, { item: input.name }, undefined, notes));
      continue;
    }
    const array = named.get(input.name);
    if (array === undefined) throw missing(file, input, fed);
    const source = await file.open(array, signal);
    const place = { file: file.file, item: array || input.name };
    bindings.push(bindArray(input, isBatched(input, batching), source, place, preprocess, notes));
  }
  const used = new Set(named.values());
  const label = labelNames.find((name) => file.names.includes(name) && !used.has(name));
  const unused = file.names.filter((name) => !used.has(name) && name !== label);
  if (unused.length > 0) notes.push(`Not inputs of the model, so not used: ${unused.slice(0, 10).join(", ")}.`);
  if (label === undefined) return { bindings, counted, notes };
  const labels = { source: await file.open(label, signal), place: { file: file.file, item: label } };
  return { bindings, counted, labels, notes };
}

/** Input name to array name: by name; else a single array to a single input; else numpy's arr_0, arr_1, ... in order. */
function nameArrays(file: ArrayFile, inputs: readonly ValueInfo[], notes: string[]): ReadonlyMap<string, string> {
  const own = new Map(inputs.filter(({ name }) => file.names.includes(name)).map(({ name }) => [name, name]));
  if (own.size > 0) return own;
  const others = file.names.filter((name) => !(labelNames as readonly string[]).includes(name));
  const positional = others.length === inputs.length && others.every((_, index) => others.includes(`arr_${index}`));
  const [array] = others;
  const [input] = inputs;
  if (others.length === 1 && inputs.length === 1 && array !== undefined && input !== undefined) {
    notes.push(`${array === "" ? "The array" : `Array ${array}`} is taken as the model's only input ${input.name}.`);
    return new Map([[input.name, array]]);
  }
  if (positional) {
    notes.push(
      `Arrays without names are taken in the order of the model's inputs: ${inputs.map((i) => i.name).join(", ")}.`,
    );
    return new Map(inputs.map(({ name }, index) => [name, `arr_${index}`]));
  }
  return own;
}

function missing(file: ArrayFile, input: ValueInfo, inputs: readonly ValueInfo[]) {
  const there = file.names.filter((name) => name !== "");
  const meant = didYouMean(input.name, there);
  const list = there.length === 0 ? "It holds no named array" : `It holds ${there.slice(0, 10).join(", ")}`;
  const all = inputs.map(({ name }) => name).join(", ");
  const value = `an input that is the same for all samples can be given a value (--input ${input.name}=VALUE)`;
  return dataError(
    "array-missing",
    `The model's input ${input.name} (${shapeText(input.dims, input.type)}) has no array. ${list}`,
    meant === undefined
      ? `Name the arrays as the model's inputs: ${all}; ${value}.`
      : `Did you mean it by ${meant}? Name the arrays as the model's inputs: ${all}.`,
    { file: file.file, item: input.name },
  );
}

/** Axis 0 counts samples, where the model takes batches; where it takes none, if it is open or 1 all the same. */
function isBatched({ dims: [batch] }: ValueInfo, batching: Batching): boolean {
  if (batch === undefined) return false;
  return batching.kind !== "whole" || typeof batch !== "number" || batch === 1;
}

function bindArray(
  input: ValueInfo,
  batched: boolean,
  source: ArraySource,
  place: Place & { readonly item: string },
  preprocess: Preprocess | undefined,
  notes: string[],
): Binding {
  const shown = `Array ${place.item}`;
  const { type } = input;
  if (type === "unknown") {
    const message = `The model's input ${input.name} is not a tensor of a type that can be fed`;
    throw dataError("array-type", message, "Use a model whose inputs are tensors of numbers.", place);
  }
  const numeric = type !== "string" && source.type !== "string";
  const lossy = numeric && isFloat(source.type) && !isFloat(type);
  if ((!numeric && type !== source.type) || lossy) {
    const message = `The array is ${source.type}, but the model's input ${input.name} takes ${type}`;
    throw dataError("array-type", message, `Save it as ${type}: array.astype('${type}').`, place);
  }
  const scaled = numeric && isFloat(type) && !isFloat(source.type);
  const normalize = scaled && source.type !== "bool" ? preprocess : undefined;
  const fit = fitShape(source.dims, input.dims, batched, scaled ? preprocess?.layout : undefined);
  if (fit === undefined) throw misfit(input, batched, source, place, preprocess);
  if (scaled && preprocess === undefined && source.type !== "bool") {
    notes.push(
      `${shown} is ${source.type} and there is no preprocess.json: its numbers go to the model unscaled, as they are. ` +
        "If the model was trained on scaled images, put a preprocess.json (scale, mean, std, layout) beside the data.",
    );
  }
  if (preprocess !== undefined && isFloat(source.type)) {
    notes.push(
      `${shown} is ${source.type}, so it is taken as preprocessed: preprocess.json is for arrays of integers.`,
    );
  }
  if (fit.move !== undefined && preprocess === undefined) {
    notes.push(
      `${shown} is taken as ${fit.move === "lastToFirst" ? "NHWC" : "NCHW"}: its channels are moved to where the model has them.`,
    );
  }
  if (fit.reshaped)
    notes.push(
      `${shown} is taken as ${shapeText(["samples", ...fit.rowDims])}: axes of length 1 are added or dropped.`,
    );
  const last = fit.move === undefined ? (normalize?.layout ?? "NCHW") === "NHWC" : fit.move === "lastToFirst";
  if (normalize) checkChannels(normalize, source, last, place);
  const conversion: Conversion = {
    type,
    ...(normalize && { normalize }),
    channels: { axis: last ? "last" : "first", move: fit.move !== undefined },
    rowDims: fit.rowDims,
  };
  return { input, source, role: fit.role, conversion, place };
}

function checkChannels({ mean, std }: Preprocess, source: ArraySource, last: boolean, place: Place): void {
  const wanted = Math.max(mean.length, std.length);
  const channels = (last ? source.dims.at(-1) : source.dims[1]) ?? 1;
  if (wanted === 1 || wanted === channels) return;
  throw dataError(
    "preprocess-channels",
    `preprocess.json has mean and std for ${wanted} channels, but the array ${shapeText(source.dims)} has ${channels}`,
    "Give one number per channel, or correct its layout (NCHW: channels are axis 1, NHWC: the last axis).",
    place,
  );
}

function misfit(
  input: ValueInfo,
  batched: boolean,
  source: ArraySource,
  place: Place,
  preprocess: Preprocess | undefined,
) {
  const wanted = shapeText(["samples", ...(batched ? input.dims.slice(1) : input.dims)]);
  // Would the other layout fit?
  const other =
    preprocess && fitShape(source.dims, input.dims, batched, preprocess.layout === "NCHW" ? "NHWC" : "NCHW");
  const layout = other && `, or correct "layout" in preprocess.json: it says ${preprocess.layout}`;
  return dataError(
    "array-shape",
    `The array has shape ${shapeText(source.dims)}, but the model's input ${input.name} takes ${shapeText(input.dims)}`,
    `Reshape the array to ${wanted}, the first axis counting the samples${layout ?? ""}.`,
    place,
  );
}
