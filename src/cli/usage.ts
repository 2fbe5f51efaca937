import { type Command, CommanderError, Option } from "commander";
import { SigmaQuantError } from "../core/errors.ts";

/** Options of all commands. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
}

/** Headings of the options in the help. */
export const optionGroups = {
  model: "Model:",
  device: "Device, budgets and target:",
  samples: "Samples:",
  method: "Method:",
  output: "Output:",
  general: "General:",
} as const;

/** Adds the options that all commands have. */
export function withCommonOptions(command: Command): Command {
  const general = (option: Option) => option.helpGroup(optionGroups.general);
  return command
    .addOption(general(new Option("--json", "machine-readable result on stdout; progress and errors go to stderr")))
    .addOption(general(new Option("--quiet", "no progress")))
    .addOption(general(new Option("--verbose", "what the program decides on its way, times, stack traces")))
    .addHelpOption(general(new Option("-h, --help", "this help")));
}

/** Reads an option's value with `parse`; an error then names the option. */
export function readBy<T>(flag: string, parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof SigmaQuantError) || error.place.item !== undefined) throw error;
      const { code, slug, message, remedy } = error;
      throw new SigmaQuantError(code, slug, message, { remedy, place: { item: flag }, cause: error });
    }
  };
}

/**
 * What commander says of a wrong command line, as an error of ours.
 * @param commands names of the commands; the first of `argv` that is one is the one whose help is named
 */
export function usageError(error: unknown, commands: readonly string[], argv: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error;
  const [message = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  const command = argv.find((word) => commands.includes(word));
  const help = `See \`sigmaquant ${command === undefined ? "" : `${command} `}--help\``;
  const meant = /^\(Did you mean (.*)\?\)$/.exec(suggestion ?? "")?.[1];
  const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}`.replace(/\.$/, "");
  return new SigmaQuantError("SQ1027", "usage", sentence, {
    remedy: meant === undefined ? help : `Did you mean ${meant}? ${help}`,
    cause: error,
  });
}
