import { describe, expect, it } from "vitest";
import { readPlanText } from "../../../src/server/language/planText.ts";

const text = `{
  "version": 1, // by hand
  "model": "net.onnx",
  "profile": "preset:generic",
  "layers": [
    { "name": "a", "weightBits": 4 },
    { "weightBits": 8, "name": "b", "pinned": true }, /* { */
    {
      "name": "c",
      "weightBits": null
    }
  ]
}
`;

describe("a plan's text", () => {
  const plan = readPlanText(text);

  it("is read with comments, and completed where a person left figures out", () => {
    expect(plan.problem).toBeUndefined();
    expect(plan.plan?.layers.map(({ name, weightBits, bytes }) => [name, weightBits, bytes])).toEqual([
      ["a", 4, 0],
      ["b", 8, 0],
      ["c", null, 0],
    ]);
  });

  it("has the places of its layers and their members", () => {
    const b = plan.entryOf("b");
    expect(b && text.slice(b.offset, b.offset + b.length)).toBe('{ "weightBits": 8, "name": "b", "pinned": true }');
    const place = b && plan.place(b, "weightBits");
    expect(place && text.slice(place.offset, place.offset + place.length)).toBe("8");
    const absent = b && plan.place(b, "bytes");
    expect(absent?.offset).toBe(b?.offset);
  });

  it("finds a layer by any place on its lines", () => {
    expect(plan.entryAt(text.indexOf('"b"'))?.name).toBe("b");
    expect(plan.entryAt(text.indexOf("/* {"))?.name).toBe("b");
    expect(plan.entryAt(text.indexOf('"weightBits": null'))?.name).toBe("c");
    expect(plan.entryAt(text.indexOf('"model"'))).toBeUndefined();
  });

  it("finds the layers of the lines that a selection touches", () => {
    const from = text.indexOf('"a"');
    const names = plan.entriesIn({ offset: from, length: text.indexOf('"b"') - from }).map(({ name }) => name);
    expect(names).toEqual(["a", "b"]);
  });

  it("reads the same with other line ends and a byte order mark", () => {
    const other = readPlanText(`\ufeff${text.replaceAll("\n", "\r\n")}`);
    expect(other.problem).toBeUndefined();
    expect(other.entries.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    const b = other.entryOf("b");
    expect(b && other.text.slice(b.offset, b.offset + b.length)).toBe(
      '{ "weightBits": 8, "name": "b", "pinned": true }',
    );
  });
});

describe("a text that is no plan", () => {
  const place = (broken: string) => {
    const { problem } = readPlanText(broken);
    return problem && { code: problem.code, at: broken.slice(problem.offset, problem.offset + problem.length) };
  };

  it("is told as JSON that is broken, at the slip", () => {
    expect(place(text.replace('"name": "b",', '"name": "b"'))).toEqual({ code: "SQ5101", at: '"pinned"' });
  });

  it("is told as no plan, at the value", () => {
    expect(place(text.replace('"weightBits": 4', '"weightBits": 9'))).toEqual({ code: "SQ5102", at: "9" });
    expect(place(text.replace('"version": 1', '"version": 2'))).toEqual({ code: "SQ5102", at: "2" });
    expect(place(text.replace('"name": "b"', '"name": "a"'))).toEqual({ code: "SQ5102", at: '"a"' });
    expect(place("[]")).toEqual({ code: "SQ5102", at: "[]" });
    expect(place("")).toMatchObject({ code: "SQ5101" });
  });

  it("still has the places of its layers, for the outline", () => {
    const broken = readPlanText(text.replace('"weightBits": 4', '"weightBits": '));
    expect(broken.plan).toBeUndefined();
    expect(broken.entries.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });
});
