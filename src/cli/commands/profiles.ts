import type { Command } from "commander";
import { formatBytes } from "../../core/plan/format.ts";
import { listPresets } from "../../node/profiles.ts";
import { newCommand, runCommand } from "../command.ts";
import { exitCodes, print, printJson } from "../output.ts";
import { renderTable } from "../table.ts";

export function profilesCommand(signal: AbortSignal): Command {
  const command = newCommand("profiles", "Lists the device presets that --profile takes by name.");
  return command
    .addHelpText("after", "\nExamples:\n  $ sigmaquant profiles\n  $ sigmaquant profiles --json")
    .action((options) =>
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
        const table = [
          { head: "Preset" },
          { head: "Device", shrink: "cut", drop: 1 },
          { head: "Weight bits" },
          { head: "Activation bits" },
          { head: "Weight memory", align: "right" },
        ] as const;
        print(renderTable(table, rows));
        print("\nEach figure's source is in the preset's file; `sigmaquant profiles --json` prints them.");
        return exitCodes.done;
      }),
    );
}
