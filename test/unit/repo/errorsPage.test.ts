import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";
import { modelErrors } from "../../../src/core/onnx/errors.ts";
import { fileErrors } from "../../../src/node/errors.ts";
import { inferenceErrors } from "../../../src/node/ortErrors.ts";
import { type CodeSlug, codesOf, sourceCodes } from "../../support/errorCodes.ts";

interface Entry {
  readonly anchor: string;
  readonly code: string;
  readonly slug: string;
  readonly when: string;
  readonly remedy: string;
}

const page = readFileSync(path.join(root, "docs/errors.md"), "utf8");
const entries: readonly Entry[] = page.split("\n").flatMap((line) => {
  const found = /^\| <a id="([^"]*)"><\/a>(SQ\d{4}) (\S+) \| ([^|]+) \| ([^|]+) \|$/.exec(line);
  if (!found) return [];
  const [, anchor = "", code = "", slug = "", when = "", remedy = ""] = found;
  return [{ anchor, code, slug, when, remedy }];
});
const sources = sourceCodes(root, "src");

/** Codes with several names, and names with several codes. */
function ambiguous(pairs: readonly CodeSlug[]): readonly string[] {
  const several = (names: readonly (readonly [name: string, value: string])[]) =>
    [...new Set(names.map(([name]) => name))].flatMap((name) => {
      const values = new Set(names.filter(([other]) => other === name).map(([, value]) => value));
      return values.size > 1 ? [`${name} is ${[...values].join(" and ")}`] : [];
    });
  return [
    ...several(pairs.map(({ code, slug }) => [code, slug])),
    ...several(pairs.map(({ code, slug }) => [slug, code])),
  ];
}

describe("the page of error codes", () => {
  it("has every code that the sources have, and no other, once", () => {
    const codes = entries.map(({ code }) => code);
    expect([...sources.used].filter((code) => !codes.includes(code))).toEqual([]);
    expect(codes.filter((code) => !sources.used.has(code))).toEqual([]);
    expect(codes.length).toBe(new Set(codes).size);
  });

  it("is all rows that can be read, in order, each with its anchor", () => {
    expect(page.match(/^\| <a/gm)?.length).toBe(entries.length);
    expect(entries.map(({ anchor }) => anchor)).toEqual(entries.map(({ code }) => code.toLowerCase()));
    expect(entries.map(({ code }) => code)).toEqual(entries.map(({ code }) => code).toSorted());
  });

  it("names them as the sources do", () => {
    const named = new Map(sources.slugs.map(({ code, slug }) => [code, slug]));
    expect(entries.filter(({ code, slug }) => named.get(code) !== slug)).toEqual([]);
  });

  it("has a sentence for when each happens and one for what to do", () => {
    for (const { code, when, remedy } of entries) {
      expect(`${code} ${when}`).toMatch(/^SQ\d{4} [A-Z`].*\.$/);
      expect(`${code} ${remedy}`).toMatch(/^SQ\d{4} [A-Z`].*\.$/);
    }
  });

  it.each(Object.entries({ fileErrors, modelErrors, inferenceErrors }))("says what the table %s says", (_, table) => {
    for (const { code, when, remedy } of Object.values(table)) {
      const entry = entries.find((each) => each.code === code);
      expect(entry).toMatchObject({ when, remedy: `${remedy.replace(/\.$/, "")}.` });
    }
  });
});

describe("the codes of the sources", () => {
  it("are found", () => {
    expect(sources.used.size).toBeGreaterThan(100);
    expect([...sources.used].filter((code) => !sources.slugs.some((pair) => pair.code === code))).toEqual([]);
  });

  it("have one name each, which no other has", () => {
    expect(ambiguous(sources.slugs)).toEqual([]);
  });

  it("are those that comments name", () => {
    expect([...sources.named].filter((code) => !sources.used.has(code))).toEqual([]);
  });
});

describe("the search for codes", () => {
  const file = "a.ts";

  it("tells code from comments", () => {
    const found = codesOf('// SQ1001\nthrow f("SQ1002"); /* SQ1003,\n SQ1004 */ const url = "https://a/SQ1005";', file);
    expect([...found.used]).toEqual(["SQ1002", "SQ1005"]);
    expect([...found.named]).toEqual(["SQ1001", "SQ1003", "SQ1004"]);
  });

  it("finds a code with two names, and a name with two codes", () => {
    const text =
      'new SigmaQuantError("SQ1001", "one", m);\nsuper(\n"SQ1001",\n"two");\n{ code: "SQ1002", slug: "one" }';
    expect(ambiguous(codesOf(text, file).slugs)).toEqual(["SQ1001 is one and two", "one is SQ1001 and SQ1002"]);
  });
});
