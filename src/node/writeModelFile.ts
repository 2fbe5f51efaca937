import path from "node:path";
import { maxModelBytes } from "../core/onnx/limits.ts";
import type { OnnxModel } from "../core/onnx/model.ts";
import { writeModel } from "../core/onnx/write.ts";
import { atomicWrite, atomicWriteAll } from "./files.ts";

/** Constants above this go to a file of their own; graph and small constants need the rest of protobuf's 2 GiB. Our choice. */
const maxInlineBytes = maxModelBytes * 0.9;

/** What was written where; `data` is the file of the weights where the model is too large for one. */
export interface WrittenModel {
  readonly model: string;
  readonly data?: string;
  readonly bytes: number;
}

/**
 * Writes a model complete or not at all, its weights to `<file>.data` beside it where they pass 2 GiB.
 * @throws SigmaQuantError as atomicWrite and writeModel
 */
export async function writeModelFile(model: OnnxModel, file: string, signal?: AbortSignal): Promise<WrittenModel> {
  const options = signal ? { signal } : {};
  const constants = model.graph.initializer.reduce((sum, tensor) => sum + model.tensors.byteLength(tensor), 0);
  if (constants <= maxInlineBytes) {
    const { bytes } = await atomicWrite(file, (sink) => writeModel(model, sink, options), signal);
    return { model: file, bytes };
  }
  const data = `${file}.data`;
  const { bytes, externalBytes } = await atomicWriteAll(
    [file, data],
    async ([sink, external]) => {
      if (!sink || !external) throw new Error("two files were asked for");
      return writeModel(model, sink, { ...options, external: { location: path.basename(data), sink: external } });
    },
    signal,
  );
  return { model: file, data, bytes: bytes + externalBytes };
}
