import { defineConfig } from "vitest/config";

/**
 * Three suites. `behaviour` is what `npm test` runs, within ten minutes; `differential` holds the engine
 * against slow models on random input; `valgrind` records real programs.
 */
export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
    maxWorkers: 2,
    projects: [
      suite("behaviour", ["test/**/*.test.ts"], ["test/differential/**", "test/valgrind/**"]),
      suite("differential", ["test/differential/**/*.test.ts"]),
      suite("valgrind", ["test/valgrind/**/*.test.ts"]),
    ],
  },
});

function suite(name: string, include: string[], exclude: string[] = []) {
  return { extends: true as const, test: { name, include, exclude } };
}
