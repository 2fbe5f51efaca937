import type { Place } from "../errors.ts";
import { didYouMean } from "../hardware/didYouMean.ts";
import { type JsonPath, type JsonText, parseJsonText } from "../hardware/jsonText.ts";
import { dataError } from "./errors.ts";

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

/** Without a preprocess.json: integers become the same numbers as floats. */
export const noPreprocess: Preprocess = { scale: 1, mean: [0], std: [1], layout: "NCHW" };

/** A real one has under 1 kB; 64 KiB leaves room for comments and stops a wrong file early. */
const maxTextLength = 65_536;
/** Hyperspectral images have some hundred channels. */
const maxChannels = 4096;

const fields = ["$schema", "scale", "mean", "std", "layout", "channels"] as const;
/** Fields that say how an image file becomes an array; they mean nothing to arrays and are read with folders of images. */
const imageFields = ["size", "resize", "crop", "channelOrder"] as const;

/**
 * Parses a `preprocess.json` (JSON with comments).
 * @throws SigmaQuantError SQ4020 (no JSON), SQ4021 (a field), with line and column
 */
export function parsePreprocess(text: string, file: string): Preprocess {
  const json = parseJsonText(text, maxTextLength);
  const [issue] = json.issues;
  if (issue) {
    const place = { file, line: issue.range.line, column: issue.range.column };
    throw dataError("preprocess-syntax", issue.message, issue.remedy, place);
  }
  const reader = new FieldReader(json, file);
  const { value } = json;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw reader.bad(
      [],
      "preprocess.json must be an object",
      'Write e.g. { "scale": 0.00392, "mean": [0.5], "std": [0.25] }.',
    );
  }
  const known: readonly string[] = [...fields, ...imageFields];
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const meant = didYouMean(key, known);
    const remedy = meant ? `Did you mean ${JSON.stringify(meant)}?` : `Use ${fields.slice(1).join(", ")}.`;
    throw reader.bad([key], `preprocess.json has no field ${JSON.stringify(key)}`, remedy, "key");
  }
  const record: Readonly<Record<string, unknown>> = { ...value };
  const mean = reader.perChannel(record, "mean", noPreprocess.mean);
  const std = reader.perChannel(record, "std", noPreprocess.std);
  for (const [index, deviation] of std.entries()) {
    if (deviation > 0) continue;
    const path = Array.isArray(record.std) ? ["std", index] : ["std"];
    throw reader.bad(path, `A standard deviation must be greater than 0, not ${deviation}`, "Correct the number.");
  }
  if (mean.length > 1 && std.length > 1 && mean.length !== std.length) {
    const message = `mean has ${mean.length} channels and std ${std.length}`;
    throw reader.bad(["std"], message, "Give both one number per channel, or one for all.");
  }
  const scale = record.scale ?? noPreprocess.scale;
  if (typeof scale !== "number" || scale === 0 || !Number.isFinite(scale)) {
    throw reader.bad(["scale"], "scale must be a number other than 0", "Write e.g. 0.00392156862745098 for 1/255.");
  }
  const channels = reader.choice(record, "channels", ["RGB", "BGR", "L"]);
  return {
    scale,
    mean,
    std,
    layout: reader.choice(record, "layout", ["NCHW", "NHWC"]) ?? noPreprocess.layout,
    ...(channels === undefined ? {} : { channels }),
  };
}

/** Reads fields of one text; its errors know their line and column. */
class FieldReader {
  private readonly json: JsonText;
  private readonly file: string;

  constructor(json: JsonText, file: string) {
    this.json = json;
    this.file = file;
  }

  bad(path: JsonPath, message: string, remedy: string, part: "key" | "value" = "value") {
    const range = this.json.locate(path, part);
    const place: Place = {
      file: this.file,
      ...(range && { line: range.line, column: range.column }),
      ...(path.length > 0 && { item: path.join(".") }),
    };
    return dataError("preprocess-field", message, remedy, place);
  }

  perChannel(record: Readonly<Record<string, unknown>>, key: string, fallback: readonly number[]): readonly number[] {
    const value = record[key];
    if (value === undefined) return fallback;
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (list.length === 0 || list.length > maxChannels) {
      const message = `${key} must have 1 to ${maxChannels} numbers, not ${list.length}`;
      throw this.bad([key], message, "Give one number per channel, or one for all.");
    }
    return list.map((entry, index) => {
      if (typeof entry === "number" && Number.isFinite(entry)) return entry;
      const path = Array.isArray(value) ? [key, index] : [key];
      throw this.bad(
        path,
        `${key} must be a number, or a list of them`,
        "Give one number per channel, or one for all.",
      );
    });
  }

  choice<T extends string>(
    record: Readonly<Record<string, unknown>>,
    key: string,
    choices: readonly T[],
  ): T | undefined {
    const value = record[key];
    if (value === undefined) return undefined;
    const choice = choices.find((candidate) => candidate === value);
    if (choice !== undefined) return choice;
    const list = choices.map((text) => JSON.stringify(text)).join(", ");
    throw this.bad([key], `${key} must be one of ${list}`, "Choose one of them.");
  }
}
