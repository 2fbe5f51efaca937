import { describe, expect, it } from "vitest";
import { insertEntry, removeEntry, removeMember, setMember, setPath } from "../../../src/server/language/jsonEdits.ts";
import { type JsonNode, jsonTree, valueAt } from "../../../src/server/language/jsonTree.ts";
import { applySpanEdits, type SpanEdit } from "../../../src/server/language/textEdits.ts";

type Edit = (text: string, node: JsonNode) => readonly SpanEdit[];

function edited(text: string, path: readonly (string | number)[], edit: Edit): string {
  return applySpanEdits(text, edit(text, valueAt(jsonTree(text), path) as JsonNode));
}

const set =
  (key: string, json: string, after?: readonly string[]): Edit =>
  (text, node) =>
    setMember(text, node, key, json, after);
const without =
  (key: string): Edit =>
  (text, node) =>
    removeMember(text, node, key);

describe("a member of an object", () => {
  it("gets its new value in place, with what stands around it", () => {
    expect(edited('{ /* a */ "a" : 1 /* b */ }', [], set("a", "2"))).toBe('{ /* a */ "a" : 2 /* b */ }');
  });

  it("comes behind the one that it belongs to, on the same line", () => {
    const text = '[{ "name": "a", "bits": 4, "bytes": 9 }]';
    expect(edited(text, [0], set("pinned", "true", ["bits"]))).toBe(
      '[{ "name": "a", "bits": 4, "pinned": true, "bytes": 9 }]',
    );
  });

  it("gets a line of its own where the others have one, and leaves their comments where they are", () => {
    const text = '{\n  "a": 1, // first\n  "b": 2 // last\n}\n';
    expect(edited(text, [], set("c", "3"))).toBe('{\n  "a": 1, // first\n  "b": 2, // last\n  "c": 3\n}\n');
    expect(edited(text, [], set("c", "3", ["a"]))).toBe('{\n  "a": 1, // first\n  "c": 3,\n  "b": 2 // last\n}\n');
  });

  it("keeps a trailing comma trailing", () => {
    expect(edited('{\n  "a": 1,\n}', [], set("b", "2"))).toBe('{\n  "a": 1,\n  "b": 2,\n}');
  });

  it("is put into an empty object", () => {
    expect(edited('{ "a": {} }', ["a"], set("b", "2"))).toBe('{ "a": { "b": 2 } }');
  });

  it("keeps the line ends of the text", () => {
    expect(edited('{\r\n\t"a": 1\r\n}', [], set("b", "2"))).toBe('{\r\n\t"a": 1,\r\n\t"b": 2\r\n}');
  });
});

describe("a path that is not there yet", () => {
  const path: Edit = (text, node) => setPath(text, node, ["budgets", "latencyMs"], "5");

  it("is made, indented as the text is", () => {
    expect(edited('{\n    "name": "a"\n}\n', [], path)).toBe(
      '{\n    "name": "a",\n    "budgets": {\n        "latencyMs": 5\n    }\n}\n',
    );
  });

  it("goes into the object that is there", () => {
    const text = '{ "budgets": { "bopsM": 1 } }';
    expect(edited(text, [], path)).toBe('{ "budgets": { "bopsM": 1, "latencyMs": 5 } }');
  });
});

describe("a removed entry", () => {
  it("takes its line with it, and the comma that would dangle", () => {
    const text = '{\n  "a": 1, // stays\n  "b": 2\n}\n';
    expect(edited(text, [], without("b"))).toBe('{\n  "a": 1 // stays\n}\n');
    expect(edited(text, [], without("a"))).toBe('{\n  "b": 2\n}\n');
  });

  it("on a line with others takes only its own comma", () => {
    const item =
      (index: number): Edit =>
      (text, node) =>
        removeEntry(text, node, index);
    expect(edited("[2, 4, 4, 8]", [], item(2))).toBe("[2, 4, 8]");
    expect(edited("[2, 4, 8]", [], item(0))).toBe("[4, 8]");
    expect(edited("[2, 4, 8]", [], item(2))).toBe("[2, 4]");
    expect(edited("[2]", [], item(0))).toBe("[]");
  });

  it("of two with the same key is the one that counts", () => {
    expect(edited('{ "a": 1, "a": 2 }', [], without("a"))).toBe('{ "a": 1 }');
  });

  it("that is not there changes nothing", () => {
    expect(edited("{}", [], without("a"))).toBe("{}");
  });
});

describe("an entry put into a list", () => {
  const insert =
    (index: number): Edit =>
    (text, node) =>
      insertEntry(text, node, index, "3");

  it("stands at its place", () => {
    expect(edited("[2, 4]", [], insert(0))).toBe("[3, 2, 4]");
    expect(edited("[2, 4]", [], insert(1))).toBe("[2, 3, 4]");
    expect(edited("[2, 4]", [], insert(2))).toBe("[2, 4, 3]");
    expect(edited("[]", [], insert(0))).toBe("[3]");
    expect(edited("[\n  2,\n  4\n]", [], insert(0))).toBe("[\n  3,\n  2,\n  4\n]");
    expect(edited("[\n  2,\n  4\n]", [], insert(1))).toBe("[\n  2,\n  3,\n  4\n]");
  });
});

describe("edits", () => {
  it("that overlap are refused", () => {
    const overlapping = [
      { offset: 0, length: 2, text: "" },
      { offset: 1, length: 1, text: "" },
    ];
    expect(() => applySpanEdits("abc", overlapping)).toThrow("overlap");
  });

  it("leave a byte order mark where it is", () => {
    expect(edited('\ufeff{ "a": 1 }', [], set("a", "2"))).toBe('\ufeff{ "a": 2 }');
  });
});
