import { el } from "../dom.ts";
import { cutMiddle } from "../model/cutMiddle.ts";

/** Characters measured at once; others are measured when they come. */
const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));

/** A character is measured as many times in a row: browsers round widths of boxes. */
const repeats = 32;

/**
 * Measures text in the page's live font. Widths of characters are taken from the page itself, once per size and weight, and added up: a
 * canvas does not know tabular figures, and measuring every name in the page would cost a layout each.
 */
export class TextMeasure {
  #family = "";
  readonly #widths = new Map<string, Map<string, number>>();

  /** Forgets all widths if the page has another font now. */
  refresh(): void {
    const family = getComputedStyle(document.body).fontFamily;
    if (family === this.#family) return;
    this.#family = family;
    this.#widths.clear();
  }

  /** Measures what a table needs ahead of time: the extension is still at work when the page is ready. */
  warm(): void {
    this.refresh();
    for (const [size, weight] of [
      [13, 400],
      [13, 600],
      [12, 400],
      [11, 400],
    ] as const) {
      this.width("0", size, weight);
    }
  }

  /** Width in CSS pixels, rounded up. @param size pixels @param weight 400 or 600: the only ones there are */
  width(text: string, size: number, weight: 400 | 600 = 400): number {
    const key = `${weight} ${size}`;
    let widths = this.#widths.get(key);
    if (widths === undefined) {
      widths = new Map();
      this.#widths.set(key, widths);
      measure(printable, size, weight, widths);
    }
    let sum = 0;
    for (const character of text) {
      if (!widths.has(character)) measure([character], size, weight, widths);
      sum += widths.get(character) ?? size;
    }
    return Math.ceil(sum);
  }
}

/** Measures characters in one layout. */
function measure(characters: readonly string[], size: number, weight: number, into: Map<string, number>): void {
  const lines = characters.map((character) => el("span", { text: character.repeat(repeats) }));
  const box = el("div", { class: "measure", attributes: { "aria-hidden": "true" } }, ...lines);
  box.style.fontSize = `${size}px`;
  box.style.fontWeight = String(weight);
  document.body.append(box);
  for (const [i, line] of lines.entries()) {
    into.set(characters[i] as string, line.getBoundingClientRect().width / repeats);
  }
  box.remove();
}

/** Type size and paddings of a name's cell, as in styles/table.css. */
const nameSize = 13;
const padding = 16;
const narrowPadding = 12;
const gutterExtra = 8;
const narrowGutterExtra = 6;

/** Cuts names to the width of their column and remembers how. */
export class NameCutter {
  #room = 0;
  readonly #cuts = new Map<string, string>();

  constructor(private readonly text: TextMeasure) {}

  /** @param width of the column, pixels @param first the names' column is the first one */
  fit(width: number, narrow: boolean, first: boolean): void {
    const extra = first ? (narrow ? narrowGutterExtra : gutterExtra) : 0;
    const room = width - (narrow ? narrowPadding : padding) - extra;
    if (room === this.#room) return;
    this.#room = room;
    this.forget();
  }

  /** Another font: what was cut before is cut anew. */
  forget(): void {
    this.#cuts.clear();
  }

  readonly cut = (name: string): string => {
    let cut = this.#cuts.get(name);
    if (cut === undefined) {
      cut = cutMiddle(name, (text) => this.text.width(text, nameSize) <= this.#room);
      this.#cuts.set(name, cut);
    }
    return cut;
  };
}
