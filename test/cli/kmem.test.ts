/**
 * `kmem` on two recordings of this project's: a shell that runs two commands, by perf 6.1 (perf script) and
 * by ftrace, on Linux 6.18 with two processors; and on made ones.
 */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { kmem } from "../../src/index.ts";
import type { KmemReport } from "../../src/types.ts";
import {
  clockhand,
  expectRefusal,
  type RunOptions,
  shell,
  TRACE_ERROR,
  temporaryFolder,
  USER_ERROR,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const PERF = recorded("kmem.perf.xz");
const FTRACE = recorded("kmem.ftrace.xz");
const PAGE = 4096;

function recorded(name: string): string {
  return fileURLToPath(new URL(`../mm/data/${name}`, import.meta.url));
}

async function report(args: readonly string[], options: RunOptions = {}): Promise<KmemReport> {
  const outcome = await clockhand(["kmem", ...args, "--json"], options);
  expect({ code: outcome.code, stderr: outcome.stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(outcome.stdout) as KmemReport;
}

/** The same counts with nothing but a map from pointers to sizes. */
function counted(path: string) {
  const text = execFileSync("xz", ["-dc", path], { encoding: "latin1", maxBuffer: 2 ** 28 });
  const live = new Map<string, { requested: number; given: number }>();
  const counts = {
    allocations: 0,
    frees: 0,
    unknown_frees: 0,
    missed_frees: 0,
    requested_bytes: 0,
    given_bytes: 0,
  };
  for (const line of text.split("\n")) {
    const ptr = / ptr=(\S+)/.exec(line)?.[1];
    if (ptr === undefined || /^0*$|nil|null/.test(ptr.replace("0x", ""))) continue;
    if (/kfree:|kmem_cache_free:/.test(line)) {
      if (live.delete(ptr)) counts.frees++;
      else counts.unknown_frees++;
    } else {
      if (live.has(ptr)) counts.missed_frees++;
      const requested = Number(/bytes_req=(\d+)/.exec(line)?.[1]);
      const given = Number(/bytes_alloc=(\d+)/.exec(line)?.[1]);
      live.set(ptr, { requested, given });
      counts.allocations++;
      counts.requested_bytes += requested;
      counts.given_bytes += given;
    }
  }
  const values = [...live.values()];
  return {
    ...counts,
    live: live.size,
    live_bytes: values.reduce((sum, { requested }) => sum + requested, 0),
  };
}

/** Lines as ftrace prints them. */
function made(...events: string[]): string {
  return events.map((event, index) => `  a b-${index}  [000] .....  ${index}.000001: ${event}\n`).join("");
}

function kmalloc(ptr: number, requested: number, given: number, site = "f+0x1"): string {
  return `kmalloc: call_site=${site} ptr=0x${ptr.toString(16)} bytes_req=${requested} bytes_alloc=${given} gfp_flags=GFP_KERNEL`;
}

describe.concurrent("kmem", () => {
  test.each([
    ["perf script", PERF, 2500, 0],
    ["ftrace", FTRACE, 2994, 568],
  ])("counts what is in a recording of %s's", async (_, path, events, others) => {
    const result = await report([path]);
    expect(result.trace).toEqual({ path, events, other_events: others, lost_events: 0, skipped: 0 });
    expect(result.objects).toEqual({ ...counted(path), failed: 0 });
    const { allocations, frees, live } = result.objects;
    for (const rows of [result.classes, result.live_call_sites]) {
      for (const row of rows) expect(row.live).toBeLessThanOrEqual(row.allocations);
    }
    const all = result.classes.reduce((sum, row) => sum + row.allocations, 0);
    expect(all).toBe(allocations);
    expect(result.classes.reduce((sum, row) => sum + row.live, 0)).toBe(live);
    expect(frees + live + result.objects.missed_frees).toBe(allocations);
  });

  test("has the recorded kernel's processors where the recording says them", async () => {
    expect((await report([FTRACE])).machine).toEqual({ memory_bytes: 4 * 2 ** 30, cpus: 2 });
    expect((await report([PERF])).machine.cpus).toBe(4);
    expect((await report([PERF, "--cpus", "2", "--memory", "256MiB"])).machine).toEqual({
      memory_bytes: 2 ** 28,
      cpus: 2,
    });
  });

  test("gives what the recorded kernel gave, by the same slabs", async () => {
    const { allocators, slabinfo } = await report([FTRACE]);
    const [real, slub, exact, slob, buddy] = allocators as [
      (typeof allocators)[number],
      ...typeof allocators,
    ];
    expect(allocators.map(({ name }) => name)).toEqual(["recorded", "slub", "slab-exact", "slob", "buddy"]);
    expect(slub!.end.internal_bytes).toBe(real.end.internal_bytes);
    expect(exact!.end.internal_bytes).toBeLessThanOrEqual(slub!.end.internal_bytes);
    expect(buddy!.peak.held_bytes).toBeGreaterThan(slub!.peak.held_bytes);
    expect(slob!.peak.held_bytes).toBeLessThan(slub!.peak.held_bytes);
    for (const { peak, end, failed } of allocators) {
      expect(failed).toBe(0);
      expect(peak.held_bytes).toBeGreaterThanOrEqual(end.held_bytes);
      for (const use of [peak, end]) {
        const { held_bytes: held, requested_bytes: requested, internal_bytes: inside } = use;
        expect(requested + inside + use.external_bytes).toBe(held);
        expect(use.external_bytes).toBeGreaterThanOrEqual(0);
      }
    }
    const pages = slabinfo.reduce((sum, row) => sum + row.num_slabs * row.pagesperslab, 0);
    expect(slub!.end.held_bytes).toBe(pages * PAGE);
  });

  test("counts by hand what three requests come to", async () => {
    const path = write(
      folder,
      made(
        kmalloc(0x1000, 100, 128),
        kmalloc(0x2000, 9000, 16384, "g+0x2"),
        "kfree: call_site=h ptr=0x1000",
        "kfree: call_site=h ptr=0x77",
        kmalloc(0x2000, 10, 16),
        kmalloc(0, 10, 0),
      ),
    );
    const { objects, allocators, live_call_sites: sites } = await report([path, "--cpus", "1"]);
    expect(objects).toEqual({
      allocations: 3,
      frees: 1,
      failed: 1,
      unknown_frees: 1,
      missed_frees: 1,
      requested_bytes: 9110,
      given_bytes: 16_528,
      live: 1,
      live_bytes: 10,
    });
    const use = (name: string) => allocators.find((allocator) => allocator.name === name)!;
    expect(use("slub").peak).toMatchObject({
      held_bytes: 5 * PAGE,
      requested_bytes: 9100,
      internal_bytes: 7412,
    });
    expect(use("slub").end).toMatchObject({ held_bytes: 2 * PAGE, requested_bytes: 10, internal_bytes: 6 });
    expect(use("slab-exact").end).toMatchObject({ held_bytes: 2 * PAGE, internal_bytes: 6 });
    expect(use("slob").peak).toMatchObject({ held_bytes: 5 * PAGE, requested_bytes: 9100 });
    // With its header of a word, 10 bytes take 24.
    expect(use("slob").end).toMatchObject({ held_bytes: PAGE, requested_bytes: 10, internal_bytes: 14 });
    expect(use("buddy").peak).toMatchObject({ held_bytes: 5 * PAGE, requested_bytes: 9100 });
    expect(use("buddy").end).toMatchObject({ held_bytes: PAGE, requested_bytes: 10 });
    expect(sites).toEqual([
      { call_site: "f+0x1", allocations: 2, requested_bytes: 110, given_bytes: 144, live: 1, live_bytes: 10 },
    ]);
  });

  test("counts pages by order and type, once for each page", async () => {
    const path = write(
      folder,
      made(
        "mm_page_alloc: page=0x1 pfn=0x10 order=2 migratetype=0 gfp_flags=GFP_KERNEL",
        "mm_page_alloc: page=0x1 pfn=0x20 order=0 migratetype=1 gfp_flags=GFP_USER",
        "mm_page_alloc: page=(nil) pfn=0x0 order=9 migratetype=1 gfp_flags=GFP_USER",
        "mm_page_free: page=0x1 pfn=0x10 order=2",
        "mm_page_free: page=0x1 pfn=0x20 order=0",
        "mm_page_free_batched: page=0x1 pfn=0x20 order=0",
        "mm_page_free: page=0x1 pfn=0x99 order=0",
        "mm_page_alloc_extfrag: page=0x1 pfn=0x30 alloc_order=1 fallback_order=9 pageblock_order=9 alloc_migratetype=0 fallback_migratetype=1 fragmenting=0 change_ownership=1",
      ),
    );
    expect((await report([path])).pages).toEqual({
      allocations: 2,
      frees: 2,
      failed: 1,
      unknown_frees: 1,
      peak_pages: 5,
      live_pages: 0,
      orders: [
        { order: 0, migratetype: "movable", allocations: 1, frees: 1, live: 0 },
        { order: 2, migratetype: "unmovable", allocations: 1, frees: 1, live: 0 },
      ],
      fallbacks: [{ order: 1, from: "movable", to: "unmovable", count: 1, fragmenting: 0 }],
    });
  });

  test("fails requests that the machine has no memory for", async () => {
    const blocks = Array.from({ length: 30 }, (_, index) => kmalloc((index + 1) * 2 ** 23, 2 ** 22, 2 ** 22));
    const { allocators } = await report([write(folder, made(...blocks)), "--memory", "64MiB"]);
    const slub = allocators.find(({ name }) => name === "slub")!;
    expect(slub.failed).toBeGreaterThan(15);
    expect(slub.peak.held_bytes).toBeLessThan(64 * 2 ** 20);
  });

  test("shows tables", async () => {
    const { code, stdout, stderr } = await clockhand(["kmem", FTRACE]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("2,994, besides 568 events that are not of allocation");
    for (const part of [
      "at each one's peak",
      "slab-exact",
      "names_cache",
      "not freed by the end",
      "unmovable",
    ]) {
      expect(stdout).toContain(part);
    }
    expect(stdout).not.toMatch(/NaN|undefined|Infinity|-0/);
  });

  test("reads standard input", async () => {
    const piped = await shell('xz -dc "$trace" | clockhand kmem - --json', FTRACE);
    const { trace, objects } = JSON.parse(piped.stdout) as KmemReport;
    expect({ trace, objects }).toEqual({
      trace: { path: "-", events: 2994, other_events: 568, lost_events: 0, skipped: 0 },
      objects: (await report([FTRACE])).objects,
    });
  });

  test("is a function of the library's", async () => {
    const told: string[] = [];
    const result = await kmem({ events: PERF, top: 2, onProgress: ({ phase }) => told.push(phase) });
    expect(result.live_call_sites).toHaveLength(2);
    await expect(kmem({ events: PERF, signal: AbortSignal.abort() })).rejects.toThrow("interrupted");
  });

  test("names the line that is no event, or goes on", async () => {
    const path = write(folder, `${made(kmalloc(16, 1, 8))}what is this\n${made(kmalloc(32, 1, 8))}`);
    const at = made(kmalloc(16, 1, 8)).length;
    const refused = await clockhand(["kmem", path]);
    expectRefusal(
      refused,
      TRACE_ERROR,
      `${path}: line 2 (byte ${at}): expected a kmem event`,
      "what is this",
    );
    const { trace, objects } = await report([path, "--skip-bad-lines"]);
    expect([trace.skipped, objects.allocations]).toEqual([1, 2]);
  });

  test.each([
    ["empty", ""],
    ["of other events", made("rss_stat: mm_id=1 curr=1 type=MM_FILEPAGES size=4096B")],
    ["of comments", "# tracer: nop\n#\n"],
  ])("refuses a recording that is %s", async (_, text) => {
    const path = write(folder, text);
    expectRefusal(await clockhand(["kmem", path]), TRACE_ERROR, path, "no events of kernel allocation");
  });

  test.each([
    ["cut off in a line", made(kmalloc(16, 1, 8)).slice(0, -40), "line 1 (byte 0)"],
    ["of one endless line", "x".repeat(2 ** 20), "line 1 (byte 0)"],
    ["of references", " L 1ffe,8\n", "L 1ffe,8"],
    ["binary", "\u0000\u0001\u001b[31m\n", "expected a kmem event"],
  ])("refuses a file that is %s", async (_, text, says) => {
    const path = write(folder, text);
    expectRefusal(await clockhand(["kmem", path]), TRACE_ERROR, path, says);
  });

  test.each([
    [["/no/such/file"], "no such file"],
    [[PERF, "--memory", "lots"], "--memory"],
    [[PERF, "--memory", "1MiB"], "memory"],
    [[PERF, "--memory", "1000TiB"], "memory"],
    [[PERF, "--cpus", "0"], "--cpus"],
    [[PERF, "--cpus", "100000"], "--cpus"],
    [[PERF, "--top", "x"], "--top"],
    [[], "events"],
  ])("refuses %j", async (args, says) => {
    expectRefusal(await clockhand(["kmem", ...args]), USER_ERROR, says);
  });

  test("ends when it is interrupted", async () => {
    const path = write(folder, made(...Array.from({ length: 2000 }, (_, at) => kmalloc(16 * at, 10, 16))));
    const { code, stdout } = await shell(
      'while cat "$trace"; do :; done | timeout -s INT -k 20 2 "$node" "$main" kmem - --skip-bad-lines',
      path,
    );
    expect({ code, stdout }).toEqual({ code: 124, stdout: "" });
  });
});
