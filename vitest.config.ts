import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/valgrind/**"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
    maxWorkers: 2,
  },
});
