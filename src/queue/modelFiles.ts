import { externalPlace, isExternal } from "../core/onnx/external.ts";
import { allTensors } from "../core/onnx/walk.ts";
import type { ByteSource } from "../core/ports.ts";
import { explainFileError } from "../node/errors.ts";
import { piecesOf } from "../node/files.ts";
import type { ModelFile } from "../node/openModel.ts";
import { blobOf } from "./blobs.ts";
import type { FileDescription } from "./description.ts";

/** A file of a model, by its content. */
export interface ModelPart {
  readonly description: FileDescription;
  /** Its bytes, read anew. */
  readonly parts: () => AsyncIterable<Uint8Array>;
}

/**
 * A model and all of its external data, as they have to lie beside each other: the very files that are open, so that what is sent is
 * what was prepared here.
 * @throws SigmaQuantError SQ1005 (as its parts do) when a file was changed since it was opened; SQ2010 for data outside the model's folder
 */
export async function modelParts(file: ModelFile, signal?: AbortSignal): Promise<readonly ModelPart[]> {
  const locations = new Set<string>();
  for (const tensor of allTensors(file.model.proto)) {
    if (isExternal(tensor)) locations.add(externalPlace(tensor, file.path).location);
  }
  const own = await partOf(undefined, file.source, signal);
  const others: ModelPart[] = [];
  for (const location of locations) {
    const source = await file.external(location).catch((error: unknown) => {
      throw explainFileError(error, location, "read");
    });
    others.push(await partOf(location, source, signal));
  }
  return [own, ...others];
}

async function partOf(location: string | undefined, source: ByteSource, signal?: AbortSignal): Promise<ModelPart> {
  const parts = () => piecesOf(source, signal);
  const { sha256, bytes } = await blobOf(parts());
  // The model's own name is nobody's business; by its hash it can't be that of its data either.
  return { description: { path: location ?? `${sha256}.onnx`, sha256, bytes }, parts };
}
