import type { Fold } from "../fold.ts";
import { type ColumnId, columnIds } from "../model/columnIds.ts";
import { columnOf } from "../model/columns.ts";
import type { Figures } from "../model/figures.ts";
import { memoLast } from "../model/memo.ts";
import { totalsOf, totalText } from "../model/totals.ts";
import type { TextMeasure } from "./measure.ts";

/** Type sizes and paddings of the table, as in styles/table.css. */
const cellSize = 13;
const headSize = 12;
const unitSize = 11;
const padding = 16;
const narrowPadding = 12;
/** The first cell of a row starts at the page's gutter. */
const gutterExtra = 8;
const narrowGutterExtra = 6;

/** A heat cell with its gap, and the gap to the number. */
const heatCell = 15;
const heatGap = 8;

/** Bits at rest: number, gap, slots, pin; the stepper with its pin; the gap to what stands after them. */
const bitsAtRest = 10 + 6 + 31 + 18;
const stepper = 61 + 4 + 18;
const bitsGap = 8;
const iconAndSpace = 20;

/** The layer column takes room first, up to this, as far as names need it. */
const mostForName = 320;
/** Below this a name says nothing. */
const leastForName = 96;

export interface ColumnWidths {
  /** Pixels that a column gets at least. */
  readonly least: Readonly<Record<ColumnId, number>>;
  /** Pixels below which its content is cut: on narrow pages names may take what is between. */
  readonly content: Readonly<Record<ColumnId, number>>;
  /** Pixels in which the longest name stands uncut. */
  readonly longestName: number;
}

/** Works out what columns need in the live font: the design's width, or header, longest cell or total if one is wider. */
export function measureColumns(f: Figures, fold: Fold, text: TextMeasure): ColumnWidths {
  const narrow = fold === "narrow";
  const pad = narrow ? narrowPadding : padding;
  const totals = totalsOf(f, [...f.rows.keys()]);
  const content = {} as Record<ColumnId, number>;
  const least = {} as Record<ColumnId, number>;
  for (const id of columnIds) {
    const column = columnOf(id);
    // The arrow of a sorted column hangs over into the padding.
    const head = text.width((narrow && column.narrowName) || column.name, headSize);
    const unit = text.width(column.unit?.(f) ?? "", unitSize);
    const total = text.width(totalText(f, totals, id, false, narrow), cellSize, 600);
    content[id] =
      Math.max(head, unit, total, contentWidth(f, id, narrow, text)) + pad + (id === "index" ? gutterExtra : 0);
    const design = (narrow ? column.narrowWidth : undefined) ?? column.width;
    least[id] = id === "name" ? design : Math.max(design, content[id]);
  }
  const names = longest(f, "name").map((i) => text.width(f.rows[i]?.name ?? "", cellSize));
  // Cutting measures too: a pixel more keeps a name from being cut by what rounding took.
  const longestName = Math.max(0, ...names) + pad + (narrow ? narrowGutterExtra : gutterExtra) + 1;
  // Columns give way before names of an ordinary length are cut.
  content.name = Math.min(longestName, least.name);
  return { least, content, longestName };
}

function contentWidth(f: Figures, id: ColumnId, narrow: boolean, text: TextMeasure): number {
  const strip = f.snapshot.bits.length * heatCell - 1;
  switch (id) {
    case "name":
      return 0;
    case "weightKl":
      return strip;
    case "sensitivity":
      if (narrow) return strip;
      return (
        strip +
        heatGap +
        Math.max(text.width("<0.0001", cellSize), f.source === "weights" ? text.width("from the weights", headSize) : 0)
      );
    case "weightBits": {
      const was = f.changed > 0 ? (narrow ? bitsAtRest : stepper) + bitsGap + text.width("was 4", headSize) : 0;
      const old = f.outdated > 0 ? bitsAtRest + bitsGap + iconAndSpace + text.width("outdated", headSize) : 0;
      return Math.max(narrow ? bitsAtRest : stepper, was, narrow ? 0 : old);
    }
    case "share":
      return narrow ? Math.max(0, ...longest(f, id).map((i) => text.width(columnOf(id).text(f, i), cellSize))) : 0;
    default:
      return Math.max(0, ...longest(f, id).map((i) => text.width(columnOf(id).text(f, i), cellSize)));
  }
}

/** Rows with the longest text in a column: of numbers the largest, of names some of the longest (letters differ in width). */
function longest(f: Figures, id: ColumnId): readonly number[] {
  const { kind, value, text } = columnOf(id);
  const byText = kind === "text" || id === "shape";
  let best: { i: number; size: number }[] = [];
  let least = Number.NEGATIVE_INFINITY;
  const kept = byText ? 8 : 1;
  for (let i = 0; i < f.rows.length; i++) {
    const size = byText ? text(f, i).length : Number(value(f, i) ?? Number.NEGATIVE_INFINITY);
    if (size <= least) continue;
    best = [...best, { i, size }].sort((a, b) => b.size - a.size).slice(0, kept);
    if (best.length === kept) least = best[kept - 1]?.size ?? least;
  }
  return best.map(({ i }) => i);
}

/** What widths depend on: while it is the same, they are not measured again (a drag brings a snapshot with each frame). */
export function widthsKey(f: Figures, fold: Fold, theme: number): string {
  const digits = (value: number | undefined): number => Math.floor(Math.log10(Math.max(1, value ?? 1)));
  const scales = [f.params, f.macs, f.bytes, f.latency, f.energy].map((s) => `${s.label}${s.decimals}`);
  const { snapshot } = f;
  const bytes = snapshot.budgets.map((b) => digits((b.use ?? 0) * 1e9));
  return [
    snapshot.fileName,
    f.rows.length,
    snapshot.bits.length,
    f.source,
    snapshot.synthetic,
    fold,
    theme,
    ...scales,
    ...bytes,
    f.rows[0]?.sigma === undefined,
    f.changed > 0,
    f.outdated > 0,
  ].join();
}

/** The columns' tracks for CSS, and how wide the names' one is. */
export interface Tracks {
  readonly template: string;
  readonly name: number;
}

/**
 * Names grow first, as far as the longest needs, up to 320 pixels; the rest goes to Share of loss, or stays empty at the right. Where names
 * have less than they need, the other columns give what they do not need themselves.
 */
export const tracksOf: (shown: readonly ColumnId[], widths: ColumnWidths, width: number) => Tracks = memoLast(
  (shown: readonly ColumnId[], { least, content, longestName }: ColumnWidths, width: number) => {
    const sum = (of: Readonly<Record<ColumnId, number>>): number =>
      shown.reduce((total, id) => total + (id === "name" ? 0 : of[id]), 0);
    const room = width - sum(least);
    const wanted = Math.min(mostForName, Math.max(least.name, longestName));
    const missing = Math.max(0, Math.min(longestName, mostForName) - room);
    const spare = sum(least) - sum(content);
    const given = spare > 0 ? Math.min(1, missing / spare) : 0;
    const widthOf = (id: ColumnId): number => Math.floor(least[id] - given * (least[id] - content[id]));
    const last = shown.at(-1);
    const others = shown.reduce((total, id) => total + (id === "name" ? 0 : widthOf(id)), 0);
    const name = Math.max(leastForName, Math.min(wanted, width - others));
    const template = shown.map((id) => {
      if (id === "name") return `${name}px`;
      // Left-aligned, the last column may have the rest: its content stays where it is.
      return id === last && columnOf(id).align === "left"
        ? `minmax(${id === "share" ? 0 : widthOf(id)}px, 1fr)`
        : `${widthOf(id)}px`;
    });
    return { template: template.join(" "), name };
  },
);
