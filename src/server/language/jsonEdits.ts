import {
  commaAfter,
  endOfLine,
  hasLineBreak,
  indentAt,
  indentUnit,
  lineEnd,
  skipTrivia,
  startOfLine,
} from "./jsonLayout.ts";
import { type JsonNode, memberOf } from "./jsonTree.ts";
import { endOf, type Span, type SpanEdit } from "./textEdits.ts";

/** Edits of JSON texts that touch nothing but what changes: comments, layout and the order of what is there stay. */

/** Another value in place of a node's. @param json the new value as JSON on one line */
export function replaceNode(node: Span, json: string): SpanEdit {
  return { offset: node.offset, length: node.length, text: json };
}

/**
 * Gives a member of an object a value; a new member comes behind the last of `after` that is there, else at the end.
 * @param json the value as JSON on one line
 */
export function setMember(
  text: string,
  object: JsonNode,
  key: string,
  json: string,
  after: readonly string[] = [],
): readonly SpanEdit[] {
  const present = memberOf(object, key);
  if (present) return [replaceNode(present.value, json)];
  const properties = object.children ?? [];
  const keyOf = (property: JsonNode) => String(property.children?.[0]?.value);
  const before = properties.findLastIndex((property) => after.includes(keyOf(property)));
  return insertEntry(text, object, before < 0 ? properties.length : before + 1, `${JSON.stringify(key)}: ${json}`);
}

/**
 * Gives the value at a path; objects on the way are made where they are missing.
 * @param json the value as JSON on one line
 */
export function setPath(text: string, root: JsonNode, path: readonly string[], json: string): readonly SpanEdit[] {
  const [key, ...rest] = path;
  if (key === undefined) return [replaceNode(root, json)];
  const inner = memberOf(root, key)?.value;
  if (rest.length > 0 && inner?.type === "object") return setPath(text, inner, rest, json);
  const unit = indentUnit(text);
  const base = indentAt(text, root.offset) + unit;
  const nested = rest.reduceRight((value, name, depth) => {
    const indent = `\n${base}${unit.repeat(depth + 1)}`;
    return `{${indent}${JSON.stringify(name)}: ${value}\n${base}${unit.repeat(depth)}}`;
  }, json);
  return setMember(text, root, key, nested.replaceAll("\n", lineEnd(text)));
}

/** Puts an entry into an object or list, so that it becomes its `index`-th. @param entry JSON, of a member with its key */
export function insertEntry(text: string, container: JsonNode, index: number, entry: string): readonly SpanEdit[] {
  const entries = container.children ?? [];
  const first = entries[0];
  if (!first) {
    const [open, close] = container.type === "object" ? ["{ ", " }"] : ["[", "]"];
    return [replaceNode(container, `${open}${entry}${close}`)];
  }
  const spread = hasLineBreak(text, container.offset, first.offset);
  const previous = entries[index - 1];
  if (!previous) {
    const gap = spread ? lineEnd(text) + indentAt(text, first.offset) : " ";
    return [{ offset: first.offset, length: 0, text: `${entry},${gap}` }];
  }
  if (!spread) return [{ offset: endOf(previous), length: 0, text: `, ${entry}` }];
  // Behind the whole line, so that a comment at its end stays with what it is about.
  const comma = commaAfter(text, endOf(previous));
  const at = endOfLine(text, comma ?? endOf(previous));
  const line = `${lineEnd(text)}${indentAt(text, previous.offset)}${entry}`;
  if (comma !== undefined) {
    const isLast = index >= entries.length;
    const sameLine = !isLast && !hasLineBreak(text, comma, (entries[index] as JsonNode).offset);
    if (sameLine) return [{ offset: comma + 1, length: 0, text: ` ${entry},` }];
    return [{ offset: at, length: 0, text: `${line},` }];
  }
  if (at === endOf(previous)) return [{ offset: at, length: 0, text: `,${line}` }];
  return [
    { offset: endOf(previous), length: 0, text: "," },
    { offset: at, length: 0, text: line },
  ];
}

/** Takes a member out of an object; nothing where there is none. */
export function removeMember(text: string, object: JsonNode, key: string): readonly SpanEdit[] {
  const index = (object.children ?? []).findLastIndex((property) => property.children?.[0]?.value === key);
  return index < 0 ? [] : removeEntry(text, object, index);
}

/** Takes the `index`-th entry out of an object or list: whole lines where it has them for itself. */
export function removeEntry(text: string, container: JsonNode, index: number): readonly SpanEdit[] {
  const entries = container.children ?? [];
  const entry = entries[index] as JsonNode;
  const next = entries[index + 1];
  const previous = entries[index - 1];
  const comma = commaAfter(text, endOf(entry));
  const lineStart = startOfLine(text, entry.offset);
  const restStart = comma === undefined ? endOf(entry) : comma + 1;
  const lineStop = endOfLine(text, restStart);
  const alone =
    text.slice(lineStart, entry.offset).trim() === "" && skipTrivia(text, restStart) >= lineStop && lineStart > 0;
  if (alone) {
    const lines = { offset: lineStart, length: afterLineEnd(text, lineStop) - lineStart, text: "" };
    // The entry before it is the last one now, and ends without a comma as this one did.
    const dangling = !next && comma === undefined && previous ? commaAfter(text, endOf(previous)) : undefined;
    return dangling === undefined ? [lines] : [{ offset: dangling, length: 1, text: "" }, lines];
  }
  if (previous) return [cut(commaAfter(text, endOf(previous)) ?? endOf(previous), endOf(entry))];
  return [next ? cut(entry.offset, next.offset) : cut(entry.offset, restStart)];
}

function cut(from: number, to: number): SpanEdit {
  return { offset: from, length: to - from, text: "" };
}

function afterLineEnd(text: string, at: number): number {
  return text.startsWith("\r\n", at) ? at + 2 : Math.min(at + 1, text.length);
}
