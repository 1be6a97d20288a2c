import { defineConfig } from "vitest/config";

/**
 * Four suites. `behaviour` is what `npm test` runs, within ten minutes; `differential` holds the engine
 * against slow models on random input; `compiler` compiles policies of users' own; `valgrind` records real
 * programs.
 */
const COMPILING = [
  "test/policy/**/*.test.ts",
  "test/cli/custom_policy.test.ts",
  "test/mm/heap_hooks.test.ts",
];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
    maxWorkers: 2,
    projects: [
      suite("behaviour", ["test/**/*.test.ts"], ["test/differential/**", "test/valgrind/**", ...COMPILING]),
      suite("compiler", COMPILING),
      suite("differential", ["test/differential/**/*.test.ts"]),
      suite("valgrind", ["test/valgrind/**/*.test.ts"]),
    ],
  },
});

function suite(name: string, include: string[], exclude: string[] = []) {
  return { extends: true as const, test: { name, include, exclude } };
}
