/** A piece of a text. Offsets count UTF-16 units from 0; lines and columns count from 1, columns in UTF-16 units too. */
export interface TextRange {
  readonly offset: number;
  readonly length: number;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export const byteOrderMark = "\ufeff";

/** Turns offsets of a text into lines and columns. Lines end with LF, CRLF or CR; a byte order mark has no column. */
export class LineIndex {
  private readonly starts: readonly number[];

  constructor(text: string) {
    const starts = [text.startsWith(byteOrderMark) ? 1 : 0];
    for (const match of text.matchAll(/\r\n|\n|\r/g)) starts.push(match.index + match[0].length);
    this.starts = starts;
  }

  /** The range that starts at `offset`; offsets outside of the text are those of its nearest end. */
  range(offset: number, length: number): TextRange {
    const start = this.position(offset);
    const end = this.position(offset + length);
    return { offset, length, ...start, endLine: end.line, endColumn: end.column };
  }

  private position(offset: number): { readonly line: number; readonly column: number } {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: Math.max(0, offset - (this.starts[low] ?? 0)) + 1 };
  }
}
