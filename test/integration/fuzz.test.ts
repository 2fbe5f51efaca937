import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import * as esbuild from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { besideBuild, nodeBuild } from "../../esbuild.mjs";
import { root } from "../../scripts/lib/run.mjs";
import { random } from "../../src/core/data/random.ts";
import { allKinds, kindOf } from "../support/fuzz/allKinds.ts";
import { type FuzzReport, fuzz } from "../support/fuzz/run.ts";
import { outcome } from "../support/fuzz/worker.ts";

/** The bench runs fifty times as many (bench/fuzz/main.ts). */
const cases = 2000;
const found = path.join(root, "test/fixtures/fuzz");

describe("files of strangers", () => {
  let folder = "";
  beforeAll(async () => {
    mkdirSync(path.join(root, "dist-test"), { recursive: true });
    folder = mkdtempSync(path.join(root, "dist-test/fuzz-"));
    const options = nodeBuild({ outdir: folder });
    await esbuild.build({ ...options, entryPoints: { fuzz: path.join(root, "test/support/fuzz/main.ts") } });
    await esbuild.build(besideBuild({ outdir: folder }));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it(`are taken or refused with a code, in bounded time and memory: ${cases} mutated ones`, async () => {
    const report = await fuzz({ program: path.join(folder, "fuzz.cjs"), seed: 2, cases });
    expect(report.findings).toEqual([]);
    expect(report.cases).toBe(cases);
    // Mutations that are all refused at once, or never, would find nothing.
    for (const { name, share } of allKinds) {
      const { taken, refused } = totals(report, name);
      expect(taken + refused, name).toBe((cases * share) / 100);
      expect(taken, name).toBeGreaterThan(0);
    }
    expect(totals(report).refused).toBeGreaterThan(cases / 4);
  });

  it.each(readdirSync(found, { recursive: true, encoding: "utf8" }).filter((name) => path.extname(name) !== ""))(
    "that once broke the program are taken or refused with a code: %s",
    async (name) => {
      const kind = allKinds.find((each) => each.name === path.dirname(name));
      const opened = await kind?.open();
      if (!opened) throw new Error(`${path.dirname(name)} is no kind of file`);
      try {
        expect(await outcome(opened, Uint8Array.from(readFileSync(path.join(found, name))))).not.toHaveProperty(
          "problem",
        );
      } finally {
        opened.close?.();
      }
    },
  );
});

describe("the fuzzer", () => {
  it("makes the same files from the same seed, and others from another", async () => {
    for (const kind of allKinds.filter(({ name }) => name !== "models")) {
      const opened = await kind.open();
      const made = (seed: number) =>
        Array.from({ length: 20 }, (_, i) => Buffer.from(opened.make(random(seed, i))).toString("base64"));
      expect(made(1), kind.name).toEqual(made(1));
      expect(made(1), kind.name).not.toEqual(made(2));
      opened.close?.();
    }
  });

  it("gives every kind its share of a hundred cases", () => {
    const numbers = Array.from({ length: 100 }, (_, i) => kindOf(i).name);
    for (const { name, share } of allKinds) expect(numbers.filter((each) => each === name).length).toBe(share);
  });
});

function totals({ counts }: FuzzReport, kind?: string): { readonly taken: number; readonly refused: number } {
  const rows = Object.entries(counts).filter(([name]) => kind === undefined || name === kind);
  const sum = (wanted: boolean) =>
    rows
      .flatMap(([, codes]) => Object.entries(codes))
      .filter(([code]) => (code === "") === wanted)
      .reduce((all, [, count]) => all + count, 0);
  return { taken: sum(true), refused: sum(false) };
}
