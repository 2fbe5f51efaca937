import { describe, expect, it } from "vitest";
import { classesOf, mixed } from "../../../../src/core/data/images/classes.ts";
import { failure } from "../support.ts";

const labels = (names: readonly string[], classes?: Readonly<Record<string, number>>) => {
  const found = classesOf(names, classes, "set");
  return found.labels && Object.fromEntries(found.labels);
};

describe("folders of images as classes", () => {
  it("are numbered in the order of their names, as torchvision does, and that is said", () => {
    expect(labels(["dog", "Zebra", "cat"])).toEqual({ Zebra: 0, cat: 1, dog: 2 });
    expect(classesOf(["dog", "cat"], undefined, "set").notes.join()).toContain("(0 cat, 1 dog)");
    const many = classesOf(["a", "b", "c", "d", "e", "f", "g"], undefined, "set").notes.join();
    expect(many).toContain("(0 a, 1 b, 2 c, 3 d, 4 e, ... 6 g)");
  });

  it("named by numbers have those, gaps included", () => {
    expect(labels(["10", "9", "2"])).toEqual({ "2": 2, "9": 9, "10": 10 });
    // 1 and 01 would be one class.
    expect(labels(["01", "1"])).toEqual({ "01": 0, "1": 1 });
  });

  it("are numbered as preprocess.json says; others are not used", () => {
    const classes = { cat: 281, dog: 207, __proto__: 3 };
    expect(labels(["cat", "dog"], classes)).toEqual({ cat: 281, dog: 207 });
    const found = classesOf(["cat", "masks"], classes, "set");
    expect(found.unused).toEqual(["masks"]);
    expect(found.notes.join()).toContain("masks");
    expect(labels(["only"], { only: 5 })).toEqual({ only: 5 });
  });

  it("that preprocess.json has under another name are SQ4066, as are those that it has not at all", async () => {
    const error = await failure(() => labels(["cat", "dgo"], { cat: 0, dog: 1 }));
    expect([error.code, error.remedy]).toEqual(["SQ4066", "Did you mean it by dog?"]);
    expect((await failure(() => labels(["one", "two"], { cat: 0 }))).code).toBe("SQ4066");
    expect((await failure(() => labels(["toString"], { cat: 0 }))).code).toBe("SQ4066");
  });

  it("are none where there is one alone", () => {
    const { labels: none, notes } = classesOf(["images"], undefined, "set");
    expect(none).toBeUndefined();
    expect(notes.join()).toContain("no labels");
    expect(labels(["7"])).toEqual({ "7": 7 });
  });
});

describe("the order of samples", () => {
  const groups = [Array.from({ length: 40 }, (_, at) => `a${at}`), Array.from({ length: 20 }, (_, at) => `b${at}`)];
  const order = mixed(groups);

  it("has each of them once, and is the same each time", () => {
    expect([...order].sort()).toEqual(groups.flat().sort());
    expect(mixed(groups)).toEqual(order);
  });

  it("has all classes in any beginning, as far as there are samples", () => {
    const first = order.slice(0, 40);
    expect(first.filter((name) => name.startsWith("a"))).toHaveLength(20);
    expect(first.filter((name) => name.startsWith("b"))).toHaveLength(20);
  });

  it("is not that of the names: a folder may begin with one class, or one scene", () => {
    const [flat = []] = [mixed([groups[0] ?? []])];
    const early = flat.slice(0, 10).filter((name) => Number(name.slice(1)) < 10);
    expect(early.length).toBeLessThan(7);
  });
});
