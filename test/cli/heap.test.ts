/** `heap`: a log of mtrace's, on the command line and in the library. */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { HeapReport } from "../../src/types.ts";
import {
  clockhand,
  expectRefusal,
  hearsInterrupts,
  INDEX,
  INTERRUPTED,
  startClockhand,
  TRACE_ERROR,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const log = (name: string) => fileURLToPath(new URL(`../mm/heap_logs/${name}.mtrace`, import.meta.url));
const LEAKY = log("leaky");
const TWICE = log("twice");
const SECOND_MS = 1000;

async function json(path: string, ...args: string[]): Promise<HeapReport> {
  const { code, stderr, stdout } = await clockhand(["heap", path, "--json", ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** What a run gives that does not hang on the time it took or the file's name. */
function lasting({ performance: _, log: { path: __, ...lines }, ...rest }: HeapReport) {
  return { ...rest, lines };
}

describe.concurrent("heap", () => {
  test("reports what a recorded program has asked for and left", async () => {
    const report = await json(LEAKY);
    expect(report).toMatchObject({
      command: "heap",
      log: { path: LEAKY, lines: 171, skipped: 0, starts: 1, ends: 1 },
      calls: { total: 160, malloc: 79, realloc: 9, free: 72, refused: 0 },
      requested: { final_blocks: 8, final_bytes: 200_047 },
      leaks: { bytes: 200_047, blocks: 8 },
      faults: { double_frees: 0, invalid_frees: 0, unknown_frees: 1, double_allocations: 0 },
    });
    expect(report.leaks.sites).toEqual([
      {
        site: "./leaky:(main+186)[0x149d]",
        bytes: 200_000,
        blocks: 1,
        allocated_bytes: 800_000,
        allocated_blocks: 4,
      },
      { site: "./leaky:[0x11ed]", bytes: 47, blocks: 7, allocated_bytes: 249, allocated_blocks: 37 },
    ]);
    const { final } = report.heap;
    expect(final.bytes).toBe(final.brk_bytes + final.mmap_bytes);
    expect(final.free_bytes).toBe(final.tcache.bytes + final.fastbins.bytes + final.bins.bytes);
    expect(final.internal_fragmentation).toBeCloseTo(1 - final.requested_bytes / final.chunk_bytes, 12);
    expect(report.sizes.reduce((sum, { calls }) => sum + calls, 0)).toBe(79 + 9);
    expect(report.sizes.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(report.requested.total_bytes);
  });

  test("tells a double free with its lines and call sites", async () => {
    const { faults } = await json(TWICE);
    expect(faults).toMatchObject({ double_frees: 1, invalid_frees: 0, unknown_frees: 0 });
    expect(faults.listed).toEqual([
      {
        kind: "double-free",
        call: "free",
        line: 6,
        address: expect.stringMatching(/^0x[\da-f]+$/),
        site: "./twice:[0x118b]",
        earlier: { line: 4, site: "./twice:[0x118b]" },
      },
    ]);
  });

  const hasMtrace = spawnSync("mtrace", ["--version"]).status === 0;
  test.skipIf(!hasMtrace)(
    `finds the leaks that mtrace(1) finds${hasMtrace ? "" : " (skipped: there is no mtrace)"}`,
    async () => {
      for (const path of [LEAKY, TWICE]) {
        const { stdout } = spawnSync("mtrace", [path], { encoding: "utf8" });
        const sizes = [...stdout.matchAll(/^0x[\da-f]+\s+(0x[\da-f]+)\s+at/gm)].map((match) =>
          Number(match[1]),
        );
        const { leaks } = await json(path);
        expect([leaks.blocks, leaks.bytes]).toEqual([
          sizes.length,
          sizes.reduce((sum, size) => sum + size, 0),
        ]);
      }
    },
  );

  test("reads compressed logs and standard input", async () => {
    const whole = lasting(await json(LEAKY));
    const packed = write(folder, gzipSync(readFileSync(LEAKY)), "leaky.mtrace.gz");
    expect(lasting(await json(packed))).toEqual(whole);
    const { stdout } = await clockhand(["heap", "-", "--json"], { input: readFileSync(LEAKY) });
    expect(lasting(JSON.parse(stdout))).toEqual(whole);
  });

  test("takes malloc's tunables", async () => {
    const plain = await json(LEAKY);
    const report = await json(LEAKY, "--mmap-threshold", "1MiB", "--tcache-count", "0", "--mxfast", "0");
    expect(report.allocator.options).toEqual({ mmap_threshold: 2 ** 20, tcache_count: 0, mxfast: 0 });
    expect(plain.system_calls.mmap).toBeGreaterThan(0);
    expect(report.system_calls.mmap).toBe(0);
    expect(report.heap.final).toMatchObject({ tcache: { chunks: 0 }, fastbins: { chunks: 0 } });
    const padded = await json(LEAKY, "--top-pad", "4MiB", "--trim-threshold", "64MiB", "--mmap-max", "0");
    expect(padded.system_calls).toMatchObject({ brk_grow: 1, brk_trim: 0, mmap: 0 });
  });

  test("prints tables with the JSON's numbers", async () => {
    const { code, stdout } = await clockhand(["heap", LEAKY]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/79 malloc, 9 realloc \(\d in place\), 72 free/);
    expect(stdout).toMatch(/195\.3 KiB +1 +4 +\.\/leaky:\(main\+186\)\[0x149d\]/);
    expect(stdout).toMatch(/195\.4 KiB in 8 blocks were never freed\./);
    expect(stdout).toMatch(/unknown-free +2 +free +0x\w+ +\.\/leaky:\(main\+27\)\[0x133e\]/);
    const twice = await clockhand(["heap", TWICE]);
    expect(twice.stdout).toMatch(/double-free +6 +free .*freed in line 4/);
    expect(twice.stdout).toContain("No leaks: every block was freed.");
    const short = await clockhand(["heap", LEAKY, "--sites", "1"]);
    expect(short.stdout).toContain("the rest at 1 other site");
  });

  test("says of an empty log that there is nothing in it", async () => {
    const report = await json(write(folder, "", "empty.mtrace"));
    expect(report).toMatchObject({ calls: { total: 0 }, heap: { peak: { bytes: 0 } }, leaks: { blocks: 0 } });
    const { code, stdout } = await clockhand(["heap", write(folder, "= Start\n", "start.mtrace")]);
    expect(code).toBe(0);
    expect(stdout).toContain("No leaks");
  });

  test("refuses a log that is none, or cut off, at its line", async () => {
    const text = readFileSync(LEAKY, "latin1");
    const cut = write(folder, text.slice(0, text.lastIndexOf("0x") + 2), "cut.mtrace");
    const refusal = await clockhand(["heap", cut]);
    expectRefusal(refusal, TRACE_ERROR, cut, "line 170", "--skip-bad-lines");
    const report = await json(cut, "--skip-bad-lines");
    expect(report.log).toMatchObject({ lines: 170, skipped: 1, ends: 0 });
    const other = write(folder, " L 1ffeffe7e0,8\n", "other.lackey");
    expectRefusal(await clockhand(["heap", other]), TRACE_ERROR, other, "line 1 ", "byte 0");
  });

  test("refuses options that make no sense", async () => {
    expectRefusal(await clockhand(["heap", `${folder}/none`]), USER_ERROR, "no such file");
    expectRefusal(await clockhand(["heap", LEAKY, "--tcache-max", "2000"]), USER_ERROR, "--tcache-max");
    expectRefusal(await clockhand(["heap", LEAKY, "--top-pad", "much"]), USER_ERROR, "--top-pad");
    expectRefusal(await clockhand(["heap", LEAKY, "--mmap-max", "-1"]), USER_ERROR, "--mmap-max");
  });

  test("ends on Ctrl-C without a result, also while it waits for its input", async () => {
    const running = startClockhand(["heap", "-", "--json"], { stdin: "open" });
    running.child.stdin?.write(readFileSync(LEAKY));
    await hearsInterrupts(running);
    running.child.kill("SIGINT");
    const { code, stdout, stderr, milliseconds } = await running.outcome;
    expect({ code, stdout }).toEqual({ code: INTERRUPTED, stdout: "" });
    expect(stderr).toContain("interrupted");
    expect(milliseconds).toBeLessThan(10 * SECOND_MS);
  });

  test("is a function of the library", async () => {
    const { heap } = await import(INDEX);
    const report = await heap({ log: LEAKY, tcacheCount: 3 });
    expect(report).toMatchObject({ command: "heap", allocator: { options: { tcache_count: 3 } } });
    const aborted = heap({ log: LEAKY, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toThrow(/interrupted/);
  });
});
