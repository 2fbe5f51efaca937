import type { Bits } from "../../src/core/hardware/profile.ts";
import type { LayerRow } from "../../src/protocol/editor.ts";
import type { Context } from "../context.ts";
import { count } from "../format/numbers.ts";
import { csvOf } from "../model/csv.ts";
import { figuresOf } from "../model/figures.ts";
import { orderOf } from "../model/order.ts";
import type { State } from "../state.ts";
import { nextBits } from "./bitCell.ts";

/** Rows that an edit is for: the selected ones, in the network's order. */
export function selectedRows({ snapshot, view }: State): readonly LayerRow[] {
  if (snapshot === undefined) return [];
  const wanted = new Set(view.selection);
  return snapshot.layers.filter((row) => wanted.has(row.name));
}

/** The row with the keyboard with all others that are selected with it, or it alone. */
export function rowsWith(state: State, name: string): readonly LayerRow[] {
  if (state.view.selection.includes(name)) return selectedRows(state);
  return state.snapshot?.layers.filter((row) => row.name === name) ?? [];
}

/** Gives rows a bitwidth, as far as the device has it for them; the plan pins them with it. */
export function setBits({ post, announcer, store }: Context, rows: readonly LayerRow[], bits: Bits): void {
  const able = rows.filter((row) => row.allowedBits.includes(bits));
  const layers = able.filter((row) => row.weightBits !== bits || !row.pinned).map((row) => row.name);
  if (able.length === 0 && rows.length > 0) {
    announcer.say(`${bits} bits: not on ${store.state.snapshot?.profile?.name ?? "this device"}`);
  }
  if (layers.length === 0) return;
  post({ type: "setBits", layers, bits });
  announcer.say(`${bits} bits for ${layers.length === 1 ? layers[0] : count(layers.length, "layer")}`);
}

/** Moves each row to the device's next bitwidth up or down. Rows that end at the same bits go in one message. */
export function stepBits(context: Context, rows: readonly LayerRow[], up: boolean): void {
  const byBits = Map.groupBy(rows, (row) => nextBits(row, up));
  for (const [bits, group] of byBits) if (bits !== undefined) setBits(context, group, bits);
}

/** Pins rows; unpins them if all are pinned. Rows in float have nothing to pin. */
export function togglePin({ post, announcer }: Context, rows: readonly LayerRow[]): void {
  const able = rows.filter((row) => row.weightBits);
  const pinned = able.some((row) => !row.pinned);
  const layers = able.filter((row) => row.pinned !== pinned).map((row) => row.name);
  if (layers.length === 0) return;
  post({ type: "setPinned", layers, pinned });
  announcer.say(`${pinned ? "Pinned" : "Unpinned"} ${layers.length === 1 ? layers[0] : count(layers.length, "layer")}`);
}

/** Takes rows back to what the search recommends. */
export function resetBits({ post, announcer }: Context, rows: readonly LayerRow[]): void {
  const layers = rows
    .filter((row) => row.weightBits && (row.pinned || row.wasBits !== undefined))
    .map((row) => row.name);
  if (layers.length === 0) return;
  post({ type: "resetBits", layers });
  announcer.say(`Reset ${layers.length === 1 ? layers[0] : count(layers.length, "layer")}`);
}

/** Copies the selected rows as CSV, or all that are shown when none is selected or `all` is asked for. */
export function copyRows({ store, post, announcer }: Context, all: boolean): void {
  const { snapshot, view } = store.state;
  if (snapshot === undefined) return;
  const f = figuresOf(snapshot);
  const order = orderOf(f, view.sort, view.filter);
  const wanted = new Set(view.selection);
  const some = all || wanted.size === 0 ? order : order.filter((i) => wanted.has(f.rows[i]?.name ?? ""));
  post({ type: "copy", text: csvOf(f, some) });
  announcer.say(`Copied ${count(some.length, "layer")} as CSV`);
}
