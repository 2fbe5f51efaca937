import path from "node:path";
import type { Command } from "commander";
import type { Compute } from "../core/compute/compute.ts";
import { type FixedInputs, ownFixedInputs } from "../core/data/fixedInputs.ts";
import { didYouMean } from "../core/hardware/didYouMean.ts";
import type { AssumedDim } from "../core/model/assumedDims.ts";
import { modelInputs } from "../core/model/inputs.ts";
import { factsLine, factsOf } from "../core/pipeline/facts.ts";
import { type PreparedModel, type PrepareOptions, prepareModel } from "../core/pipeline/prepare.ts";
import type { Inference, ValueInfo } from "../core/ports.ts";
import { openComputePool } from "../node/computePool.ts";
import { analysisMemory } from "../node/memory.ts";
import { type ModelFile, openModelFile } from "../node/openModel.ts";
import { createOrtInference } from "../node/ortInference.ts";
import { definiteThreads } from "../node/threads.ts";
import { type CommandContext, parseDim, parseInput } from "./context.ts";
import { type CommonOptions, optionGroups, readBy } from "./usage.ts";

export interface ModelOptions extends CommonOptions {
  readonly dim?: Readonly<Record<string, number>>;
  readonly input?: FixedInputs;
  readonly requantize?: boolean;
  /** Bytes. */
  readonly analysisMemory?: number;
  /** Of commands that run the model. */
  readonly threads?: number;
}

/** Adds the model argument and what says how it is read. */
export function modelOptions(command: Command): Command {
  return readingOptions(command.argument("<model>", "an .onnx file"));
}

/** Adds what says how a model is read. */
export function readingOptions(command: Command): Command {
  const parse = readBy("--dim", parseDim);
  const parseValue = readBy("--input", parseInput);
  return command
    .optionsGroup(optionGroups.model)
    .option(
      "--dim <name=size>",
      "size of an open dimension, by its name or as INPUT.AXIS; may be repeated",
      (text: string, previous: Readonly<Record<string, number>> = {}) => {
        const [name, value] = parse(text);
        return { ...previous, [name]: value };
      },
    )
    .option(
      "--input <name=value>",
      "value of an input that is the same for all samples, such as sr=16000; may be repeated",
      (text: string, previous: FixedInputs = {}) => {
        const [name, values] = parseValue(text);
        return { ...previous, [name]: values };
      },
    )
    .option("--requantize", "weights that are quantized already (behind DequantizeLinear) are quantized again");
}

export interface OpenedModel {
  readonly prepared: PreparedModel;
  readonly inputs: readonly ValueInfo[];
  /** Values that are given for some of them. */
  readonly fixed: FixedInputs;
  readonly inference: Inference;
  readonly compute: Compute;
  readonly file: ModelFile;
  readonly close: () => Promise<void>;
}

/** Opens a model and finds its layers and shapes. */
export async function openPrepared(
  file: string,
  options: ModelOptions,
  { signal, onProgress, log }: CommandContext,
  how: Pick<PrepareOptions, "keepBatchNorm" | "equalize"> = {},
): Promise<OpenedModel> {
  onProgress({ stage: "Reading", done: 0, total: 1, note: path.basename(file) });
  const opened = await openModelFile(file, { signal });
  try {
    const inference = createOrtInference();
    const found = await prepareModel(
      opened.model,
      {
        ...how,
        path: file,
        inference,
        memory: analysisMemory(options.analysisMemory),
        ...(options.dim && { dims: options.dim }),
        ...(options.input && { fixed: options.input }),
        ...(options.requantize && { requantize: true }),
      },
      signal,
    );
    const inputs = modelInputs(opened.model);
    const given = ownFixedInputs(options.input ?? {}, inputs);
    const notes = [...found.notes, ...unusedDims(options.dim ?? {}, found.assumed), ...given.notes];
    const prepared = { ...found, notes };
    log(`${file}: ${factsLine(factsOf(prepared))}`);
    const { assumed, foldedBatchNorms, outputKind } = prepared;
    if (assumed.length > 0) log(`Open dimensions taken as ${assumedText(assumed)}`);
    log(`Batch normalizations folded: ${foldedBatchNorms}; the output is read as ${outputKind}`);
    const compute = openComputePool(definiteThreads(options.threads));
    const close = async () => {
      await compute.close();
      await opened.close();
    };
    return { prepared, inputs, fixed: given.fixed, inference, compute, file: opened, close };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** `batch=1, input.2=224`. */
export function assumedText(assumed: readonly AssumedDim[]): string {
  return [...new Set(assumed.map((d) => `${d.name || `${d.input}.${d.axis}`}=${d.value}`))].join(", ");
}

/** Values given for dimensions that the model does not leave open. */
function unusedDims(dims: Readonly<Record<string, number>>, assumed: readonly AssumedDim[]): readonly string[] {
  const open = assumed.flatMap((d) => [...(d.name === "" ? [] : [d.name]), `${d.input}.${d.axis}`]);
  return Object.keys(dims)
    .filter((name) => !open.includes(name))
    .map((name) => {
      const meant = didYouMean(name, open);
      const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
      return `--dim ${name}=${dims[name]} names no dimension that the model leaves open (${open.join(", ") || "it has none"})${hint}`;
    });
}
