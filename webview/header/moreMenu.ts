import type { PageCommand } from "../../src/protocol/editor.ts";
import type { Context } from "../context.ts";
import { cannotRun } from "../model/words.ts";
import { type MenuItem, openMenu } from "../ui/menu.ts";

/** Opens the header's overflow menu under its button. */
export function openMoreMenu(context: Context, anchor: Element): void {
  openMenu("More actions", anchor, () => items(context));
}

function items({ store, post }: Context): readonly MenuItem[] {
  const { snapshot, fold, view } = store.state;
  const noPlan = snapshot?.hasPlan ? undefined : "There is no plan yet: choose a device first";
  const command = (label: string, name: PageCommand, disabledBecause?: string): MenuItem => ({
    kind: "action",
    label,
    ...(disabledBecause === undefined ? {} : { disabledBecause }),
    run: () => post({ type: "command", command: name }),
  });
  const rule: MenuItem = { kind: "separator" };
  const narrow = fold === "narrow";
  return [
    ...(narrow && view.screen === "layers" ? [command("Analyze", "analyze", cannotRun(snapshot)), rule] : []),
    ...(snapshot?.comparison && view.screen === "layers"
      ? [
          { kind: "action", label: "Show Comparison", run: () => store.setView({ screen: "comparison" }) } as const,
          rule,
        ]
      : []),
    command("Export Report…", "exportReport", noPlan),
    command("Export CSV…", "exportCsv", noPlan),
    command("Export Model Explorer Data…", "exportModelExplorer"),
    rule,
    command("Open Plan", "openPlan", noPlan),
    command("Open as Text", "openAsText"),
    command("Re-allocate", "reallocate", noPlan),
    command("Reset All Bits", "resetAllBits", noPlan),
    rule,
    command("Compare Devices…", "compareDevices"),
    command("New Device Profile…", "newProfile"),
    command("Choose Evaluation Set…", "chooseEvaluation"),
    rule,
    command("Show Log", "showLog"),
  ];
}
