import process from "node:process";
import Table from "cli-table3";
import { inCell } from "./screen.ts";

/** A column of a table for people. */
export interface Column {
  readonly head: string;
  /** Default left. */
  readonly align?: "right";
  /** How it gets narrower where the terminal is: texts cut in the middle, or wrapped at spaces. */
  readonly shrink?: "cut" | "wrap";
  /** Left out where the terminal is too narrow, those with the lowest number first; kept without it. */
  readonly drop?: number;
}

type Row = readonly string[];

/** No borders: the one rule, below the head, is drawn by renderTable. */
const plainBorders = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};
const gap = plainBorders.middle.length;

/** Names are cut to this many characters before columns are left out; when none is left to leave out, to the second. */
const shortWidth = 20;
const leastWidth = 8;

/** Characters in a line: the terminal's; COLUMNS where stdout is none, such as in a script that knows better; else no limit. */
export function terminalWidth(): number {
  const { isTTY, columns } = process.stdout;
  if (isTTY && columns > 0) return columns;
  const told = Number(process.env.COLUMNS);
  return told > 0 ? told : Number.POSITIVE_INFINITY;
}

/** Columns that are always there as they are. @param align one letter a column: l or r */
export function columns(heads: readonly string[], align: string): readonly Column[] {
  return heads.map((head, i) => ({ head, ...(align[i] === "r" && { align: "right" }) }));
}

/** A table for people that fits into a line of `width` characters, as far as its columns let it. */
export function renderTable(all: readonly Column[], texts: readonly Row[], width = terminalWidth()): string {
  const rows = texts.map((row) => row.map(inCell));
  const { kept, widths } = layout(all, rows, width);
  const table = new Table({
    head: kept.map((c, k) => shrunk(all[c]?.head ?? "", all[c], widths[k] as number)),
    colAligns: kept.map((c) => all[c]?.align ?? "left"),
    chars: plainBorders,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  for (const row of rows) table.push(kept.map((c, k) => shrunk(row[c] ?? "", all[c], widths[k] as number)));
  const lines = table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
  const headLines = Math.max(
    ...kept.map((c, k) => shrunk(all[c]?.head ?? "", all[c], widths[k] as number).split("\n").length),
  );
  const rule = "─".repeat(Math.max(...lines.map(length)));
  return [...lines.slice(0, headLines), rule, ...lines.slice(headLines)].join("\n");
}

/** Which columns stay, and how wide they are. */
function layout(all: readonly Column[], rows: readonly Row[], width: number): { kept: number[]; widths: number[] } {
  const natural = all.map(({ head }, c) => Math.max(length(head), ...rows.map((row) => length(row[c] ?? ""))));
  let kept = all.map((_, c) => c);
  for (;;) {
    const widths = kept.map((c) => natural[c] as number);
    const [next] = kept.filter((c) => all[c]?.drop !== undefined).sort((a, b) => dropOf(all[a]) - dropOf(all[b]));
    const least = next === undefined ? leastWidth : shortWidth;
    let over = widths.reduce((sum, w) => sum + w + gap, -gap) - width;
    while (over > 0) {
      const [widest] = kept
        .map((c, k) => ({ k, room: all[c]?.shrink === undefined ? 0 : (widths[k] as number) - least }))
        .filter(({ room }) => room > 0)
        .sort((a, b) => b.room - a.room);
      if (widest === undefined) break;
      widths[widest.k] = (widths[widest.k] as number) - 1;
      over--;
    }
    if (over <= 0 || next === undefined) return { kept, widths };
    kept = kept.filter((c) => c !== next);
  }
}

function dropOf(column: Column | undefined): number {
  return column?.drop ?? Number.POSITIVE_INFINITY;
}

function shrunk(text: string, column: Column | undefined, width: number): string {
  if (length(text) <= width) return text;
  return column?.shrink === "wrap" ? wrap(text, width) : cutMiddle(text, width);
}

/** `layer3.…conv2`: both ends of a name tell more than its beginning. */
export function cutMiddle(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  const tail = Math.ceil((width - 1) * 0.6);
  return `${characters.slice(0, width - 1 - tail).join("")}…${characters.slice(characters.length - tail).join("")}`;
}

/** Lines of at most `width` characters, broken at spaces; a longer word is cut. */
export function wrap(text: string, width: number, indent = ""): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const own = cutMiddle(word, Math.max(1, width - indent.length));
    if (line === "") line = lines.length === 0 ? own : `${indent}${own}`;
    else if (length(line) + 1 + length(own) <= width) line += ` ${own}`;
    else {
      lines.push(line);
      line = `${indent}${own}`;
    }
  }
  return [...lines, line].join("\n");
}

function length(text: string): number {
  return [...text].length;
}
