import type { Tensor, ValueInfo } from "../ports.ts";
import { type NumericType, newData, product } from "./elements.ts";
import { numberToHalf } from "./half.ts";
import { type Random, random } from "./random.ts";

/**
 * Ids that are looked up in a table whose length is not known here: 16 rows have those of characters, amino acids and words;
 * an id beyond a table's end would fail the run.
 */
const idBound = 16;
/** Leaves of a made-up picture: enough for some dozen visible edges, few enough that flat parts remain. Our choice. */
const leaves = 40;
/** Radii of leaves as parts of the picture's longer side. */
const smallestLeaf = 0.03;
const largestLeaf = 0.5;
/** Standard deviation of the noise on a picture whose own is 1: a camera's at moderate light. Our choice. */
const noise = 0.05;
/** Channels of photographs are much alike: 0.8 of each is common, the rest its own (0.8^2 + 0.6^2 = 1). Our choice. */
const commonPart = 0.8;
const ownPart = 0.6;
/** Normalized photographs end at about +-2.5: black and white are no further from the mean. */
const pictureLimit = 2.5;
/** The shorter side of what is taken for a picture. */
const leastSide = 4;
/** More channels at the end than this are no colours but the width of a picture whose channels come first. */
const mostColours = 4;

/** Zero-filled. */
export function newTensor(type: NumericType, dims: readonly number[]): Tensor {
  return { type, dims, data: newData(type, product(dims)) };
}

/**
 * Fills elements [at, at + product(dims)) of a tensor with one made-up sample of an input. By type and, since nothing else
 * tells what numbers mean, by name:
 * - masks are all 1: every part of the input counts;
 * - floats and bytes of rank 4 are pictures; other floats are standard normal;
 * - integers are positions, one segment (0), or small ids; single ones, as lengths and flags, are 1, single booleans false.
 * @param dims of the sample; the input's own have a batch axis more, or as many
 */
export function fillSample(
  tensor: Tensor,
  at: number,
  dims: readonly number[],
  input: ValueInfo,
  seeds: readonly number[],
): void {
  const { type, data } = tensor;
  const size = product(dims);
  const put = writer(type as NumericType, data as ReturnType<typeof newData>, at);
  const generator = random(...seeds);
  const kind = kindOf(input, dims, size);
  switch (kind) {
    case "ones":
    case "zeros":
      for (let index = 0; index < size; index++) put(index, kind === "ones" ? 1 : 0);
      return;
    case "positions":
      for (let index = 0; index < size; index++) put(index, index % (dims.at(-1) ?? 1));
      return;
    case "ids":
      for (let index = 0; index < size; index++) put(index, generator.below(idBound));
      return;
    case "bits":
      for (let index = 0; index < size; index++) put(index, generator.below(2));
      return;
    case "gaussian":
      for (let index = 0; index < size; index++) put(index, generator.gaussian());
      return;
    case "picture": {
      const values = pictures(dims, generator);
      const [scale, offset] = type === "uint8" ? [50, 128] : type === "int8" ? [50, 0] : [1, 0];
      for (let index = 0; index < size; index++) put(index, (values[index] as number) * scale + offset);
      return;
    }
  }
}

type Kind = "ones" | "zeros" | "positions" | "ids" | "bits" | "gaussian" | "picture";

function kindOf({ name, type, dims: declared }: ValueInfo, dims: readonly number[], size: number): Kind {
  if (/mask/i.test(name)) return "ones";
  const float = type === "float32" || type === "float16" || type === "float64";
  const sides = dims.length >= 3 ? Math.min(...sidesOf(dims)) : 0;
  if ((float || type === "uint8" || type === "int8") && declared.length === 4 && sides >= leastSide) return "picture";
  if (float) return "gaussian";
  if (type === "bool") return size === 1 ? "zeros" : "bits";
  if (/position/i.test(name)) return "positions";
  if (/segment|token_type/i.test(name)) return "zeros";
  return size === 1 ? "ones" : "ids";
}

/** Writes numbers in the tensor's type; integers are rounded. */
function writer(
  type: NumericType,
  data: ReturnType<typeof newData>,
  at: number,
): (index: number, value: number) => void {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return (index, value) => {
      data[at + index] = BigInt(Math.round(value));
    };
  }
  if (type === "float16") {
    return (index, value) => {
      data[at + index] = numberToHalf(value);
    };
  }
  const whole = !(data instanceof Float32Array || data instanceof Float64Array);
  return (index, value) => {
    data[at + index] = whole ? Math.round(value) : value;
  };
}

function channelsLast(dims: readonly number[]): boolean {
  return (dims.at(-1) ?? 0) <= mostColours && (dims.at(-3) ?? 0) > mostColours;
}

/** Height and width: of the last three axes the two that are no channels. */
function sidesOf(dims: readonly number[]): readonly [number, number] {
  const [first = 1, second = 1, third = 1] = dims.slice(-3);
  return channelsLast(dims) ? [first, second] : [second, third];
}

/**
 * Pictures by the dead leaves model (Lee, Mumford and Huang, "Occlusion models for natural images", 2001): discs of random
 * shade that cover each other, their radii r as r^-3, which has the edges, flat parts and scaling of photographs. Mean about
 * 0, standard deviation about 1, as a network's normalized input has.
 * @param dims [..., channels, height, width] or [..., height, width, channels]
 */
function pictures(dims: readonly number[], generator: Random): Float32Array {
  const [height, width] = sidesOf(dims);
  const last = channelsLast(dims);
  const channels = (last ? dims.at(-1) : dims.at(-3)) ?? 1;
  const pixels = height * width;
  const values = new Float32Array(product(dims));
  const [pixelStep, channelStep] = last ? [channels, 1] : [1, pixels];
  for (let base = 0; base < values.length; base += pixels * channels) {
    const shade = shades(channels, generator);
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let c = 0; c < channels; c++) values[base + pixel * pixelStep + c * channelStep] = shade[c] as number;
    }
    for (let leaf = 0; leaf < leaves; leaf++) {
      const radius = leafRadius(generator.next()) * Math.max(height, width);
      const centreY = generator.next() * height;
      const centreX = generator.next() * width;
      const colour = shades(channels, generator);
      const top = Math.max(0, Math.ceil(centreY - radius));
      const bottom = Math.min(height - 1, Math.floor(centreY + radius));
      for (let y = top; y <= bottom; y++) {
        const half = Math.sqrt(radius ** 2 - (y - centreY) ** 2);
        const right = Math.min(width - 1, Math.floor(centreX + half));
        for (let x = Math.max(0, Math.ceil(centreX - half)); x <= right; x++) {
          const pixel = base + (y * width + x) * pixelStep;
          for (let c = 0; c < channels; c++) values[pixel + c * channelStep] = colour[c] as number;
        }
      }
    }
  }
  for (let index = 0; index < values.length; index++) {
    const value = (values[index] as number) + noise * generator.gaussian();
    values[index] = Math.max(-pictureLimit, Math.min(pictureLimit, value));
  }
  return values;
}

/** Inverse of the distribution function of radii with density r^-3 between the two limits. @param part uniform in [0, 1) */
function leafRadius(part: number): number {
  const [from, to] = [smallestLeaf ** -2, largestLeaf ** -2];
  return (from - part * (from - to)) ** -0.5;
}

function shades(channels: number, generator: Random): readonly number[] {
  const common = generator.gaussian();
  return Array.from({ length: channels }, () => commonPart * common + ownPart * generator.gaussian());
}
