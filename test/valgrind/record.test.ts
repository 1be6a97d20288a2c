/**
 * A real Valgrind, piped into the built command line: what users type first. Not part of `npm test`, which
 * needs Node alone; `npm run test:valgrind` runs it, and so does .ci/run.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { ReplayReport } from "../../src/types.ts";

const CLI = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

describe("a program under Valgrind", () => {
  it("is replayed from a pipe as it runs", () => {
    const command = `valgrind --tool=lackey --trace-mem=yes --log-fd=9 /bin/true 9>&1 1>/dev/null | node "${CLI}" replay - --json`;
    const report = JSON.parse(
      execFileSync("bash", ["-c", command], { maxBuffer: 1 << 28 }).toString(),
    ) as ReplayReport;
    expect(report.trace.format).toBe("lackey");
    expect(report.trace.references.fetch).toBeGreaterThan(50_000);
    expect(report.trace.references.modify).toBeGreaterThan(0);
    expect(report.result.faults.minor).toBe(report.trace.pages);
  });

  it("counts the instructions that lackey itself counts", () => {
    const script = `valgrind --tool=lackey --trace-mem=yes --basic-counts=yes --log-fd=9 /bin/true 9>&1 1>/dev/null`;
    const text = execFileSync("bash", ["-c", script], { maxBuffer: 1 << 28 });
    const replay = spawnSync("node", [CLI, "replay", "-", "--json", "--page-size", "1GiB"], {
      input: text,
      maxBuffer: 1 << 28,
    });
    const { references } = (JSON.parse(replay.stdout.toString()) as ReplayReport).trace;
    const instructions = /guest instrs:\s*([\d,]+)/.exec(text.toString("latin1"))?.[1]?.replaceAll(",", "");
    expect(references.fetch).toBe(Number(instructions));
  });
});
