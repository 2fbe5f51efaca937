/** A piece of a text; offset and length count UTF-16 units. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** A piece of a text and what takes its place; of length 0 it is an insertion. */
export interface SpanEdit extends Span {
  readonly text: string;
}

export function endOf({ offset, length }: Span): number {
  return offset + length;
}

/** Whether two pieces have something in common; an empty one at the border of another counts. */
export function touches(a: Span, b: Span): boolean {
  return a.offset <= endOf(b) && b.offset <= endOf(a);
}

/**
 * The text with all edits applied, none of which overlap. Of two at the same place the insertion comes first, as in LSP.
 * @throws Error for edits that overlap
 */
export function applySpanEdits(text: string, edits: readonly SpanEdit[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.offset - b.offset || a.length - b.length)) {
    if (edit.offset < at) throw new Error(`edits overlap at ${edit.offset}`);
    parts.push(text.slice(at, edit.offset), edit.text);
    at = endOf(edit);
  }
  return parts.join("") + text.slice(at);
}

/** What turns one text into another, as one edit of what lies between their common start and end; none where they are equal. */
export function differenceOf(before: string, after: string): readonly SpanEdit[] {
  if (before === after) return [];
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before[start] === after[start]) start++;
  let end = 0;
  while (end < most - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  return [{ offset: start, length: before.length - start - end, text: after.slice(start, after.length - end) }];
}
