import { didYouMean } from "../hardware/didYouMean.ts";
import { type ImageFields, imageFieldNames, readImageFields } from "./images/imageFields.ts";
import { type PreprocessReader, readFields } from "./preprocessFields.ts";

/** Order of an array's axes: samples, channels, height, width; or channels last. */
export type Layout = "NCHW" | "NHWC";

/**
 * How stored samples become the model's float input: `(x * scale - mean[c]) / std[c]`, c the channel. `mean` and `std` have
 * one value for all channels or one each.
 */
export interface Preprocess {
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Layout of the stored arrays. The model's own is seen from its input's shape. */
  readonly layout: Layout;
  /** What the channels are. Arrays are taken as they are; images are decoded to it. */
  readonly channels?: "RGB" | "BGR" | "L";
}

/** What a preprocess.json says, and nothing that it does not: for images other things are assumed than for arrays. */
export type GivenPreprocess = Partial<Preprocess> & ImageFields;

/** Without a preprocess.json: integers become the same numbers as floats. */
export const noPreprocess: Preprocess = { scale: 1, mean: [0], std: [1], layout: "NCHW" };

const fields = ["$schema", "scale", "mean", "std", "layout", "channels"] as const;

/**
 * Parses a `preprocess.json` (JSON with comments) for arrays.
 * @throws SigmaQuantError SQ4020 (no JSON), SQ4021 (a field), with line and column
 */
export function parsePreprocess(text: string, file: string): Preprocess {
  return forArrays(parseGivenPreprocess(text, file));
}

/** What is given of what arrays need, and else as they are. */
export function forArrays({ scale, mean, std, layout, channels }: GivenPreprocess): Preprocess {
  return {
    scale: scale ?? noPreprocess.scale,
    mean: mean ?? noPreprocess.mean,
    std: std ?? noPreprocess.std,
    layout: layout ?? noPreprocess.layout,
    ...(channels && { channels }),
  };
}

/** Parses a `preprocess.json` with all its fields. @throws as parsePreprocess */
export function parseGivenPreprocess(text: string, file: string): GivenPreprocess {
  const reader = readFields(text, file);
  const known: readonly string[] = [...fields, ...imageFieldNames];
  for (const key of Object.keys(reader.record)) {
    if (known.includes(key)) continue;
    const meant = didYouMean(key, known);
    const remedy = meant ? `Did you mean ${JSON.stringify(meant)}?` : `Use ${known.slice(1).join(", ")}.`;
    throw reader.bad([key], `preprocess.json has no field ${JSON.stringify(key)}`, remedy, "key");
  }
  const mean = reader.perChannel("mean");
  const std = readDeviations(reader);
  if (mean && std && mean.length > 1 && std.length > 1 && mean.length !== std.length) {
    const message = `mean has ${mean.length} channels and std ${std.length}`;
    throw reader.bad(["std"], message, "Give both one number per channel, or one for all.");
  }
  const scale = reader.number(
    "scale",
    (value) => value !== 0,
    "a number other than 0",
    "Write e.g. 0.00392156862745098 for 1/255.",
  );
  const channels = reader.choice("channels", ["RGB", "BGR", "L"]);
  const layout = reader.choice("layout", ["NCHW", "NHWC"]);
  return {
    ...(scale !== undefined && { scale }),
    ...(mean && { mean }),
    ...(std && { std }),
    ...(layout && { layout }),
    ...(channels && { channels }),
    ...readImageFields(reader),
  };
}

function readDeviations(reader: PreprocessReader): readonly number[] | undefined {
  const std = reader.perChannel("std");
  for (const [index, deviation] of std?.entries() ?? []) {
    if (deviation > 0) continue;
    const path = Array.isArray(reader.record.std) ? ["std", index] : ["std"];
    throw reader.bad(path, `A standard deviation must be greater than 0, not ${deviation}`, "Correct the number.");
  }
  return std;
}
