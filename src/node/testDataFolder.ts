import { createHash } from "node:crypto";
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { dataError } from "../core/data/errors.ts";
import { maxTensorProtoBytes, type NamedTensor, readTensorProto } from "../core/data/tensorProto.ts";
import type { TestDataSet } from "../core/data/testData.ts";
import { explainFileError } from "./errors.ts";
import { openFileSource } from "./files.ts";

/** Test data are in memory as a whole; as much as the arrays that have to be (src/core/data/npy.ts). */
const maxBytes = 2 ** 31;
/** ONNX's own tests have up to 30 runs; 10,000 leave room for a set of its own and bound the number of files opened. */
const maxRuns = 10_000;

/** Whether a folder has what ONNX test data have; it may be a folder of images else. */
export async function isTestData(folder: string): Promise<boolean> {
  return (await list(folder)).some(({ name }) => inputPattern.test(name) || runPattern.test(name));
}

/**
 * Reads a folder of ONNX test data: `input_0.pb`, `input_1.pb`, ... in it, or in its folders `test_data_set_0`, ...
 * @returns the runs in the order of their numbers, and a hash of all the files read
 * @throws SigmaQuantError SQ4040 when it is no such folder or too large, SQ4041 for a broken file, SQ1001-SQ1009
 */
export async function readTestData(
  folder: string,
  signal?: AbortSignal,
): Promise<{ readonly sets: readonly TestDataSet[]; readonly hash: string }> {
  const entries = await list(folder);
  const runs = numbered(entries, runPattern).map((name) => path.join(folder, name));
  const folders = numbered(entries, inputPattern).length > 0 ? [folder] : runs;
  if (folders.length === 0) {
    throw dataError(
      "test-data",
      "The folder has neither input_0.pb nor test_data_set_0",
      "Give a folder of ONNX test data, a folder of images, or a .npz file.",
      { file: folder },
    );
  }
  if (folders.length > maxRuns) {
    throw dataError("test-data", `The folder has ${folders.length} runs; ${maxRuns} is the limit`, "Use a .npz file.", {
      file: folder,
    });
  }
  const hash = createHash("sha256");
  const sets: TestDataSet[] = [];
  let bytes = 0;
  for (const run of folders) {
    const inputs: NamedTensor[] = [];
    for (const name of numbered(await list(run), inputPattern)) {
      signal?.throwIfAborted();
      const file = path.join(run, name);
      const content = await readAll(file, maxBytes - bytes);
      bytes += content.length;
      hash.update(`${sets.length} ${name} ${content.length} `).update(content);
      inputs.push(readTensorProto(content, { file }));
    }
    sets.push({ name: run, inputs });
  }
  return { sets, hash: hash.digest("hex") };
}

const inputPattern = /^input_(\d+)\.pb$/;
const runPattern = /^test_data_set_(\d+)$/;

async function list(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    throw explainFileError(error, folder, "read");
  }
}

/** Names of a pattern in the order of its number. */
function numbered(entries: readonly Dirent[], pattern: RegExp): readonly string[] {
  const found = entries.flatMap(({ name }) => {
    const [, number] = pattern.exec(name) ?? [];
    return number === undefined ? [] : [{ name, number: Number(number) }];
  });
  return found.sort((a, b) => a.number - b.number || a.name.localeCompare(b.name)).map(({ name }) => name);
}

async function readAll(file: string, left: number): Promise<Uint8Array> {
  const source = await openFileSource(file);
  try {
    const limit = Math.min(maxTensorProtoBytes, left);
    if (source.size > limit) {
      const message = `The file has ${source.size} bytes; ${limit} is the limit here`;
      throw dataError("test-data", message, "Use a .npz file, which is read in pieces.", { file });
    }
    return await source.read(0, source.size);
  } finally {
    await source.close();
  }
}
