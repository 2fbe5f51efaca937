import type { Bits } from "../../src/core/hardware/profile.ts";
import type { LayerRow } from "../../src/protocol/editor.ts";
import type { Context } from "../context.ts";
import { count } from "../format/numbers.ts";
import { csvOf } from "../model/csv.ts";
import { figuresOf } from "../model/figures.ts";
import { orderOf } from "../model/order.ts";
import type { State } from "../state.ts";
import type { Store } from "../store.ts";
import { nextBits } from "./bitCell.ts";

/** What an edit changes of a row. */
type Wish = Partial<Pick<LayerRow, "weightBits" | "pinned">>;

/** What was asked for a row. */
interface Asked {
  readonly wish: Wish;
  /** What the page may show on the way there: what it showed at first, and what was asked for in between. */
  readonly before: ReadonlySet<string>;
  readonly at: number;
}

/** An answer takes a few tenths of a second; one that has not come by then is none, as an edit that was refused. */
const answerMs = 3000;

/** By page, edits that the host has not answered yet: a key that is pressed again at once goes on from what it asked for before. */
const unanswered = new WeakMap<Store, Map<string, Asked>>();

function ask({ store }: Context, rows: readonly LayerRow[], wish: Wish): void {
  const asked = unanswered.get(store) ?? new Map<string, Asked>();
  unanswered.set(store, asked);
  for (const row of rows) {
    const earlier = asked.get(row.name);
    const before = new Set(earlier?.before).add(bitsAndPin(row));
    asked.set(row.name, { wish: { ...earlier?.wish, ...wish }, before, at: performance.now() });
  }
}

function bitsAndPin({ weightBits, pinned }: Pick<LayerRow, "weightBits" | "pinned">): string {
  return `${weightBits} ${pinned}`;
}

/** The row as it will be when what was asked of the host is there. */
function expected({ store }: Context, row: LayerRow): LayerRow {
  const asked = unanswered.get(store);
  const open = asked?.get(row.name);
  if (!open) return row;
  const { wish, before, at } = open;
  if (before.has(bitsAndPin(row)) && performance.now() - at < answerMs) return { ...row, ...wish };
  asked?.delete(row.name);
  return row;
}

/** Rows that are selected and not filtered out, in the network's order: nobody edits what is not seen. */
function selectedRows({ snapshot, view }: State): readonly LayerRow[] {
  if (snapshot === undefined) return [];
  const f = figuresOf(snapshot);
  const shown = new Set(orderOf(f, view.sort, view.filter));
  const wanted = new Set(view.selection);
  return f.rows.filter((row, i) => wanted.has(row.name) && shown.has(i));
}

/** The row with the keyboard with all others that are selected with it, or it alone. */
export function rowsWith(state: State, name: string): readonly LayerRow[] {
  if (state.view.selection.includes(name)) return selectedRows(state);
  return state.snapshot?.layers.filter((row) => row.name === name) ?? [];
}

/** Gives rows a bitwidth, as far as the device has it for them; the plan pins them with it. */
export function setBits(context: Context, rows: readonly LayerRow[], bits: Bits): void {
  const { post, announcer, store } = context;
  const able = rows.map((row) => expected(context, row)).filter((row) => row.allowedBits.includes(bits));
  const changed = able.filter((row) => row.weightBits !== bits || !row.pinned);
  const layers = changed.map((row) => row.name);
  if (able.length === 0 && rows.length > 0) {
    announcer.say(`${bits} bits: not on ${store.state.snapshot?.profile?.name ?? "this device"}`);
  }
  if (layers.length === 0) return;
  ask(context, changed, { weightBits: bits, pinned: true });
  post({ type: "setBits", layers, bits });
  announcer.say(`${bits} bits for ${layers.length === 1 ? layers[0] : count(layers.length, "layer")}`);
}

/** Moves each row to the device's next bitwidth up or down. Rows that end at the same bits go in one message. */
export function stepBits(context: Context, rows: readonly LayerRow[], up: boolean): void {
  const byBits = Map.groupBy(rows, (row) => nextBits(expected(context, row), up));
  for (const [bits, group] of byBits) if (bits !== undefined) setBits(context, group, bits);
}

/** Pins rows; unpins them if all are pinned. Rows in float have nothing to pin. */
export function togglePin(context: Context, rows: readonly LayerRow[]): void {
  const { post, announcer } = context;
  const able = rows.map((row) => expected(context, row)).filter((row) => row.weightBits);
  const pinned = able.some((row) => !row.pinned);
  const changed = able.filter((row) => row.pinned !== pinned);
  const layers = changed.map((row) => row.name);
  if (layers.length === 0) return;
  ask(context, changed, { pinned });
  post({ type: "setPinned", layers, pinned });
  announcer.say(`${pinned ? "Pinned" : "Unpinned"} ${layers.length === 1 ? layers[0] : count(layers.length, "layer")}`);
}

/** Takes rows back to what the search recommends. */
export function resetBits(context: Context, rows: readonly LayerRow[]): void {
  const { post, announcer, store } = context;
  const layers = rows
    .map((row) => expected(context, row))
    .filter((row) => row.weightBits && (row.pinned || row.wasBits !== undefined))
    .map((row) => row.name);
  if (layers.length === 0) return;
  // What bits come of it, the host will say.
  for (const layer of layers) unanswered.get(store)?.delete(layer);
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
