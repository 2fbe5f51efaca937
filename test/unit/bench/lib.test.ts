import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { withFigures } from "../../../bench/lib/document.ts";
import { machine } from "../../../bench/lib/machine.ts";
import { withScratch } from "../../../bench/lib/scratch.ts";
import { figuresTable, megabytes, millis } from "../../../bench/lib/table.ts";
import { bestOf, median } from "../../../bench/lib/timing.ts";
import { root } from "../../../scripts/lib/run.mjs";

describe("the document of the figures", () => {
  const document = readFileSync(path.join(root, "docs/performance.md"), "utf8");

  it("has a place for them, and keeps the text around it", () => {
    const written = withFigures(document, "FIGURES");
    expect(written).toContain("\n\nFIGURES\n\n");
    const [before = "", after = ""] = written.split("\n\nFIGURES\n\n");
    expect(document.startsWith(before)).toBe(true);
    expect(document.endsWith(after)).toBe(true);
  });

  it("has the newest figures in place of those before, not beside them", () => {
    expect(withFigures(withFigures(document, "old"), "new")).toBe(withFigures(document, "new"));
  });

  it("is left alone where the marks are gone or doubled", () => {
    expect(() => withFigures("# Performance\n", "figures")).toThrow("needs one line");
    expect(() => withFigures(`${document}${document}`, "figures")).toThrow("needs one line");
  });
});

describe("the table of the figures", () => {
  it("has a line for each, and tells those that are not met from the others", () => {
    const rows = [
      { what: "a | b", bar: "1 s", measured: "2 s", met: false },
      { what: "c", bar: "1 s", measured: "0.5 s", met: true },
    ];
    expect(figuresTable(rows).split("\n").slice(2)).toEqual([
      "| a \\| b | 1 s | 2 s | **no** |",
      "| c | 1 s | 0.5 s | yes |",
    ]);
  });

  it("says times and sizes with as many figures as they deserve", () => {
    expect([0.04, 7.26, 310.4, 2444, 25_010].map(millis)).toEqual(["0.0 ms", "7.3 ms", "310 ms", "2.44 s", "25.0 s"]);
    expect([300, 3_236_742, 144_400_000].map(megabytes)).toEqual(["0.0 MB", "3.2 MB", "144 MB"]);
  });

  it("says on which machine and day they were got", () => {
    const described = machine(new Date("2026-01-31T12:00:00Z"));
    expect(described).toContain(process.versions.node);
    expect(described.endsWith("2026-01-31")).toBe(true);
  });
});

describe("timing", () => {
  it("takes the middle value, of an even number the mean of the middle two", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 9, 2])).toBe(3);
    expect(median([])).toBeNaN();
  });

  it("takes the fastest of several runs, with its value", async () => {
    const pauses = [40, 1, 40];
    const best = await bestOf(3, async () => {
      const pause = pauses.shift() ?? 0;
      await new Promise((resolve) => setTimeout(resolve, pause));
      return pause;
    });
    expect(best.value).toBe(1);
  });
});

describe("a folder for large files", () => {
  it("is gone afterwards, also when the work fails", async () => {
    const folders: string[] = [];
    const note = async (folder: string) => {
      folders.push(folder);
      expect(existsSync(folder)).toBe(true);
      return 1;
    };
    expect(await withScratch(1, note)).toBe(1);
    const failing = withScratch(1, async (folder) => {
      await note(folder);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(folders.map((folder) => existsSync(folder))).toEqual([false, false]);
  });

  it("is refused where the disk has not that much to spare", async () => {
    await expect(withScratch(2 ** 60, async () => {})).rejects.toThrow("TMPDIR");
  });
});
