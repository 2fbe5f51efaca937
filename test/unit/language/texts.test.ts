import { describe, expect, it } from "vitest";
import { strictJson } from "../../../src/core/hardware/strictJson.ts";
import type { BudgetUse } from "../../../src/core/plan/types.ts";
import { accuracyWords } from "../../../src/server/language/accuracyText.ts";
import { budgetHint, maxHintLength } from "../../../src/server/language/budgetText.ts";
import { itemsOf, membersOf } from "../../../src/server/language/jsonOutline.ts";
import { jsonTree, memberOf } from "../../../src/server/language/jsonTree.ts";
import { commandLink, escapeMarkdown } from "../../../src/server/language/markdown.ts";
import { differenceOf } from "../../../src/server/language/textEdits.ts";

describe("strict JSON", () => {
  const depth = 8;

  it("is read as JSON.parse reads it", () => {
    const text = '{ "a": [1, { "b": "x: \\" {" }], "__proto__": 2, "c\\u0041": null }';
    expect(strictJson(text, depth)).toEqual({ value: JSON.parse(text) });
  });

  it("is not what a person may write besides: comments, trailing commas", () => {
    expect(strictJson('{ "a": 1 } // a', depth)).toBeUndefined();
    expect(strictJson("[1,]", depth)).toBeUndefined();
  });

  it("has no key twice, however it is spelled, in any object", () => {
    expect(strictJson('{ "a": 1, "a": 2 }', depth)).toBeUndefined();
    expect(strictJson('[{ "b": { "A": 1, "\\u0041": 2 } }]', depth)).toBeUndefined();
    expect(strictJson('{ "a": { "a": 1 }, "b": ["a", "a"] }', depth)).toBeDefined();
  });

  it("is nested no deeper than is allowed", () => {
    expect(strictJson("[".repeat(9) + "]".repeat(9), depth)).toBeUndefined();
    expect(strictJson("[".repeat(8) + "]".repeat(8), depth)).toBeDefined();
  });
});

describe("the outline of a text", () => {
  const text =
    '\ufeff{ // a "comment": {\r\n  "na\\u006de": "x, ] }", /* { */ "list" : [ { "a": [1, 2] }, "b,c", -1.5e3,],\r\n  "last": true\r\n}';

  it("has the members and items where the tree has them", () => {
    const tree = jsonTree(text);
    const members = membersOf(text);
    expect(members.map(({ key }) => key)).toEqual(["name", "list", "last"]);
    for (const { key, keySpan, value } of members) {
      const node = memberOf(tree, key);
      expect([keySpan, value]).toEqual(
        [node?.key, node?.value].map((each) => ({ offset: each?.offset, length: each?.length })),
      );
    }
    const list = memberOf(tree, "list")?.value;
    const items = list?.children?.map(({ offset, length }) => ({ offset, length }));
    expect(itemsOf(text, list ?? { offset: 0, length: 0 })).toEqual(items);
  });

  it("goes as far as it can in a text that is broken", () => {
    expect(membersOf('{ "a": 1, "b": [1, 2').map(({ key }) => key)).toEqual(["a", "b"]);
    expect(membersOf('{ "a": "open\n, "b": 1 }').map(({ key }) => key)).toEqual(["a", "b"]);
    expect(membersOf('{ "a" 1 }')).toEqual([]);
    expect(membersOf("]")).toEqual([]);
    expect(membersOf("")).toEqual([]);
  });

  it("ends on any broken text", () => {
    const whole = '{ "a": [ { "b": "c" }, [1] ], /* d */ "e": { } }';
    for (let cut = 0; cut <= whole.length; cut++) {
      for (const broken of [whole.slice(0, cut), whole.slice(cut), `${whole.slice(0, cut)}]${whole.slice(cut)}`]) {
        for (const { value } of membersOf(broken)) itemsOf(broken, value);
      }
    }
  });
});

describe("use against budget", () => {
  const kib = (use: number, limit: number): BudgetUse => ({
    name: "weightMemory",
    unit: "B",
    use: use * 1024,
    limit: limit * 1024,
  });

  it("reads as in the design", () => {
    expect(budgetHint(kib(31.2, 32))).toBe("31.2 of 32 KiB, 0.8 left");
    expect(budgetHint(kib(24, 40))).toBe("24.0 of 40 KiB, 16.0 left");
    expect(budgetHint({ name: "latency", unit: "s", use: 3.65e-3, limit: 0.5e-3 })).toBe("3.65 of 0.5 ms, 3.15 over");
    expect(budgetHint({ name: "energy", unit: "J", use: 206e-6, limit: 250e-6 })).toBe("206 of 250 µJ, 44 left");
    expect(budgetHint({ name: "bops", unit: "bitops", use: 358e6, limit: 400e6 })).toBe("358 of 400 M, 42 left");
  });

  it("gets a decimal where rounding would hide an overrun, or make one", () => {
    expect(budgetHint(kib(32.01, 32))).toBe("32.01 of 32 KiB, 0.01 over");
    expect(budgetHint(kib(31.98, 31.98))).toBe("31.98 of 31.98 KiB, 0.00 left");
  });

  it("says nothing of what is unknown or unlimited", () => {
    expect(budgetHint({ name: "latency", unit: "s", limit: 1 })).toBeUndefined();
    expect(budgetHint({ name: "latency", unit: "s", use: 1 })).toBeUndefined();
  });

  it("stays short", () => {
    for (const use of [1e-9, 0.1234567, 1, 999.95, 12_345.678, 9_999_999]) {
      for (const limit of [1e-6, 0.5, 1000, 123_456.78, 1e7]) {
        const hints = [
          budgetHint(kib(use, limit)),
          budgetHint({ name: "latency", unit: "s", use: use / 1e3, limit: limit / 1e3 }),
          budgetHint({ name: "bops", unit: "bitops", use: use * 1e6, limit: limit * 1e6 }),
        ];
        for (const hint of hints) expect(hint?.length, hint).toBeLessThanOrEqual(maxHintLength);
      }
    }
  });
});

describe("words of accuracy", () => {
  const top1 = { metric: "top1", float: 0.933, quantized: 0.929, samples: 2000, how: "measured" } as const;

  it("say how it was got", () => {
    expect(accuracyWords(top1)).toBe("−0.4 points (measured)");
    expect(accuracyWords({ ...top1, how: "expected" })).toBe("−0.4 points (expected)");
    expect(accuracyWords(undefined)).toBe("accuracy unknown");
    expect(accuracyWords({ ...top1, metric: "agreement", float: 1, quantized: 0.965 })).toBe(
      "96.5 % agreement with float (measured)",
    );
  });

  it("promise nothing from made-up samples", () => {
    expect(accuracyWords({ ...top1, synthetic: true })).toContain("~");
  });
});

describe("Markdown", () => {
  it("takes names out of strangers' files as text", () => {
    const escaped = escapeMarkdown("[a](command:x) <b> *c* `d` | e\n# f $(zap)");
    expect(escaped).not.toMatch(/(?<!\\)[[\]()<>*`|#$]/);
    expect(escaped).not.toContain("\n");
  });

  it("links to a command with one argument, whatever is in it", () => {
    const link = commandLink("Show", "sigmaquant.showLayer", { layer: 'a) "b" %20(c' });
    const [, query] = /^\[Show\]\(command:sigmaquant\.showLayer\?([^()\s]*)\)$/.exec(link) ?? [];
    expect(JSON.parse(decodeURIComponent(query ?? ""))).toEqual([{ layer: 'a) "b" %20(c' }]);
  });
});

describe("the difference of two texts", () => {
  it("is what lies between their common start and end", () => {
    expect(differenceOf("abcabc", "abc-abc")).toEqual([{ offset: 3, length: 0, text: "-" }]);
    expect(differenceOf("aaa", "aa")).toEqual([{ offset: 2, length: 1, text: "" }]);
    expect(differenceOf("a", "a")).toEqual([]);
  });
});
