/*
 * The commit limit against /proc/meminfo of the Linux that runs the tests: its memory, its swap, what its
 * hugetlbfs pools hold and its sysctls give its CommitLimit, to the page. No tolerance is needed: swap and
 * the ratio's share of memory are rounded down to pages as the kernel does.
 *
 * MemTotal (totalram_pages) is the sum of what the zones manage. Kernels that initialise the map of pages
 * later, when they need it, count all of it in MemTotal at once and in /proc/zoneinfo bit by bit; there a
 * machine that is sized after the zones has a limit that is smaller by the ratio's share of the difference.
 */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseMeminfo } from "../../src/host/meminfo.ts";
import { BUILDS } from "../support/builds.ts";
import { Machine } from "../support/system.ts";

const MEMINFO = "/proc/meminfo";
const ZONEINFO = "/proc/zoneinfo";
const SYSCTLS = ["overcommit_memory", "overcommit_ratio", "overcommit_kbytes"];
const PAGE_KIB = 4;

const meminfo = contents(MEMINFO);
const zoneinfo = contents(ZONEINFO);
const sysctls = SYSCTLS.map((name) => contents(`/proc/sys/vm/${name}`));
const kib = Object.fromEntries(parsed().map(({ name, value }) => [name, value]));
const managed = zoneinfo === undefined ? undefined : pagesIn(zoneinfo);

const hidden =
  (kib["CommitLimit"] === undefined ? ` (skipped: no CommitLimit in ${MEMINFO})` : "") +
  (sysctls.includes(undefined) ? " (skipped: no /proc/sys/vm)" : "");
const uneven =
  managed === undefined
    ? ` (skipped: no ${ZONEINFO})`
    : managed * PAGE_KIB === kib["MemTotal"]
      ? ""
      : ` (skipped: its zones manage ${managed} pages and MemTotal is ${(kib["MemTotal"] ?? 0) / PAGE_KIB})`;

describe.skipIf(hidden !== "").each(BUILDS)(
  `this machine's commit limit, in the %s Wasm${hidden}`,
  (_, module) => {
    const [memory = 0, ratio = 0, kbytes = 0] = sysctls.map(Number);
    const { MemTotal = 0, SwapTotal = 0, Hugetlb = 0, CommitLimit = 0 } = kib;

    function limitKib(ramPages: number, percent: number, pages: number): number {
      const { core } = new Machine(module, { swapMib: SwapTotal / 1024 });
      core.setTotalRam(ramPages);
      core.setHugetlbPages(Hugetlb / PAGE_KIB);
      core.setOvercommit(memory, percent, pages, 0, 0);
      return (core.commitLimit() >>> 0) * PAGE_KIB;
    }

    it("is the kernel's", () => {
      expect(limitKib(MemTotal / PAGE_KIB, ratio, Math.floor(kbytes / PAGE_KIB))).toBe(CommitLimit);
    });

    it("is the same by overcommit_kbytes", () => {
      expect(limitKib(MemTotal / PAGE_KIB, 50, (CommitLimit - SwapTotal) / PAGE_KIB)).toBe(CommitLimit);
    });

    it.skipIf(uneven !== "")(`is that of its zones${uneven}`, () => {
      expect(limitKib(managed ?? 0, ratio, Math.floor(kbytes / PAGE_KIB))).toBe(CommitLimit);
    });
  },
);

function contents(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

function parsed() {
  try {
    return meminfo === undefined ? [] : parseMeminfo(meminfo);
  } catch {
    return [];
  }
}

/** What all zones manage, of all nodes. */
function pagesIn(text: string): number {
  return [...text.matchAll(/^ +managed +(\d+)/gm)].reduce((sum, [, pages]) => sum + Number(pages), 0);
}
