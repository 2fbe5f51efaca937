import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { packagedReadme } from "../../../scripts/lib/packagedReadme.mjs";
import { root } from "../../../scripts/lib/run.mjs";

/** More than that is slow to load for who only wants to see what this is. */
const mostBytes = 200_000;

const readme = readFileSync(path.join(root, "README.md"), "utf8");
const pictures = [...readme.matchAll(/docs\/images\/[\w-]+\.png/g)].map(([file]) => file);

describe("README.md", () => {
  it("shows pictures that are there, none of them large", () => {
    expect(pictures.length).toBeGreaterThan(0);
    for (const file of pictures) expect(statSync(path.join(root, file)).size, file).toBeLessThan(mostBytes);
  });

  it("has no picture in a package, where none could be shown, and all of its text", () => {
    const packaged = packagedReadme(readme);
    expect(packaged).not.toMatch(/docs\/images|<picture>|!\[/);
    for (const heading of readme.match(/^## .*$/gm) ?? []) expect(packaged).toContain(heading);
  });
});
