import { isRecord, type PreprocessReader } from "../preprocessFields.ts";
import { type ResizeMode, resizeModes } from "./fitImage.ts";
import type { Interpolation } from "./resample.ts";

/** Fields of a preprocess.json that say how an image file becomes an array; they mean nothing to arrays. */
export interface ImageFields {
  /** Height and width in pixels. */
  readonly size?: readonly [number, number];
  readonly resize?: ResizeMode;
  readonly crop?: number;
  readonly interpolation?: Interpolation;
  readonly padding?: number;
  /** Class index by the name of its folder. */
  readonly classes?: Readonly<Record<string, number>>;
}

export const imageFieldNames = ["size", "resize", "crop", "interpolation", "padding", "classes"] as const;

/** The largest side that a model's input is expected to have; as in the schema. */
const maxSide = 65_536;
/** Output neurons of the largest classifiers; as in the schema. */
const maxClass = 1_000_000;

/** @throws SigmaQuantError SQ4021 */
export function readImageFields(reader: PreprocessReader): ImageFields {
  const size = readSize(reader);
  const resize = reader.choice("resize", resizeModes);
  const crop = reader.number(
    "crop",
    (value) => value > 0 && value <= 1,
    "a number above 0, at most 1",
    "Write e.g. 0.875: 256 pixels are cropped to 224.",
  );
  if (crop !== undefined && crop < 1 && (resize === "none" || resize === "longer-side-pad")) {
    const remedy = 'Leave it out, or resize by "shorter-side" or "stretch".';
    throw reader.bad(["crop"], `crop does not go with "resize": "${resize}"`, remedy);
  }
  const interpolation = reader.choice("interpolation", ["bilinear", "bicubic", "area"]);
  const isByte = (value: number) => Number.isInteger(value) && value >= 0 && value <= 255;
  const padding = reader.number("padding", isByte, "a whole number from 0 to 255", "Write e.g. 114.");
  const classes = readClasses(reader);
  return {
    ...(size && { size }),
    ...(resize && { resize }),
    ...(crop !== undefined && { crop }),
    ...(interpolation && { interpolation }),
    ...(padding !== undefined && { padding }),
    ...(classes && { classes }),
  };
}

function readSize(reader: PreprocessReader): readonly [number, number] | undefined {
  const { size } = reader.record;
  if (size === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(size) ? size : [size, size];
  const [height, width] = list;
  if (list.length === 2 && isSide(height) && isSide(width)) return [height, width];
  throw reader.bad(
    ["size"],
    "size must be one number of pixels, or height and width",
    "Write e.g. 224, or [240, 320] for a height of 240.",
  );
}

function isSide(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= maxSide;
}

/** A list of folders' names in the order of their indices, or an object of indices. */
function readClasses(reader: PreprocessReader): Readonly<Record<string, number>> | undefined {
  const { classes } = reader.record;
  if (classes === undefined) return undefined;
  const remedy =
    'List the folders in the order of the classes, ["cat", "dog"], or give each its index, { "cat": 281 }.';
  if (!Array.isArray(classes) && !isRecord(classes)) {
    throw reader.bad(["classes"], "classes must be a list of names, or an object of indices", remedy);
  }
  const entries = Array.isArray(classes)
    ? classes.map((name, index) => ({ name: name as unknown, index: index as unknown, path: index }))
    : Object.entries(classes).map(([name, index]) => ({ name: name as unknown, index, path: name }));
  const found = new Map<string, number>();
  for (const { name, index, path } of entries) {
    if (typeof name !== "string" || name === "" || found.has(name)) {
      throw reader.bad(["classes", path], "A class must have a name of its own", remedy);
    }
    if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index > maxClass) {
      throw reader.bad(["classes", path], `A class index must be a whole number from 0 to ${maxClass}`, remedy);
    }
    found.set(name, index);
  }
  return Object.fromEntries(found);
}
