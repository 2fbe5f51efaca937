import type { Command } from "commander";
import { modelInputs } from "../core/model/inputs.ts";
import { type PreparedModel, type PrepareOptions, prepareModel } from "../core/pipeline/prepare.ts";
import type { Inference, ValueInfo } from "../core/ports.ts";
import { openModelFile } from "../node/openModel.ts";
import { createOrtInference } from "../node/ortInference.ts";
import { type CommandContext, parseDim } from "./context.ts";

export interface ModelOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
  readonly dim?: Readonly<Record<string, number>>;
}

/** Adds the model argument and what says how it is read. */
export function modelOptions(command: Command): Command {
  return command
    .argument("<model>", "an .onnx file")
    .option(
      "--dim <name=size>",
      "size of an open dimension, by its name or as INPUT.AXIS; may be repeated",
      (text: string, previous: Readonly<Record<string, number>> = {}) => {
        const [name, value] = parseDim(text);
        return { ...previous, [name]: value };
      },
    );
}

export interface OpenedModel {
  readonly prepared: PreparedModel;
  readonly inputs: readonly ValueInfo[];
  readonly inference: Inference;
  readonly bytes: number;
  readonly close: () => Promise<void>;
}

/** Opens a model and finds its layers and shapes. */
export async function openPrepared(
  path: string,
  options: ModelOptions,
  { signal, onProgress }: CommandContext,
  how: Pick<PrepareOptions, "keepBatchNorm"> = {},
): Promise<OpenedModel> {
  onProgress({ stage: "Reading", done: 0, total: 1, note: path });
  const file = await openModelFile(path, { signal });
  try {
    const inference = createOrtInference();
    const prepared = await prepareModel(
      file.model,
      { ...how, path, inference, ...(options.dim && { dims: options.dim }) },
      signal,
    );
    return { prepared, inputs: modelInputs(file.model), inference, bytes: file.bytes, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}
