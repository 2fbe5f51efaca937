import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/unit/**/*.test.ts", "test/integration/**/*.test.ts", "test/webview/**/*.test.ts"],
    testTimeout: 240_000,
    pool: "forks",
  },
});
