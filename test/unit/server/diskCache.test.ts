import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { utimes } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { DiskCache } from "../../../src/server/diskCache.ts";

const isNumber = (value: unknown): value is number => typeof value === "number";

it("keeps as many values as it may: the longest unused goes, and one that was read counts as used", async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-disk-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const cache = new DiskCache(folder, 2, isNumber);
  await cache.write("one", "1");
  await cache.write("two", "2");
  // Both were used long ago.
  for (const name of readdirSync(folder)) await utimes(path.join(folder, name), 1, 1);
  expect(await cache.read("one")).toBe(1);
  await cache.write("three", "3");
  expect(await cache.read("two")).toBeUndefined();
  expect([await cache.read("one"), await cache.read("three")]).toEqual([1, 3]);
  expect(readdirSync(folder)).toHaveLength(2);
});
