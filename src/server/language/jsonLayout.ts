/** Where the line of an offset ends, without its line end. */
export function endOfLine(text: string, offset: number): number {
  let end = offset;
  while (end < text.length && text[end] !== "\n" && text[end] !== "\r") end++;
  return end;
}

/** Where the line of an offset starts. */
export function startOfLine(text: string, offset: number): number {
  // Step by step: a search for a line end that the text has nowhere would go through all of it each time.
  let start = offset;
  while (start > 0 && text[start - 1] !== "\n" && text[start - 1] !== "\r") start--;
  return start;
}

/** The white space before the first character of the line of an offset. */
export function indentAt(text: string, offset: number): string {
  const start = startOfLine(text, offset);
  return /^[ \t]*/.exec(text.slice(start, endOfLine(text, start)))?.[0] ?? "";
}

/** One level of indentation, as the text has it. */
export function indentUnit(text: string): string {
  return /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ";
}

export function lineEnd(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

export function hasLineBreak(text: string, from: number, to: number): boolean {
  return /[\r\n]/.test(text.slice(from, to));
}

/** Offset of what comes next after white space and comments. */
export function skipTrivia(text: string, offset: number): number {
  const trivia = /(?:\s+|\/\/[^\r\n]*|\/\*[\s\S]*?(?:\*\/|$))*/y;
  trivia.lastIndex = offset;
  return offset + (trivia.exec(text)?.[0].length ?? 0);
}

/** Offset of the comma after an entry that ends at `offset`; undefined without one. */
export function commaAfter(text: string, offset: number): number | undefined {
  const next = skipTrivia(text, offset);
  return text[next] === "," ? next : undefined;
}

/** A text with the line ends of another. */
export function withLineEnds(text: string, like: string): string {
  return text.replaceAll("\n", lineEnd(like));
}
