import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import path from "node:path";
import { type Dataset, openDataset } from "../../core/data/dataset.ts";
import { dataError } from "../../core/data/errors.ts";
import { type FixedInputs, fixedArrays } from "../../core/data/fixedInputs.ts";
import { classesOf, mixed } from "../../core/data/images/classes.ts";
import { maxImageBytes, type RgbaImage } from "../../core/data/images/image.ts";
import { type ImageSample, imageArrays } from "../../core/data/images/imageArray.ts";
import { damagedImage } from "../../core/data/images/imageError.ts";
import { imageRecipe } from "../../core/data/images/imageRecipe.ts";
import { readJpegHead } from "../../core/data/images/jpegHead.ts";
import { orient } from "../../core/data/images/pixels.ts";
import { readPngHead } from "../../core/data/images/pngHead.ts";
import type { GivenPreprocess } from "../../core/data/preprocess.ts";
import type { ValueInfo } from "../../core/ports.ts";
import { explainFileError, fileError } from "../errors.ts";
import { openFileSource } from "../files.ts";
import { decodeJpegBytes, decodePngBytes } from "./codecs.ts";
import { listImages } from "./folder.ts";

/** Files asked about at once: enough to hide the time of each, few enough for any limit on open files. */
const statsAtOnce = 64;

interface Found {
  readonly file: string;
  /** From the folder, with forward slashes. */
  readonly name: string;
  readonly label?: number;
  readonly bytes: number;
  readonly changedMs: number;
}

/**
 * A folder of images as samples: labelled by its subfolders where it has any. Files are found and counted here; they are decoded
 * batch by batch when the samples are asked for.
 * @param given the preprocess.json in or beside the folder
 * @param fixed values of the other inputs
 * @throws SigmaQuantError SQ406x, SQ4022, and errors of reading
 */
export async function openImages(
  folder: string,
  inputs: readonly ValueInfo[],
  shapes: ReadonlyMap<string, readonly number[]>,
  given: GivenPreprocess | undefined,
  fixed: FixedInputs,
  signal?: AbortSignal,
): Promise<Dataset> {
  const fed = inputs.filter(({ name }) => !Object.hasOwn(fixed, name));
  const recipe = imageRecipe(fed, shapes, given);
  const { groups, notes } = await listImages(folder, signal);
  const classes = groups.has("") ? { unused: [], notes: [] } : classesOf([...groups.keys()], given?.classes, folder);
  const found: Found[][] = [];
  for (const [group, names] of groups) {
    if (classes.unused.includes(group)) continue;
    const label = classes.labels?.get(group);
    found.push(await statAll(folder, group, names, label, signal));
  }
  const { fit, channels, layout, preprocess } = recipe;
  const hash = createHash("sha256").update(JSON.stringify({ fit, channels, layout, preprocess, fixed }));
  for (const { name, label, bytes, changedMs } of found.flat()) hash.update(`\n${name} ${label} ${bytes} ${changedMs}`);
  const samples = mixed(found).map(sampleOf);
  return openDataset(
    imageArrays(samples, recipe, folder),
    inputs,
    {
      hash: hash.digest("hex"),
      preprocess: recipe.preprocess,
      notes: [...recipe.notes, ...classes.notes, ...notes],
      fixed: fixedArrays(inputs, shapes, fixed),
    },
    signal,
  );
}

async function statAll(
  folder: string,
  group: string,
  names: readonly string[],
  label: number | undefined,
  signal?: AbortSignal,
): Promise<Found[]> {
  const found: Found[] = [];
  for (let from = 0; from < names.length; from += statsAtOnce) {
    signal?.throwIfAborted();
    const some = names.slice(from, from + statsAtOnce).map(async (own): Promise<Found> => {
      const file = path.join(folder, group, own);
      const { size, mtimeMs } = await stat(file).catch((error) => {
        throw explainFileError(error, file, "read");
      });
      const name = group === "" ? own : `${group}/${own}`;
      return { file, name, bytes: size, changedMs: mtimeMs, ...(label !== undefined && { label }) };
    });
    found.push(...(await Promise.all(some)));
  }
  return found;
}

function sampleOf({ file, label, bytes }: Found): ImageSample {
  return {
    file,
    ...(label !== undefined && { label }),
    load: async (signal) => {
      const content = await readImage(file, bytes);
      signal?.throwIfAborted();
      return decodeImage(content, file);
    },
  };
}

async function readImage(file: string, bytes: number): Promise<Uint8Array> {
  const source = await openFileSource(file);
  try {
    // What is measured is kept under the set's hash, which is of the files as they were listed.
    if (source.size !== bytes) throw fileError("changed", "The image was changed while it was in use", { file });
    if (source.size > maxImageBytes) {
      const message = `The file has ${source.size} bytes`;
      throw dataError("image-too-large", message, `At most ${maxImageBytes} bytes are read: scale it down.`, { file });
    }
    return await source.read(0, source.size);
  } finally {
    await source.close();
  }
}

/**
 * Decodes an image file, whatever it is called, and turns it upright.
 * @throws SigmaQuantError SQ4061, SQ4062, SQ4063
 */
export async function decodeImage(bytes: Uint8Array, file: string): Promise<RgbaImage> {
  if (bytes[0] === 0xff) {
    const { orientation } = readJpegHead(bytes, file);
    return orient(await decodeJpegBytes(bytes, file), orientation);
  }
  if (bytes[0] === 0x89) {
    const head = readPngHead(bytes, file);
    return orient(await decodePngBytes(head, file), head.orientation);
  }
  throw damagedImage(file, bytes.length === 0 ? "The file is empty" : "The file is neither a JPEG nor a PNG image");
}
