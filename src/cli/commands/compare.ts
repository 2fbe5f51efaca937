import type { Command } from "commander";
import { comparePlans } from "../../core/plan/comparePlans.ts";
import { formatAccuracy, formatAmount, formatBytes, resourceName } from "../../core/plan/format.ts";
import { averageBits } from "../../core/plan/summary.ts";
import { readPlan } from "../../node/plans.ts";
import { newCommand, runCommand } from "../command.ts";
import { exitCodes, print, printJson } from "../output.ts";
import { type Column, renderTable } from "../table.ts";

export function compareCommand(signal: AbortSignal): Command {
  const command = newCommand(
    "compare",
    "Lays plans side by side: verdicts, use of each budget, and the layers whose bits differ.",
  );
  return command
    .argument("<plans...>", "*.sigmaquant.json")
    .addHelpText("after", "\nExample:\n  $ sigmaquant compare small.sigmaquant.json large.sigmaquant.json")
    .action((files: string[], options) =>
      runCommand(options, signal, async (context) => {
        const plans = await Promise.all(files.map((file) => readPlan(file)));
        const compared = comparePlans(plans);
        if (context.json) {
          printJson({ plans: files, verdicts: plans.map((p) => p.verdict), ...compared });
          return exitCodes.done;
        }
        const perPlan = files.map((head): Column => ({ head, align: "right", shrink: "wrap" }));
        const summary = [
          ["verdict", ...plans.map((p) => p.verdict.headline)],
          ["profile", ...plans.map((p) => p.profile)],
          ["strategy", ...plans.map((p) => p.strategy)],
          ["bits on average", ...plans.map((p) => averageBits(p.layers).toFixed(2))],
          ["accuracy", ...plans.map((p) => (p.accuracy ? formatAccuracy(p.accuracy) : "–"))],
          ...compared.budgets.map(({ name, use }) => {
            const unit = plans[0]?.budgets.find((b) => b.name === name)?.unit ?? "B";
            return [resourceName(name), ...use.map((u) => (u === undefined ? "no figure" : formatAmount(unit, u)))];
          }),
        ];
        print(renderTable([{ head: "" }, ...perPlan], summary));
        print();
        if (plans.length === 1) print("Give a second plan to see the layers whose bits differ.");
        else if (compared.layers.length === 0) print(sameBits(compared.same));
        else {
          const cell = (bits: number | null | undefined, bytes: number | undefined) =>
            bits === undefined ? "–" : `${bits ?? "float"}${bytes === undefined ? "" : `  ${formatBytes(bytes, 2)}`}`;
          const rows = compared.layers.map(({ name, bits, bytes }) => [name, ...bits.map((b, i) => cell(b, bytes[i]))]);
          print(renderTable([{ head: "Layer", shrink: "cut" }, ...perPlan], rows));
          const count = compared.layers.length;
          const same = compared.same === 1 ? "1 has" : `${compared.same} have`;
          print(`\n${count === 1 ? "1 layer differs" : `${count} layers differ`}, ${same} the same bits.`);
        }
        return exitCodes.done;
      }),
    );
}

function sameBits(layers: number): string {
  return layers === 1 ? "The one layer has the same bits." : `All ${layers} layers have the same bits.`;
}
