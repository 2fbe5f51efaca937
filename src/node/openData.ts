import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import path from "node:path";
import type { ArrayFile } from "../core/data/arrays.ts";
import { openDataset as bindDataset, type Dataset } from "../core/data/dataset.ts";
import { dataError } from "../core/data/errors.ts";
import { type FixedInputs, fixedArrays, noFixedInputs } from "../core/data/fixedInputs.ts";
import { npyFile } from "../core/data/npy.ts";
import { openNpz } from "../core/data/npz.ts";
import { forArrays, type GivenPreprocess, type Preprocess, parseGivenPreprocess } from "../core/data/preprocess.ts";
import { openTestData } from "../core/data/testData.ts";
import type { ByteSource, ValueInfo } from "../core/ports.ts";
import { explainFileError } from "./errors.ts";
import { openFileSource, readText, sourceHash } from "./files.ts";
import { openImages } from "./images/openImages.ts";
import { isTestData, readTestData } from "./testDataFolder.ts";

export interface DataOptions {
  /** A preprocess.json in another place than beside the samples. */
  readonly preprocess?: string;
  /** Shapes of the inputs at the assumed dimensions, by name: the size of images where a model leaves it open. */
  readonly shapes?: ReadonlyMap<string, readonly number[]>;
  /** Values of inputs that are the same for every sample; they go before what the samples have. */
  readonly fixed?: FixedInputs;
}

const preprocessName = "preprocess.json";

/** Kinds of files with samples, by the end of their names. */
const kinds: Readonly<Record<string, (source: ByteSource, file: string) => ArrayFile | Promise<ArrayFile>>> = {
  ".npz": openNpz,
  ".npy": npyFile,
};

/**
 * Opens samples for a model: a `.npz` or `.npy` file, a folder of images, or a folder of ONNX test data. They become floats as the
 * preprocess.json beside them says.
 * @throws SigmaQuantError SQ1001-SQ1009 (files), SQ4001-SQ4067 (samples), SQ4038 for another kind of file
 */
export async function openDataset(
  file: string,
  inputs: readonly ValueInfo[],
  options: DataOptions = {},
  signal?: AbortSignal,
): Promise<Dataset> {
  const found = await stat(file).catch((error: unknown) => {
    throw explainFileError(error, file, "read");
  });
  if (found.isDirectory()) {
    if (await isTestData(file)) return openTestFolder(file, inputs, options, signal);
    const given = await findPreprocess([file, path.dirname(path.resolve(file))], options, signal);
    return openImages(file, inputs, options.shapes ?? new Map(), given, options.fixed ?? noFixedInputs, signal);
  }
  const open = kinds[path.extname(file).toLowerCase()];
  if (open === undefined) {
    const remedy =
      "Give a .npz or .npy file, a folder of JPEG or PNG images, or a folder with input_0.pb or test_data_set_0.";
    throw dataError("data-kind", "Samples are not read from this kind of file", remedy, { file });
  }
  const given = await findPreprocess([path.dirname(file)], options, signal);
  const preprocess = given && forArrays(given);
  const source = await openFileSource(file);
  try {
    // Of the very file that is read: one that took its place would have these figures in the cache.
    const hash = combine(await sourceHash(source, signal), preprocess, options.fixed);
    const close = () => source.close();
    return await bindDataset(
      await open(source, file),
      inputs,
      { hash, close, fixed: fixedOf(inputs, options), ...(preprocess && { preprocess }) },
      signal,
    );
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function openTestFolder(
  folder: string,
  inputs: readonly ValueInfo[],
  options: DataOptions,
  signal?: AbortSignal,
): Promise<Dataset> {
  const given = await findPreprocess([folder], options, signal);
  const preprocess = given && forArrays(given);
  const { sets, hash } = await readTestData(folder, signal);
  return openTestData(sets, inputs, {
    name: folder,
    hash: combine(hash, preprocess, options.fixed),
    fixed: fixedOf(inputs, options),
    ...(preprocess && { preprocess }),
  });
}

/** The one that was asked for, else that of the first folder that has one. */
async function findPreprocess(
  folders: readonly string[],
  options: DataOptions,
  signal?: AbortSignal,
): Promise<GivenPreprocess | undefined> {
  const given = options.preprocess;
  if (given !== undefined) return parseGivenPreprocess(await readText(given, signal), given);
  for (const folder of folders) {
    const file = path.join(folder, preprocessName);
    const there = await stat(file).catch(() => undefined);
    if (there) return parseGivenPreprocess(await readText(file, signal), file);
  }
  return undefined;
}

function fixedOf(inputs: readonly ValueInfo[], { shapes = new Map(), fixed = noFixedInputs }: DataOptions) {
  return fixedArrays(inputs, shapes, fixed);
}

/** The same arrays scaled otherwise, or beside other values, are other samples. */
function combine(hash: string, preprocess: Preprocess | undefined, fixed: FixedInputs = noFixedInputs): string {
  const values = Object.keys(fixed).length === 0 ? [] : [JSON.stringify(fixed)];
  const how = [...(preprocess ? [JSON.stringify(preprocess)] : []), ...values];
  if (how.length === 0) return hash;
  return createHash("sha256")
    .update([hash, ...how].join(" "))
    .digest("hex");
}
