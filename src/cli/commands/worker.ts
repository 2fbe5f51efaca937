import path from "node:path";
import { type Command, Option } from "commander";
import { usualCacheFolder } from "../../queue/cache.ts";
import { runWorker } from "../../queue/worker.ts";
import { newCommand, runCommand } from "../command.ts";
import { exitCodes, printToStderr } from "../output.ts";
import { queueOption } from "../queueOption.ts";
import { type CommonOptions, optionGroups } from "../usage.ts";

interface WorkerOptions extends CommonOptions {
  readonly queue: string;
  readonly cache: string;
}

export function workerCommand(signal: AbortSignal): Command {
  return newCommand("worker", "Measures layers for analyses that are sent to a queue, until it is stopped.")
    .addOption(queueOption("the queue's Redis server").makeOptionMandatory())
    .addOption(
      new Option("--cache <folder>", "where models and samples are kept")
        .default(usualCacheFolder(), "the user's cache folder")
        .helpGroup(optionGroups.general),
    )
    .addHelpText(
      "after",
      `
Start as many as there are machines to spare. Each does one layer at a time,
and keeps models and samples that it has seen. Ctrl-C ends it; the layer that
it was at goes back to the queue.

Example:
  $ sigmaquant worker --queue redis://build-server:6379`,
    )
    .action((options: WorkerOptions) =>
      runCommand(options, signal, async (context) => {
        const say = options.quiet ? () => {} : printToStderr;
        await runWorker(
          {
            url: options.queue,
            cacheFolder: path.resolve(options.cache),
            engineFile: path.join(import.meta.dirname, "engine.cjs"),
            log: context.log,
            say,
          },
          signal,
        );
        return exitCodes.done;
      }),
    );
}
