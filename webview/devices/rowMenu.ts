import type { MenuItem } from "../ui/menu.ts";
import { openMenu } from "../ui/menu.ts";
import type { Anchor } from "../ui/place.ts";
import type { ShownRow } from "./figures.ts";
import type { Context } from "./state.ts";

/** What can be done with a row. */
export function openRowMenu(context: Context, { row, model, device }: ShownRow, anchor: Anchor): void {
  const { post, store } = context;
  openMenu(`Actions for ${device.name}`, anchor, (): readonly MenuItem[] => {
    const { snapshot } = store.state;
    const [models, devices] = [snapshot?.models.length ?? 0, snapshot?.devices.length ?? 0];
    const action = (label: string, run: () => void, hint?: string, disabledBecause?: string): MenuItem => ({
      kind: "action",
      label,
      ...(hint !== undefined && { hint }),
      ...(disabledBecause !== undefined && { disabledBecause }),
      run,
    });
    const ref = { model: row.model, device: row.device };
    return [
      action("Open Profile", () => post({ type: "openProfile", device: row.device }), "Enter"),
      action(
        `Use for ${model.name}`,
        () => post({ type: "useDevice", ...ref }),
        undefined,
        row.inUse ? "It is in use" : undefined,
      ),
      action(`Open ${model.name}`, () => post({ type: "openModel", model: row.model })),
      { kind: "separator" },
      action("Copy Row", () => post({ type: "copyRows", rows: [ref] }), "Ctrl+C"),
      { kind: "separator" },
      action(
        `Remove ${device.name}`,
        () => post({ type: "removeDevice", device: row.device }),
        models > 1 ? undefined : "Delete",
        devices > 1 ? undefined : "It is the only one",
      ),
      ...(models > 1
        ? [
            action(
              `Remove ${model.name}`,
              () => post({ type: "removeModel", model: row.model }),
              devices > 1 ? undefined : "Delete",
            ),
          ]
        : []),
    ];
  });
}

/** Takes a row's device out of the comparison; where there is one device only, the model. */
export function removeRow({ post, store }: Context, { row }: ShownRow): void {
  const { models = [], devices = [] } = store.state.snapshot ?? {};
  if (devices.length > 1 && models.length === 1) post({ type: "removeDevice", device: row.device });
  else if (models.length > 1 && devices.length === 1) post({ type: "removeModel", model: row.model });
}
