import { realpath } from "node:fs/promises";
import path from "node:path";
import { modelError } from "../core/onnx/errors.ts";
import { locationProblem } from "../core/onnx/external.ts";
import type { OnnxModel } from "../core/onnx/model.ts";
import { readModel } from "../core/onnx/read.ts";
import type { ByteSource } from "../core/ports.ts";
import { type FileSource, openFileSource } from "./files.ts";

/** A model whose file, and external-data files as they are needed, stay open until `close`. */
export interface ModelFile {
  readonly model: OnnxModel;
  /** As it was given. */
  readonly path: string;
  /** Size of the model file, without external data. */
  readonly bytes: number;
  /** The model file itself, as it was opened: reads throw SQ1005 once it is another. */
  readonly source: ByteSource;
  /** An external-data file, as it was when it was first needed. @throws SigmaQuantError as openExternalFile */
  external(location: string): Promise<ByteSource>;
  close(): Promise<void>;
}

/**
 * Opens a model in a file. Weights stay in the file until they are read.
 * @throws SigmaQuantError SQ1001-SQ1009 (the file), SQ2001-SQ2019 (the model)
 */
export async function openModelFile(file: string, options: { readonly signal?: AbortSignal } = {}): Promise<ModelFile> {
  const { signal } = options;
  const source = await openFileSource(file);
  const opened = new Map<string, Promise<FileSource>>();
  const close = async () => {
    const others = await Promise.allSettled(opened.values());
    const open = others.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    await Promise.all([source, ...open].map((each) => each.close()));
  };
  const external = (location: string): Promise<FileSource> => {
    const known = opened.get(location);
    if (known) return known;
    const opening = openExternalFile(file, location);
    opened.set(location, opening);
    // Asked again next time: the user may have put the file there by then.
    opening.catch(() => opened.delete(location));
    return opening;
  };
  try {
    const model = await readModel(source, { openExternal: external, file, ...(signal && { signal }) });
    return { model, path: file, bytes: source.size, source, external, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens a model's external-data file. @throws SigmaQuantError as `confined` and openFileSource */
export async function openExternalFile(model: string, location: string): Promise<FileSource> {
  return openFileSource(await confined(model, location));
}

/**
 * Path of a model's external-data file, links followed. It must lie below the model's folder, or, where the model's path is a
 * link, below the folder of the file it leads to: the same rule as ONNX Runtime's, so that what is read here runs there. (A
 * download cache keeps models so: links in one folder to files of another.)
 * @throws SigmaQuantError SQ2010 when it lies elsewhere; the system's error when there is no such file
 */
async function confined(model: string, location: string): Promise<string> {
  const problem = locationProblem(location);
  if (problem) throw outside(model, location, problem);
  const named = path.join(path.dirname(model), location);
  const [target, folder, own] = await Promise.all([
    realpath(named),
    realpath(path.dirname(model)),
    realpath(model).then(path.dirname),
  ]);
  if (!isBelow(target, folder) && !isBelow(target, own)) {
    throw outside(model, location, `is a link to ${target}, outside the model's folder`);
  }
  return target;
}

function outside(model: string, location: string, problem: string) {
  return modelError(
    "unsafeLocation",
    `The model's data are said to be in ${JSON.stringify(location)}, which ${problem}`,
    {
      file: model,
    },
  );
}

function isBelow(file: string, folder: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== "" && relative !== ".." && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}
