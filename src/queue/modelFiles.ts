import { createHash } from "node:crypto";
import { externalPlace, isExternal } from "../core/onnx/external.ts";
import { allTensors } from "../core/onnx/walk.ts";
import type { ByteSource } from "../core/ports.ts";
import { openFileSource } from "../node/files.ts";
import { openExternalFile, openModelFile } from "../node/openModel.ts";
import type { FileDescription } from "./description.ts";

/** Piece in which files are read to be hashed and sent. */
const pieceBytes = 4 * 2 ** 20;

/** A file of a model, by its content. */
export interface ModelPart {
  readonly description: FileDescription;
  /** Its bytes, read anew. */
  readonly parts: () => AsyncIterable<Uint8Array>;
}

/**
 * A model and all of its external data, as they have to lie beside each other.
 * @throws SigmaQuantError as openModelFile; SQ2010 for data outside the model's folder
 */
export async function modelParts(model: string, signal?: AbortSignal): Promise<readonly ModelPart[]> {
  const file = await openModelFile(model, signal ? { signal } : {});
  const locations = new Set<string>();
  try {
    for (const tensor of allTensors(file.model.proto)) {
      if (isExternal(tensor)) locations.add(externalPlace(tensor, model).location);
    }
  } finally {
    await file.close();
  }
  const own = await partOf(undefined, () => openFileSource(model), signal);
  const others: ModelPart[] = [];
  for (const location of locations) {
    others.push(await partOf(location, () => openExternalFile(model, location), signal));
  }
  return [own, ...others];
}

async function partOf(
  location: string | undefined,
  open: () => Promise<ByteSource & { close(): Promise<void> }>,
  signal?: AbortSignal,
): Promise<ModelPart> {
  const parts = async function* () {
    const source = await open();
    try {
      for (let at = 0; at < source.size; at += pieceBytes) {
        signal?.throwIfAborted();
        yield await source.read(at, Math.min(pieceBytes, source.size - at));
      }
    } finally {
      await source.close();
    }
  };
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const part of parts()) {
    hash.update(part);
    bytes += part.length;
  }
  const sha256 = hash.digest("hex");
  // The model's own name is nobody's business; by its hash it can't be that of its data either.
  return { description: { path: location ?? `${sha256}.onnx`, sha256, bytes }, parts };
}
