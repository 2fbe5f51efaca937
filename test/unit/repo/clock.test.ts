import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";

/**
 * Moments that are told to a person, or written to disk for the order in which files were used. A machine's clock is set back, or jumps
 * ahead with the end of its sleep: nothing that waits, expires or measures may go by it.
 */
const moments: Readonly<Record<string, number>> = {
  "src/server/session.ts": 1,
  "src/server/sessionJobs.ts": 1,
  "src/server/diskCache.ts": 1,
  "src/queue/cache.ts": 1,
};

describe("the machine's clock", () => {
  it("is read for moments only; what waits or measures goes by performance.now()", () => {
    const found: Record<string, number> = {};
    for (const folder of ["src", "webview"]) {
      for (const name of readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })) {
        if (!/\.(ts|tsx|mjs)$/.test(name)) continue;
        const text = readFileSync(path.join(root, folder, name), "utf8");
        const uses = text.match(/\bDate\.now\(|\bnew Date\(/g)?.length ?? 0;
        if (uses > 0) found[`${folder}/${name.replaceAll(path.sep, "/")}`] = uses;
      }
    }
    expect(found).toEqual(moments);
  });
});
