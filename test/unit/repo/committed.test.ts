import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { root, run } from "../../../scripts/lib/run.mjs";

const lock = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};

interface LockedPackage {
  readonly resolved?: string;
  readonly os?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Written in pieces, as this file is committed too. */
const machinePaths = ["work", "root"].map((folder) => `/${folder}/`);
const registryHost = "https?://" + "registry\\.";

/** Lines of committed files that match, without those of the lock file; `git grep` exits with 1 where there is none. */
async function committedLines(pattern: string): Promise<readonly string[]> {
  const args = ["grep", "-nIE", "-e", pattern, "--", ".", ":!package-lock.json"];
  const { code, output } = await run("git", args, { quiet: true });
  if (code > 1) throw new Error(`git grep failed: ${output}`);
  return output.split("\n").filter((line) => line !== "");
}

describe("committed files", () => {
  it("are searched at all", async () => {
    expect((await committedLines('"name": "sigmaquant"')).length).toBeGreaterThan(0);
  });

  it.each([...machinePaths, registryHost])(
    "don't name a machine's folders or a registry's host: %s",
    async (pattern) => {
      expect(await committedLines(pattern)).toEqual([]);
    },
  );
});

describe("the lock file", () => {
  it("has no download addresses, so that any registry will do", () => {
    expect(Object.values(lock.packages).filter(({ resolved }) => resolved?.startsWith("http"))).toEqual([]);
  });

  it("has what its packages depend on, for all platforms, as npm ci wants it; npm install may drop other platforms'", () => {
    const missing = Object.entries(lock.packages).flatMap(([place, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) => !isFound(name, place))
        .map((name) => `${place} wants ${name}`),
    );
    expect(missing).toEqual([]);
    expect(Object.values(lock.packages).some(({ os }) => os?.includes("darwin"))).toBe(true);
  });
});

/** Whether Node would find the package from there: beside it, or in a folder above. */
function isFound(name: string, place: string): boolean {
  if (`${place === "" ? "" : `${place}/`}node_modules/${name}` in lock.packages) return true;
  if (place === "") return false;
  const parent = place.lastIndexOf("/node_modules/");
  return isFound(name, parent === -1 ? "" : place.slice(0, parent));
}
