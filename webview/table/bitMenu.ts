import type { Bits } from "../../src/core/hardware/profile.ts";
import { formatBytes } from "../../src/core/plan/format.ts";
import type { LayerRow } from "../../src/protocol/editor.ts";
import type { Context } from "../context.ts";
import { el } from "../dom.ts";
import { finite, formatLoss } from "../format/numbers.ts";
import { figuresOf, isFloat, sensitivities } from "../model/figures.ts";
import { type MenuItem, openMenu } from "../ui/menu.ts";
import type { Anchor } from "../ui/place.ts";
import { resetBits, rowsWith, setBits, togglePin } from "./edits.ts";
import { slots } from "./slots.ts";

/** Opens the menu of bitwidths of a layer: what each costs in sensitivity and bytes, pin, reset. It edits all selected rows. */
export function openBitMenu(context: Context, name: string, anchor: Anchor): void {
  const { snapshot } = context.store.state;
  const row = snapshot?.layers.find((layer) => layer.name === name);
  if (snapshot === undefined || row === undefined || isFloat(row) || snapshot.profile === undefined) return;
  openMenu(`Bits of ${name}`, anchor, () => items(context, row));
}

function items(context: Context, row: LayerRow): readonly MenuItem[] {
  const { snapshot } = context.store.state;
  const bits = row.weightBits ?? undefined;
  const offered = ([2, 3, 4, 5, 6, 7, 8] as const).filter(
    (b) => snapshot?.bits.includes(b) || row.allowedBits.includes(b),
  );
  const rows = (): readonly LayerRow[] => rowsWith(context.store.state, row.name);
  return [
    ...offered.map((b) => bitItem(context, row, b, () => setBits(context, rows(), b))),
    { kind: "separator" },
    {
      kind: "action",
      label: row.pinned ? "Unpin" : bits === undefined ? "Pin" : `Pin at ${bits} bits`,
      hint: "P",
      ...(bits === undefined ? { disabledBecause: "no bits yet" } : {}),
      run: () => togglePin(context, rows()),
    },
    { kind: "action", label: "Reset to Recommended", hint: "Delete", run: () => resetBits(context, rows()) },
  ];
}

function bitItem(context: Context, row: LayerRow, b: Bits, run: () => void): MenuItem {
  const { snapshot } = context.store.state;
  const loss = snapshot && finite(sensitivities(figuresOf(snapshot), row)?.[b]);
  const allowed = row.allowedBits.includes(b);
  const cost = loss === undefined || !allowed ? "" : formatLoss(loss, snapshot?.synthetic === true);
  const reason = allowed ? undefined : `not on ${snapshot?.profile?.name ?? "this device"}`;
  return {
    kind: "radio",
    label: `${b} bits${cost === "" ? "" : `, sensitivity ${cost}`}`,
    content: [
      el("b", { class: "menu-bits", text: String(b) }),
      slots(b),
      el("span", { class: "menu-loss", text: cost }),
    ],
    checked: row.weightBits === b,
    hint: reason ?? bytesHint(row, b),
    ...(reason === undefined ? {} : { disabledBecause: reason }),
    run,
  };
}

/** What a bitwidth costs or gains in bytes against now. */
function bytesHint(row: LayerRow, b: Bits): string {
  if (row.weightBits === b) return "now";
  const [now, then] = [finite(row.bytes), finite(row.bytesByBits?.[b])];
  if (now === undefined || then === undefined) return "";
  if (then === now) return "same size";
  return `${formatBytes(Math.abs(then - now), 2)} ${then > now ? "more" : "less"}`;
}
