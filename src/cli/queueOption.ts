import { Option } from "commander";
import type { JobsElsewhere } from "../core/pipeline/analysis.ts";
import type { ModelFile } from "../node/openModel.ts";
import { parseQueueUrl } from "../queue/address.ts";
import { jobsInQueue, type QueueRun } from "../queue/submit.ts";
import type { CommandContext } from "./context.ts";
import type { ModelOptions } from "./openModel.ts";
import { optionGroups, readBy } from "./usage.ts";

/** The variable keeps a password out of the list of processes, which shows command lines. */
const variable = "SIGMAQUANT_QUEUE";

/** `--queue`, checked as soon as it is read. */
export function queueOption(help: string): Option {
  const check = readBy("--queue", (text: string) => {
    parseQueueUrl(text);
    return text;
  });
  return new Option("--queue <url>", help).argParser(check).env(variable).helpGroup(optionGroups.method);
}

/** What --queue is for the commands that measure. */
export const measuredInQueue =
  "layers are measured by the workers of this queue (`sigmaquant worker`): redis://HOST:PORT";

/** Has a sweep's jobs done by whatever workers a queue has; nothing without a queue. */
export function inQueue(
  url: string | undefined,
  file: ModelFile,
  { dim = {}, input = {}, requantize = false }: ModelOptions,
  settings: Pick<QueueRun, "methods" | "calibration" | "batch" | "threads">,
  { onProgress }: CommandContext,
): { readonly elsewhere?: JobsElsewhere } {
  if (url === undefined) return {};
  const equalize = settings.methods.has("equalize");
  return {
    elsewhere: jobsInQueue(
      { url, model: { file, dims: dim, inputs: input, equalize, requantize }, ...settings },
      onProgress,
    ),
  };
}
