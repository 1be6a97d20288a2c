/*
 * Scenarios on a machine like a real computer: the one whose /proc was copied into test/mm/data, others made
 * of it, and the one that this runs on.
 */

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseZoneinfo } from "../../src/host/zoneinfo.ts";
import { type Quantity, valueIn, type Zone } from "../../src/machine_state.ts";
import { hostMachine } from "../../src/run/system/host_machine.ts";
import { FOLDER, runScenario } from "../support/scenarios.ts";

const PROC = fileURLToPath(new URL("data/linux-6.18", import.meta.url));
const LEAST = "name: least\nprocesses: [{ name: p, calls: [{ mmap: { size: 4096 } }] }]\n";
const LIKE_HOST = `machine: host\n${LEAST}`;

/** A copy of that /proc with other files, or without: undefined takes one away. */
function procWith(files: Record<string, string | undefined>): string {
  const folder = mkdtempSync(join(FOLDER, "proc-"));
  cpSync(PROC, folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    if (text === undefined) {
      rmSync(path);
      continue;
    }
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
  }
  return folder;
}

async function noticeOf(proc: string, text = LIKE_HOST): Promise<string> {
  const notices: string[] = [];
  await runScenario(text, { proc, onNotice: (notice) => notices.push(notice) });
  expect(notices).toHaveLength(1);
  return notices[0]!;
}

describe("a machine like a computer whose /proc was copied", () => {
  it("has its zones, as large as they are there", async () => {
    const { state } = await runScenario(LIKE_HOST, { proc: PROC });
    const shown = parseZoneinfo(readFileSync(join(PROC, "zoneinfo"), "utf8"));
    const sizes = (zones: Zone[]) =>
      zones.map(({ name, pages }) => [
        name,
        ...["spanned", "present", "managed"].map((key) => valueIn(pages, key)),
      ]);
    expect(sizes(state.zones as Zone[])).toEqual(sizes(shown).filter(([, spanned]) => spanned !== 0));
  });

  it("has its processors and swap space, however many areas that is", async () => {
    const areas = ["/a", "/b"].map((name) => `${name} file\t\t1048572\t0\t-2\n`).join("");
    const proc = procWith({ swaps: `Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n${areas}` });
    const { machine } = await runScenario(LIKE_HOST, { proc });
    expect(machine).toMatchObject({ cpus: 2, swap_pages: (2 * 1048572) / 4 });
    expect(await noticeOf(proc)).toContain("; 2 swap areas are one");
  });

  it("has its settings, but for those that the scenario writes", async () => {
    const proc = procWith({
      "sys/vm/overcommit_memory": "2\n",
      "sys/vm/overcommit_ratio": "80\n",
      "sys/vm/min_free_kbytes": "50000\n",
    });
    const limit = async (text: string) => {
      const { state, machine } = await runScenario(text, { proc });
      const meminfo = state.meminfo as Quantity[];
      return [valueIn(meminfo, "CommitLimit")! / valueIn(meminfo, "MemTotal")!, machine.min_free_kbytes];
    };
    expect((await limit(LIKE_HOST))[0]).toBeCloseTo(0.8, 5);
    expect((await limit(LIKE_HOST))[1]).toBe(50_000);
    expect((await limit(`sysctl: { vm.overcommit_ratio: 30 }\n${LIKE_HOST}`))[0]).toBeCloseTo(0.3, 5);
  });

  it("has what it keeps of each zone for others in the order of its own zones", () => {
    const proc = procWith({ "sys/vm/lowmem_reserve_ratio": "256\t128\t32\t7\t0\n" });
    // DMA, DMA32, Normal, Movable and Device are its zones; HighMem is none.
    expect(hostMachine(proc).sysctl["vm.lowmem_reserve_ratio"]).toEqual([256, 128, 32, 0, 7]);
  });

  it("has one node for several, and says so", async () => {
    const zoneinfo = readFileSync(join(PROC, "zoneinfo"), "utf8");
    const normal = /^Node 0, zone +Normal[\s\S]*?(?=^Node)/m.exec(zoneinfo)![0];
    const start = Number(/start_pfn: +(\d+)/.exec(normal)![1]);
    const spanned = Number(/spanned +(\d+)/.exec(normal)![1]);
    const second = normal
      .replace("Node 0", "Node 1")
      .replace(/start_pfn: +\d+/, `start_pfn: ${start + spanned}`);
    const proc = procWith({ zoneinfo: zoneinfo + second });
    const { state } = await runScenario(LIKE_HOST, { proc });
    const zone = (state.zones as Zone[]).find(({ name }) => name === "Normal")!;
    const one = parseZoneinfo(zoneinfo).find(({ name }) => name === "Normal")!;
    expect(valueIn(zone.pages, "managed")).toBe(2 * valueIn(one.pages, "managed")!);
    expect(await noticeOf(proc)).toContain("; 2 NUMA nodes are one");
  });

  it("has the zones of a machine of its size where these are hidden, and says so", async () => {
    const proc = procWith({ zoneinfo: undefined });
    const { machine } = await runScenario(LIKE_HOST, { proc });
    expect(machine.memory_bytes).toBe(24_684_092 * 1024);
    expect(await noticeOf(proc)).toMatch(/; zones are computed, for \S+zoneinfo is hidden/);
  });

  it("does without settings that it has no word for, and says so", async () => {
    const proc = procWith({ "sys/vm/dirty_bytes": "1000000\n", "sys/vm/dirty_ratio": "0\n" });
    expect(hostMachine(proc).sysctl["vm.dirty_ratio"]).toBeUndefined();
    expect(await noticeOf(proc)).toContain("; vm.dirty_bytes has no effect");
  });

  it("takes the place of a scenario's own, whose devices keep their speeds", async () => {
    const own = `machine: { memory: 64MiB, swap: { size: 1MiB, device: zram }, disk: disk, cpus: 7 }\n${LEAST}`;
    const { machine } = await runScenario(own, { proc: PROC, machine: "host" });
    expect(machine).toMatchObject({ cpus: 2, swap_pages: 0 });
    expect(machine.memory_bytes).toBeGreaterThan(20 * 2 ** 30);
  });

  it.each([
    ["a folder that is no /proc", FOLDER, /has no meminfo; --proc names a copy/],
    ["zones without pages", "Node 0, zone   Normal\n", /it shows no zones with pages/],
    ["zones that are none", "garbage\n", /shows no zones/],
  ])("is refused in one line: %s", async (_what, text, message) => {
    const proc = text === FOLDER ? FOLDER : procWith({ zoneinfo: text });
    const run = runScenario(LIKE_HOST, { proc });
    await expect(run).rejects.toThrow(message);
    await expect(run).rejects.toThrow(/^[^\n]+$/);
  });
});

/** An engine's 4 GiB hold what is to know of so many bytes of memory. */
const MEMORY_MAX = 128 * 2 ** 30;
const hidden = !existsSync("/proc/zoneinfo")
  ? " (skipped: no /proc/zoneinfo)"
  : totalmem() > MEMORY_MAX
    ? " (skipped: it has more memory than an engine models)"
    : "";
describe.skipIf(hidden !== "")(`a machine like this computer${hidden}`, () => {
  it("has all memory that its zones have to give", async () => {
    const { state, machine } = await runScenario(LIKE_HOST);
    const zones = parseZoneinfo(readFileSync("/proc/zoneinfo", "utf8"));
    const managed = zones.reduce((sum, { pages }) => sum + (valueIn(pages, "managed") ?? 0), 0);
    expect(machine.managed_pages).toBe(managed);
    expect(valueIn(state.meminfo as Quantity[], "MemTotal")).toBe(managed * 4);
  });
});
