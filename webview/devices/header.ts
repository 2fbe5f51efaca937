import type { DevicesCommand, DevicesSnapshot } from "../../src/protocol/devices.ts";
import { button, iconButton } from "../controls.ts";
import { el, setChildren, setText } from "../dom.ts";
import { type MenuItem, openMenu } from "../ui/menu.ts";
import { linkButton } from "../ui/plain.ts";
import { factTexts, rowsAreModels } from "./figures.ts";
import type { Context, Part } from "./state.ts";

/** Title, what is compared, and what can be done with it. */
export function createHeader(context: Context): Part {
  const { post } = context;
  const run = (command: DevicesCommand) => () => post({ type: "command", command });
  const title = el("h1", { class: "name" });
  const facts = el("div", { class: "facts" });
  const add = button({
    label: "Add Profile…",
    title: "Choose the devices to compare",
    run: run("chooseProfiles"),
  });
  const save = button({ label: "Export…", title: "Save the comparison for a spreadsheet", run: run("exportCsv") });
  save.element.classList.add("d-export");
  const more = iconButton("more", "More actions", (at) => openMenu("More actions", at, () => items(context)));
  let shown = "";
  return {
    element: el(
      "header",
      { class: "header" },
      el("div", { class: "title" }, title, facts, add.element, save.element, more.element),
    ),
    update: ({ snapshot }) => {
      if (!snapshot) return;
      setText(title, rowsAreModels(snapshot) ? "Compare models" : "Compare devices");
      save.disable(snapshot.rows.length > 0 ? undefined : "There is nothing to export yet");
      const key = JSON.stringify([subject(snapshot), factTexts(snapshot)]);
      if (key === shown) return;
      shown = key;
      const about = subject(snapshot);
      setChildren(facts, [
        ...(about
          ? [
              el(
                "span",
                {},
                linkButton(about.name, () => post(about.message)),
              ),
            ]
          : []),
        ...factTexts(snapshot).map((text) => el("span", { text })),
      ]);
    },
  };
}

/** The one model, or the one device, that all rows are about. */
function subject({ models, devices }: DevicesSnapshot) {
  const [model, device] = [models[0], devices[0]];
  if (models.length === 1 && model) {
    return { name: model.name, message: { type: "openModel", model: model.uri } } as const;
  }
  if (devices.length === 1 && device) {
    return { name: device.name, message: { type: "openProfile", device: device.id } } as const;
  }
  return undefined;
}

function items({ post, store }: Context): readonly MenuItem[] {
  const { snapshot } = store.state;
  const command = (label: string, name: DevicesCommand, disabledBecause?: string): MenuItem => ({
    kind: "action",
    label,
    ...(disabledBecause !== undefined && { disabledBecause }),
    run: () => post({ type: "command", command: name }),
  });
  const idle = snapshot && snapshot.runnable > 0 ? undefined : "Every plan that can be run was run";
  return [
    command("Choose Profiles…", "chooseProfiles"),
    command("Choose Models…", "chooseModels"),
    command("New Device Profile…", "newProfile"),
    { kind: "separator" },
    command("Run All Plans", "run", snapshot?.work ? "They are being run" : idle),
    command("Refresh", "refresh"),
    { kind: "separator" },
    {
      kind: "action",
      label: "Copy All Rows",
      run: () => {
        const rows = snapshot?.rows.map(({ model, device }) => ({ model, device })) ?? [];
        post({ type: "copyRows", rows });
      },
    },
    command("Export…", "exportCsv"),
    { kind: "separator" },
    command("Show Log", "showLog"),
  ];
}
