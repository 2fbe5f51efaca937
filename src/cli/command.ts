import process from "node:process";
import { Command } from "commander";
import type { CommandContext } from "./context.ts";
import { exitCodes, printError } from "./output.ts";
import { ProgressBar } from "./progress.ts";
import type { CommonOptions } from "./usage.ts";

export function newCommand(name: string, description: string): Command {
  return new Command(name).description(description);
}

/**
 * Runs a command's body: progress bar, one way to report errors, exit code.
 * @param body returns the exit code
 */
export async function runCommand(
  options: CommonOptions,
  signal: AbortSignal,
  body: (context: CommandContext) => Promise<number>,
): Promise<void> {
  const json = options.json ?? false;
  const verbose = options.verbose ?? false;
  const bar = new ProgressBar({ quiet: options.quiet ?? false, verbose });
  try {
    process.exitCode = await body({
      json,
      verbose,
      signal,
      onProgress: bar.update,
      log: bar.log,
      clear: () => bar.stop(),
    });
  } catch (error) {
    bar.stop();
    if (signal.aborted) {
      process.stderr.write("Interrupted; nothing was written.\n");
      process.exitCode = exitCodes.interrupted;
      return;
    }
    printError(error, { json, verbose });
    process.exitCode = exitCodes.badInput;
  } finally {
    bar.stop();
  }
}
