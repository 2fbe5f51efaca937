import { defineConfig } from "vitest/config";
import { root } from "../../scripts/lib/run.mjs";

/** Tests that drive an editor from outside. One file at a time: each starts an editor and a browser. */
export default defineConfig({
  root,
  test: {
    include: ["test/e2e/installed/**/*.test.ts"],
    pool: "forks",
    fileParallelism: false,
    // Longer than any one thing that a test waits for, so that the one that did not come is what is told.
    // As in the hosts, see inHost.ts.
    retry: 1,
    testTimeout: 150_000,
    // An editor may have to be fetched first.
    hookTimeout: 300_000,
  },
});
