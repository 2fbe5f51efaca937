import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { strictJson } from "./strictJson.ts";
import { byteOrderMark, LineIndex, type TextRange } from "./textRange.ts";

export type JsonPath = readonly (string | number)[];

/** Something in the text that is no JSON, or more of it than is read. */
export interface JsonTextIssue {
  readonly kind: "syntax" | "duplicate" | "too-large";
  readonly message: string;
  readonly remedy: string;
  readonly path: JsonPath;
  readonly range: TextRange;
}

/** JSON with comments, read with its positions. */
export interface JsonText {
  /** Plain data. What could be read when `issues` has a syntax error; undefined if nothing. */
  readonly value: unknown;
  readonly issues: readonly JsonTextIssue[];
  /** Range of the value at a path, or of the key that names it; undefined when the text does not have it. */
  locate(path: JsonPath, part?: "value" | "key"): TextRange | undefined;
  /** Path of the innermost value or key at an offset; [] when there is none. */
  pathAt(offset: number): JsonPath;
  range(offset: number, length: number): TextRange;
}

/** Nesting of a hardware profile is 3, of a plan 5; 32 leaves room, and stops texts of brackets before the parser recurses. */
const maxDepth = 32;

/** What jsonc-parser's codes mean for a person. */
const syntaxMessages: Readonly<Record<string, string>> = {
  InvalidSymbol: "This is no JSON value",
  InvalidNumberFormat: "This number is not complete",
  PropertyNameExpected: "A property name in double quotes is expected",
  ValueExpected: "A value is expected",
  ColonExpected: 'A ":" is expected after the property name',
  CommaExpected: 'A "," is expected between two entries',
  CloseBraceExpected: 'A closing "}" is missing',
  CloseBracketExpected: 'A closing "]" is missing',
  EndOfFileExpected: "There is text after the end of the JSON value",
  UnexpectedEndOfComment: 'The comment has no closing "*/"',
  UnexpectedEndOfString: "The string has no closing quote",
  InvalidUnicode: "The string has an invalid \\u escape",
  InvalidEscapeCharacter: "The string has an invalid escape",
  InvalidCharacter: "The string has a control character",
};

/**
 * Reads JSON that may have comments, trailing commas, a byte order mark and any line ends. Never throws.
 *
 * @param maxLength longest text that is read, UTF-16 units; a longer one is an issue and has no value
 */
export function parseJsonText(text: string, maxLength: number): JsonText {
  const lines = new LineIndex(text);
  const shift = text.startsWith(byteOrderMark) ? 1 : 0;
  // The parser takes a mark for an invalid symbol; a space keeps all offsets as they are in the text.
  const json = shift === 1 ? ` ${text.slice(1)}` : text;
  const range = (offset: number, length: number): TextRange => lines.range(offset, length);
  const strict = json.length <= maxLength ? strictJson(json, maxDepth) : undefined;
  if (strict) {
    // The tree takes most of the time, and most readers of a text without issues ask for no position.
    let root: Node | undefined;
    return { value: strict.value, issues: [], range, ...positions(() => (root ??= parseTree(json)), range) };
  }
  const refused = limitIssue(json, maxLength, range);
  const errors: ParseError[] = [];
  const root = refused ? undefined : parseTree(json, errors, { allowTrailingComma: true });

  const issues: JsonTextIssue[] = refused ? [refused] : [];
  // Only the first: the rest of a broken text follows from it.
  const first = errors[0];
  if (first) issues.push(syntaxIssue(first, range));
  if (root) collectDuplicates(root, [], range, issues);
  return {
    value: root && plainValue(root),
    issues,
    range,
    ...positions(() => root, range),
  };
}

function positions(
  tree: () => Node | undefined,
  range: (offset: number, length: number) => TextRange,
): Pick<JsonText, "locate" | "pathAt"> {
  return {
    locate: (path, part = "value") => {
      const root = tree();
      const found = root && find(root, path);
      const node = part === "key" && found?.parent?.type === "property" ? found.parent.children?.[0] : found;
      return node && range(node.offset, node.length);
    },
    pathAt: (offset) => {
      const root = tree();
      return root ? innermost(root, offset, []) : [];
    },
  };
}

function limitIssue(
  json: string,
  maxLength: number,
  range: (offset: number, length: number) => TextRange,
): JsonTextIssue | undefined {
  const issue = (message: string, remedy: string, offset: number): JsonTextIssue => ({
    kind: "too-large",
    message,
    remedy,
    path: [],
    range: range(offset, 1),
  });
  if (json.length > maxLength) {
    return issue(
      `The file has ${json.length} characters, more than the ${maxLength} that are read`,
      "Check that this is the right file.",
      0,
    );
  }
  const tooDeep = tooDeepAt(json);
  if (tooDeep !== undefined) {
    return issue(`Values are nested more than ${maxDepth} deep`, "Check that this is the right file.", tooDeep);
  }
  return undefined;
}

/** Where a JSON text is nested deeper than is read, as parsers recurse; undefined where it is not. Comments and strings are passed over. */
export function tooDeepAt(json: string): number | undefined {
  const scanner = createScanner(json, true);
  let depth = 0;
  while (scanner.getPosition() < json.length) {
    scanner.scan();
    const character = scanner.getTokenLength() === 1 ? json[scanner.getTokenOffset()] : undefined;
    if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") depth -= 1;
    if (depth > maxDepth) return scanner.getTokenOffset();
  }
  return undefined;
}

function syntaxIssue(error: ParseError, range: (offset: number, length: number) => TextRange): JsonTextIssue {
  return {
    kind: "syntax",
    message: syntaxMessages[printParseErrorCode(error.error)] ?? "This is no valid JSON",
    remedy: "Correct the JSON here; comments and trailing commas are allowed.",
    path: [],
    range: range(error.offset, error.length),
  };
}

/** Object.fromEntries defines keys, so that one named __proto__ is data like any other; of equal keys the last counts. */
function plainValue(node: Node): unknown {
  if (node.type === "array") return (node.children ?? []).map(plainValue);
  if (node.type !== "object") return node.value;
  return Object.fromEntries(
    (node.children ?? []).flatMap(({ children: [key, value] = [] }) =>
      key && value ? [[key.value, plainValue(value)]] : [],
    ),
  );
}

function collectDuplicates(
  node: Node,
  path: JsonPath,
  range: (offset: number, length: number) => TextRange,
  into: JsonTextIssue[],
): void {
  const seen = new Set<unknown>();
  for (const [index, child] of (node.children ?? []).entries()) {
    if (node.type !== "object") {
      collectDuplicates(child, [...path, index], range, into);
      continue;
    }
    const [key, value] = child.children ?? [];
    if (!key) continue;
    const childPath = [...path, String(key.value)];
    if (seen.has(key.value)) {
      into.push({
        kind: "duplicate",
        message: `${JSON.stringify(key.value)} is there twice`,
        remedy: "Remove one of the two.",
        path: childPath,
        range: range(key.offset, key.length),
      });
    }
    seen.add(key.value);
    if (value) collectDuplicates(value, childPath, range, into);
  }
}

/** Of equal keys the last, as in the value. */
function find(root: Node, path: JsonPath): Node | undefined {
  let node: Node | undefined = root;
  for (const segment of path) {
    if (typeof segment === "number") node = node?.type === "array" ? node.children?.[segment] : undefined;
    else {
      const properties: readonly Node[] = node?.type === "object" ? (node.children ?? []) : [];
      node = properties.findLast((property) => property.children?.[0]?.value === segment)?.children?.[1];
    }
  }
  return node;
}

function innermost(node: Node, offset: number, path: JsonPath): JsonPath {
  for (const [index, child] of (node.children ?? []).entries()) {
    if (offset < child.offset || offset >= child.offset + child.length) continue;
    if (node.type === "array") return innermost(child, offset, [...path, index]);
    const [key, value] = child.children ?? [];
    const childPath = [...path, String(key?.value)];
    return value ? innermost(value, offset, childPath) : childPath;
  }
  return path;
}
