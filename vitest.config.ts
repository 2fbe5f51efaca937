import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/unit/**/*.test.ts", "test/integration/**/*.test.ts", "test/webview/**/*.test.ts"],
    testTimeout: 240_000,
    pool: "forks",
    // Programs, servers and pages on a busy machine: what passes only the second time is marked as such in the log.
    retry: 1,
  },
});
