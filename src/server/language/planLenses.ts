import { formatAmount } from "../../core/plan/format.ts";
import { accuracyWords } from "./accuracyText.ts";
import { type Lens, lensCommands } from "./lens.ts";
import type { Assessment } from "./onDevice.ts";
import type { PlanContext } from "./planContext.ts";

/** Totals and verdict above the plan, then what can be done. */
export function planLenses({ uri, modelUri, judged, before }: PlanContext): readonly Lens[] {
  const shown = judged ?? before;
  const open: readonly Lens[] =
    modelUri === undefined
      ? []
      : [
          {
            offset: 0,
            title: "Open model",
            command: { command: lensCommands.showLayer, arguments: [{ uri: modelUri }] },
          },
        ];
  if (!shown) return open;
  const { model, assessment } = shown;
  const reallocate: Lens = {
    offset: 0,
    title: "Re-allocate",
    command: { command: lensCommands.reallocatePlan, arguments: [{ uri }] },
  };
  return [
    { offset: 0, title: stateOf(model.device.profile.name, assessment) },
    ...open,
    ...(model.losses ? [reallocate] : []),
  ];
}

/** `Fits MAX78000: 31.2 of 32 KiB, 3.1 bits on average, −0.4 points (measured)` */
function stateOf(device: string, { verdict, budgets, averageBits, accuracy }: Assessment): string {
  const average = `${averageBits.toFixed(1)} bits on average`;
  const { headline } = verdict;
  if (verdict.verdict === "infeasible") {
    const reason = headline.replace(/^Does not fit: /, "");
    return reason === headline
      ? `$(error) On ${device}: ${headline}, ${average}`
      : `$(error) Does not fit ${device}: ${reason}, ${average}`;
  }
  const memory = budgets.find(({ name }) => name === "weightMemory");
  const size = memory?.use === undefined ? [] : [sizeOf(memory.use, memory.limit)];
  return `$(pass) Fits ${device}: ${[...size, average, accuracyWords(accuracy)].join(", ")}`;
}

/** `31.2 of 32 KiB`, in one unit where both have the same. */
function sizeOf(use: number, limit: number | undefined): string {
  const used = formatAmount("B", use);
  if (limit === undefined) return used;
  const allowed = formatAmount("B", limit).replace(/\.0 /, " ");
  const [figure, unit] = used.split(" ");
  return allowed.endsWith(` ${unit}`) ? `${figure} of ${allowed}` : `${used} of ${allowed}`;
}
