import { byteOrderMark } from "../../core/hardware/textRange.ts";
import { skipTrivia } from "./jsonLayout.ts";
import type { Span } from "./textEdits.ts";

/** A member of the outermost object of a text. */
export interface OutlineMember {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: Span;
}

/**
 * The members of a text's outermost object, in order, and where they are; as far as they can be told where the text is broken. A tree of
 * a plan of thousands of layers takes tenths of a second; this takes hundredths, and the parts that matter are parsed alone.
 */
export function membersOf(text: string): readonly OutlineMember[] {
  const members: OutlineMember[] = [];
  let at = skipTrivia(text, text.startsWith(byteOrderMark) ? 1 : 0);
  if (text[at] !== "{") return members;
  at = skipTrivia(text, at + 1);
  while (text[at] === '"') {
    const keySpan = { offset: at, length: endOfString(text, at) - at };
    at = skipTrivia(text, at + keySpan.length);
    if (text[at] !== ":") break;
    const start = skipTrivia(text, at + 1);
    const end = endOfValue(text, start);
    members.push({ key: keyOf(text, keySpan), keySpan, value: { offset: start, length: end - start } });
    at = afterComma(text, end);
  }
  return members;
}

/** The items of a list, in order. @param list from its opening bracket on */
export function itemsOf(text: string, list: Span): readonly Span[] {
  const items: Span[] = [];
  if (text[list.offset] !== "[") return items;
  const stop = list.offset + list.length;
  let at = skipTrivia(text, list.offset + 1);
  while (at < stop && text[at] !== "]") {
    const end = endOfValue(text, at);
    // What is no value, a lone bracket say, would stand here for ever.
    if (end <= at) break;
    items.push({ offset: at, length: end - at });
    at = afterComma(text, end);
  }
  return items;
}

function afterComma(text: string, end: number): number {
  const next = skipTrivia(text, end);
  return text[next] === "," ? skipTrivia(text, next + 1) : next;
}

function keyOf(text: string, { offset, length }: Span): string {
  try {
    return String(JSON.parse(text.slice(offset, offset + length)));
  } catch {
    return "";
  }
}

const quote = 0x22;
const slash = 0x2f;
const backslash = 0x5c;

/** The offset behind the value that starts at `at`: brackets are counted, and nothing else is checked. */
function endOfValue(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; ) {
    switch (text.charCodeAt(i)) {
      case quote:
        i = endOfString(text, i);
        if (depth === 0) return i;
        break;
      case slash:
        i = Math.max(skipTrivia(text, i), i + 1);
        break;
      case 0x7b: // {
      case 0x5b: // [
        depth++;
        i++;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        if (depth === 0) return i;
        depth--;
        i++;
        if (depth === 0) return i;
        break;
      default:
        // A number or word ends where something else begins.
        if (depth === 0) {
          const word = /[^\s,:{}[\]"/]+/y;
          word.lastIndex = i;
          return i + (word.exec(text)?.[0].length ?? 0);
        }
        i++;
    }
  }
  return text.length;
}

/** Behind the closing quote; of a string that is not closed, the end of its line. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === backslash) at++;
    else if (code === quote) return at + 1;
    else if (code === 0x0a || code === 0x0d) return at;
  }
  return text.length;
}
