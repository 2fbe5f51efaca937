import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import path from "node:path";
import type { ArrayFile } from "../core/data/arrays.ts";
import { openDataset as bindDataset, type Dataset } from "../core/data/dataset.ts";
import { dataError } from "../core/data/errors.ts";
import { npyFile } from "../core/data/npy.ts";
import { openNpz } from "../core/data/npz.ts";
import { type Preprocess, parsePreprocess } from "../core/data/preprocess.ts";
import { openTestData } from "../core/data/testData.ts";
import type { ByteSource, ValueInfo } from "../core/ports.ts";
import { explainFileError } from "./errors.ts";
import { fileHash, openFileSource, readText } from "./files.ts";
import { readTestData } from "./testDataFolder.ts";

export interface DataOptions {
  /** A preprocess.json in another place than beside the samples. */
  readonly preprocess?: string;
}

const preprocessName = "preprocess.json";

/** Kinds of files with samples, by the end of their names. */
const kinds: Readonly<Record<string, (source: ByteSource, file: string) => ArrayFile | Promise<ArrayFile>>> = {
  ".npz": openNpz,
  ".npy": npyFile,
};

/**
 * Opens samples for a model: a `.npz` or `.npy` file, or a folder of ONNX test data. Integers become floats as the
 * preprocess.json beside them says.
 * @throws SigmaQuantError SQ1001-SQ1009 (files), SQ4001-SQ4041 (samples), SQ4038 for another kind of file
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
  const preprocess = await findPreprocess(file, found.isDirectory(), options, signal);
  if (found.isDirectory()) {
    const { sets, hash } = await readTestData(file, signal);
    return openTestData(sets, inputs, {
      name: file,
      hash: combine(hash, preprocess),
      ...(preprocess && { preprocess }),
    });
  }
  const open = kinds[path.extname(file).toLowerCase()];
  if (open === undefined) {
    const remedy =
      "Give a .npz or .npy file, or a folder with input_0.pb or test_data_set_0; save images as an array first: numpy.savez('set.npz', input=images, labels=labels).";
    throw dataError("data-kind", "Samples are not read from this kind of file", remedy, { file });
  }
  const hash = combine(await fileHash(file, signal), preprocess);
  const source = await openFileSource(file);
  try {
    const close = () => source.close();
    return await bindDataset(
      await open(source, file),
      inputs,
      { hash, close, ...(preprocess && { preprocess }) },
      signal,
    );
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** The one that was asked for, else the one in the folder or beside the file, if there is one. */
async function findPreprocess(
  file: string,
  isFolder: boolean,
  options: DataOptions,
  signal?: AbortSignal,
): Promise<Preprocess | undefined> {
  const given = options.preprocess;
  if (given !== undefined) return parsePreprocess(await readText(given, signal), given);
  const beside = path.join(isFolder ? file : path.dirname(file), preprocessName);
  const there = await stat(beside).catch(() => undefined);
  return there ? parsePreprocess(await readText(beside, signal), beside) : undefined;
}

/** The same arrays scaled otherwise are other samples. */
function combine(hash: string, preprocess: Preprocess | undefined): string {
  if (preprocess === undefined) return hash;
  return createHash("sha256")
    .update(`${hash} ${JSON.stringify(preprocess)}`)
    .digest("hex");
}
