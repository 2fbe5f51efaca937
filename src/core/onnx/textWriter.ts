/** A piece of a text; offset and length count UTF-16 units. */
export interface TextSpan {
  readonly offset: number;
  readonly length: number;
}

/** Spaces for each level of depth. */
const indent = "  ";

/** Lists that would make a line longer than this have a line for each item. */
const lineWidth = 110;

const separator = ", ";

/** Builds a text line by line; what has to be said beside a line stands as a comment at its end. */
export class TextWriter {
  private readonly parts: string[] = [];
  private notes: string[] = [];
  private lineAt = 0;
  /** Where the next piece comes. */
  at = 0;

  /** @returns the piece's place */
  write(piece: string): TextSpan {
    const span = { offset: this.at, length: piece.length };
    this.parts.push(piece);
    this.at += piece.length;
    return span;
  }

  startLine(depth: number): void {
    this.lineAt = this.at;
    if (depth > 0) this.write(indent.repeat(depth));
  }

  /** Says something of what the line has. */
  note(text: string | undefined): void {
    if (text !== undefined) this.notes.push(text);
  }

  endLine(): void {
    if (this.notes.length > 0) this.write(`  # ${this.notes.join("; ")}`);
    this.notes = [];
    this.write("\n");
  }

  /** A line of its own. */
  comment(depth: number, text: string): void {
    this.startLine(depth);
    this.write(`# ${text}`);
    this.endLine();
  }

  /**
   * A list on this line if it fits there, else with a line for each item.
   * @param placed told where each item begins
   */
  list(
    depth: number,
    [open, close]: readonly [string, string],
    items: readonly string[],
    placed: (item: number, offset: number) => void = () => {},
  ): void {
    const length = items.reduce((sum, item) => sum + item.length + separator.length, open.length + close.length);
    const wraps = items.length > 1 && this.at - this.lineAt + length > lineWidth;
    this.write(open);
    for (const [i, item] of items.entries()) {
      if (wraps) {
        this.endLine();
        this.startLine(depth + 1);
      }
      placed(i, this.write(item).offset);
      if (i < items.length - 1) this.write(wraps ? separator.trimEnd() : separator);
    }
    if (wraps) {
      this.endLine();
      this.startLine(depth);
    }
    this.write(close);
  }

  toString(): string {
    return this.parts.join("");
  }
}

/** From one place to another. */
export function between(from: number, to: number): TextSpan {
  return { offset: from, length: to - from };
}
