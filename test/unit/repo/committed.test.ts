import { describe, expect, it } from "vitest";
import { run } from "../../../scripts/lib/run.mjs";

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

  it("carry a lock file without download addresses, so that any registry will do", async () => {
    const { output } = await run("git", ["grep", "-c", '"resolved": "http', "--", "package-lock.json"], {
      quiet: true,
    });
    expect(output).toBe("");
  });
});
