import { type Node, parseTree } from "jsonc-parser";
import { tooDeepAt } from "../../core/hardware/jsonText.ts";
import { byteOrderMark } from "../../core/hardware/textRange.ts";
import { maxPlanLength } from "../../core/plan/planFile.ts";
import { endOf, type Span } from "./textEdits.ts";

/** A node of a JSON text, as jsonc-parser has it (a member is a "property" of key and value); offsets are those of the whole text. */
export interface JsonNode extends Span {
  readonly type: Node["type"];
  readonly value?: unknown;
  readonly children?: readonly JsonNode[];
}

/**
 * The tree of a text, or of one value in it; what could be read when it is broken. Comments and trailing commas are allowed. Undefined
 * for a text that holds no value, or is nested or long beyond what is read.
 * @param span the value, when it is not the whole text
 */
export function jsonTree(text: string, span: Span = { offset: 0, length: text.length }): JsonNode | undefined {
  const piece = text.slice(span.offset, endOf(span));
  // The parser takes a byte order mark for an invalid symbol; a space keeps all offsets.
  const json = piece.startsWith(byteOrderMark) ? ` ${piece.slice(1)}` : piece;
  if (json.length > maxPlanLength || tooDeepAt(json) !== undefined) return undefined;
  const root = parseTree(json, [], { allowTrailingComma: true });
  return root && span.offset > 0 ? shifted(root, span.offset) : root;
}

function shifted({ type, value, offset, length, children }: Node, by: number): JsonNode {
  return {
    type,
    value,
    offset: offset + by,
    length,
    ...(children && { children: children.map((child) => shifted(child, by)) }),
  };
}

/** Key and value of an object's member; the last of those with the same key, as that one counts. */
export function memberOf(object: JsonNode | undefined, key: string): { key: JsonNode; value: JsonNode } | undefined {
  if (object?.type !== "object") return undefined;
  const property = object.children?.findLast((child) => child.children?.[0]?.value === key);
  const [name, value] = property?.children ?? [];
  return name && value ? { key: name, value } : undefined;
}

/** The value at a path; undefined where the text does not have it. */
export function valueAt(root: JsonNode | undefined, path: readonly (string | number)[]): JsonNode | undefined {
  let node = root;
  for (const segment of path) {
    if (typeof segment === "string") node = memberOf(node, segment)?.value;
    else node = node?.type === "array" ? node.children?.[segment] : undefined;
  }
  return node;
}
