import type { Command } from "commander";
import { formatBytes } from "../../core/plan/format.ts";
import { listPresets } from "../../node/profiles.ts";
import { newCommand, runCommand } from "../command.ts";
import { exitCodes, print, printJson, renderTable } from "../output.ts";

export function profilesCommand(signal: AbortSignal): Command {
  const command = newCommand("profiles", "Lists the device presets that --profile takes by name.");
  return command.addHelpText("after", "\nExample:\n  $ sigmaquant profiles --json").action((options) =>
    runCommand(options, signal, async (context) => {
      const presets = listPresets();
      if (context.json) {
        printJson(presets.map(({ name, profile }) => ({ id: name, ...profile })));
        return exitCodes.done;
      }
      const rows = presets.map(({ name, profile }) => [
        name,
        profile.name,
        profile.weightBits.join(", "),
        profile.activationBits.join(", "),
        profile.memory.weightMemoryKiB === undefined ? "–" : formatBytes(profile.memory.weightMemoryKiB * 1024),
      ]);
      print(renderTable(["Preset", "Device", "Weight bits", "Activation bits", "Weight memory"], rows, "llllr"));
      print("\nEach figure's source is in the preset's file; `sigmaquant profiles --json` prints them.");
      return exitCodes.done;
    }),
  );
}
