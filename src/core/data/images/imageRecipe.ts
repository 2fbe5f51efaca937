import type { ValueInfo } from "../../ports.ts";
import { isFloat, shapeText } from "../elements.ts";
import { dataError } from "../errors.ts";
import type { GivenPreprocess, Layout, Preprocess } from "../preprocess.ts";
import type { Fit } from "./fitImage.ts";
import { type Channels, channelCount } from "./pixels.ts";

/** How image files become rows of a model's input. */
export interface ImageRecipe {
  readonly input: ValueInfo;
  readonly channels: Channels;
  /** Of the rows: as the model takes them. */
  readonly layout: Layout;
  readonly fit: Fit;
  readonly preprocess: Preprocess;
  /** What was assumed, for the user to see. */
  readonly notes: readonly string[];
}

/** Bytes to 0..1, what most image models are trained with. */
const byteScale = 1 / 255;
const defaultResize = "shorter-side";

/**
 * How images are made into a model's input: what preprocess.json says, else what the input's shape tells, else what is usual.
 * @param shapes of the inputs with open dimensions assumed, by name
 * @param given the preprocess.json, where there is one
 * @throws SigmaQuantError SQ4065 (no input that takes images, or no size), SQ4022 (channels)
 */
export function imageRecipe(
  inputs: readonly ValueInfo[],
  shapes: ReadonlyMap<string, readonly number[]>,
  given: GivenPreprocess | undefined,
): ImageRecipe {
  const { input, axes } = chooseInput(inputs, given);
  const channels = chooseChannels(input, axes, given);
  const { size, assumed: assumedSize } = chooseSize(input, axes, shapes.get(input.name), given);
  const fit: Fit = {
    height: size[0],
    width: size[1],
    resize: given?.resize ?? defaultResize,
    crop: given?.crop ?? 1,
    interpolation: given?.interpolation ?? "bilinear",
    padding: given?.padding ?? 0,
  };
  const { scale, note: scaleNote } = chooseScale(input, given);
  const preprocess: Preprocess = {
    scale,
    mean: given?.mean ?? [0],
    std: given?.std ?? [1],
    layout: axes.layout,
    channels,
  };
  checkPerChannel(preprocess, channels);
  const assumed = [
    ...(given?.channels === undefined && channels !== "L" ? [`colours in the order ${channels}`] : []),
    ...(assumedSize ? [`${size[0]} x ${size[1]} pixels`] : []),
    ...(given?.resize === undefined ? [`the shorter side is scaled to ${Math.min(...size)}, the rest cropped`] : []),
    ...(scaleNote === undefined ? [] : [scaleNote]),
  ];
  const where = given === undefined ? "there is no preprocess.json" : "preprocess.json does not say otherwise";
  const notes = assumed.length === 0 ? [] : [`Assumed of the images, as ${where}: ${assumed.join("; ")}.`];
  return { input, channels, layout: axes.layout, fit, preprocess, notes };
}

/** Which dimensions of an input are which. */
interface Axes {
  readonly layout: Layout;
  /** Absent where an input has no axis for channels: [samples, height, width] is grey. */
  readonly channels?: number;
  readonly height: number;
  readonly width: number;
}

/** @throws SQ4065 where no input takes images, or several do, or there are others */
function chooseInput(
  inputs: readonly ValueInfo[],
  given: GivenPreprocess | undefined,
): { readonly input: ValueInfo; readonly axes: Axes } {
  const found = inputs.flatMap((input) => {
    const axes = axesOf(input, given);
    return axes ? [{ input, axes }] : [];
  });
  const [first] = found;
  const list = inputs.map(({ name, type, dims }) => `${name} ${shapeText(dims, type)}`).join(", ");
  if (first === undefined) {
    const remedy = "Give a .npz file with an array for each input.";
    throw dataError("image-input", `No input of the model takes images of 1 or 3 channels: ${list}`, remedy);
  }
  if (inputs.length === 1) return first;
  const others = inputs.filter(({ name }) => name !== first.input.name).map(({ name }) => name);
  const message = `Images feed one input, ${first.input.name}, but the model has others too: ${others.join(", ")}`;
  const remedy = `Fix the others (--input ${others[0]}=VALUE), or give a .npz file with an array for each input.`;
  throw dataError("image-input", message, remedy);
}

/** Undefined for an input that is no image: not of rank 4 (or 3), not of numbers, of other channels than 1 or 3. */
function axesOf({ type, dims }: ValueInfo, given: GivenPreprocess | undefined): Axes | undefined {
  if (type === "string" || type === "unknown" || type === "bool") return undefined;
  if (dims.length !== 3 && dims.length !== 4) return undefined;
  const at = dims.length - 3;
  const layouts = {
    NCHW: { layout: "NCHW", channels: at, height: at + 1, width: at + 2 },
    NHWC: { layout: "NHWC", height: at, width: at + 1, channels: at + 2 },
  } as const;
  const order = [given?.layout ?? "NCHW", "NCHW", "NHWC"] as const;
  const dim = (layout: Layout) => dims[layouts[layout].channels];
  // What is known of the channels tells more than a layout, which may be that of arrays; a fixed number more than an open one.
  const count = given?.channels && channelCount(given.channels);
  const named = count && order.find((layout) => dim(layout) === count);
  const fixed = named || order.find((layout) => dim(layout) === 1 || dim(layout) === 3);
  if (fixed) return layouts[fixed];
  if (dims.length === 3) return { layout: "NCHW", height: 1, width: 2 };
  const open = order.find((layout) => typeof dim(layout) !== "number");
  return open && layouts[open];
}

/** @throws SQ4022 */
function chooseChannels({ name, dims }: ValueInfo, axes: Axes, given: GivenPreprocess | undefined): Channels {
  const wanted = axes.channels === undefined ? 1 : dims[axes.channels];
  const channels = given?.channels ?? (wanted === 1 ? "L" : "RGB");
  if (typeof wanted === "number" && channelCount(channels) !== wanted) {
    const message = `preprocess.json has "channels": "${channels}", but the model's input ${name} ${shapeText(dims)} takes ${wanted}`;
    throw dataError("preprocess-channels", message, `Write ${wanted === 1 ? '"L"' : '"RGB" or "BGR"'}.`);
  }
  return channels;
}

/** @throws SQ4065 for a size that the model does not take, or that nothing tells */
function chooseSize(
  { name, dims }: ValueInfo,
  axes: Axes,
  shape: readonly number[] | undefined,
  given: GivenPreprocess | undefined,
): { readonly size: readonly [number, number]; readonly assumed: boolean } {
  const own = [dims[axes.height], dims[axes.width]] as const;
  if (given?.size) {
    if (given.size.every((side, index) => typeof own[index] !== "number" || own[index] === side)) {
      return { size: given.size, assumed: false };
    }
    const message = `preprocess.json has a size of ${given.size.join(" x ")}, but the model's input ${name} takes ${shapeText(dims)}`;
    throw dataError("image-input", message, "Correct the size (height, width), or leave it out.");
  }
  const side = (axis: number) => (typeof dims[axis] === "number" ? dims[axis] : shape?.[axis]);
  const [height, width] = [side(axes.height), side(axes.width)];
  if (height === undefined || width === undefined) {
    const message = `The model's input ${name} ${shapeText(dims)} leaves the size of images open`;
    throw dataError("image-input", message, 'Write it into preprocess.json: "size": 224, or [height, width].');
  }
  return { size: [height, width], assumed: own.some((dim) => typeof dim !== "number") };
}

/** Means and deviations above 1 are those of bytes, and others of numbers from 0 to 1. */
function chooseScale(
  { type }: ValueInfo,
  given: GivenPreprocess | undefined,
): { readonly scale: number; readonly note?: string } {
  if (given?.scale !== undefined) return { scale: given.scale };
  if (type === "unknown" || !isFloat(type)) return { scale: 1 };
  if ([...(given?.mean ?? []), ...(given?.std ?? [])].some((value) => Math.abs(value) > 1)) {
    return { scale: 1, note: "bytes are not scaled, as mean and std are those of bytes" };
  }
  return { scale: byteScale, note: "bytes are scaled by 1/255" };
}

function checkPerChannel({ mean, std }: Preprocess, channels: Channels): void {
  const wanted = Math.max(mean.length, std.length);
  const count = channelCount(channels);
  if (wanted === 1 || wanted === count) return;
  const message = `preprocess.json has mean and std for ${wanted} channels, but images are taken as ${channels}, of ${count}`;
  throw dataError("preprocess-channels", message, 'Give one number per channel, or correct "channels".');
}
