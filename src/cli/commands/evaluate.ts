import type { Command } from "commander";
import { checkFile } from "../../core/pipeline/checkFile.ts";
import { defaultBatch } from "../../core/pipeline/settings.ts";
import { grouped } from "../../core/plan/format.ts";
import { openDataset } from "../../node/openData.ts";
import { saturationNote } from "../../node/quantizeToFiles.ts";
import { newCommand, runCommand } from "../command.ts";
import { parseCount, parseThreads } from "../context.ts";
import { evaluationTable } from "../evaluation.ts";
import { type ModelOptions, modelOptions, openPrepared } from "../openModel.ts";
import { exitCodes, print, printJson, printNotes } from "../output.ts";
import { optionGroups, readBy } from "../usage.ts";

interface EvaluateOptions extends ModelOptions {
  readonly evaluation: string;
  readonly samples?: number;
  readonly batch: number;
  readonly threads?: number;
}

export function evaluateCommand(signal: AbortSignal): Command {
  const command = newCommand(
    "evaluate",
    "Runs a quantized model and its float model on the same samples and compares them.",
  );
  return modelOptions(command)
    .argument("<quantized>", "the quantized .onnx file")
    .optionsGroup(optionGroups.samples)
    .requiredOption(
      "--evaluation <set>",
      "samples: .npz, .npy, a folder of images or of ONNX test data; with labels for accuracy",
    )
    .option("--samples <n>", "at most so many samples", readBy("--samples", parseCount))
    .option("--batch <n>", "samples in one run", readBy("--batch", parseCount), defaultBatch)
    .option("--threads <n>", "threads, at most one for each core", readBy("--threads", parseThreads))
    .addHelpText("after", "\nExample:\n  $ sigmaquant evaluate model.onnx model.board.onnx --evaluation test.npz")
    .action((float: string, quantized: string, options: EvaluateOptions) =>
      runCommand(options, signal, async (context) => {
        const { prepared, inputs, fixed, inference, close } = await openPrepared(float, options, context, {
          keepBatchNorm: true,
        });
        await close();
        const dataset = await openDataset(
          options.evaluation,
          inputs,
          { shapes: prepared.shapes, fixed },
          context.signal,
        );
        try {
          const { evaluation, saturates } = await checkFile(
            { float, quantized },
            inference,
            dataset,
            prepared.outputKind,
            {
              batch: options.batch,
              ...(options.samples && { samples: options.samples }),
              ...(options.threads && { threads: options.threads }),
            },
            context.onProgress,
            context.signal,
          );
          context.clear();
          if (context.json)
            printJson({ files: { float, quantized }, ...evaluation, defaultKernelsSaturate: saturates });
          else {
            print(`${quantized} beside ${float}, ${grouped(evaluation.samples)} samples of ${options.evaluation}\n`);
            print(evaluationTable(evaluation));
            const notes = [...prepared.notes, ...dataset.notes, ...(saturates ? [saturationNote] : [])];
            if (notes.length > 0) print();
            printNotes(notes);
          }
          return exitCodes.done;
        } finally {
          await dataset.close();
        }
      }),
    );
}
