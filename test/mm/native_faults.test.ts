/*
 * A C program touches 400 MiB of fresh memory page by page; the kernel that runs the tests counts its minor
 * faults, and a scenario that makes the same calls has as many, within 2%. What starting a program takes,
 * some hundred faults before main, is measured with a run that touches nothing and subtracted.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { instantiateCore } from "../../src/engine/core.ts";
import { system } from "../../src/run/system.ts";
import { temporaryFolder } from "../packed/support.ts";
import { RELEASE } from "../support/builds.ts";
import { compileC, NativeRuns, NO_COUNTING } from "../support/native_faults.ts";

const MIB = 2 ** 20;
const TOUCHED_MIB = 400;
const TOLERANCE = 0.02;
/** Of a large page, with room below and above. */
const AT = 0x10_0000_0000;
const MEMORY_MIB = 600;

/** Its arguments: how many MiB, and 14, MADV_HUGEPAGE, or 15 for small pages. */
const PROGRAM = `
#include <stdlib.h>
#include <sys/mman.h>
int main(int count, char **arguments) {
  size_t size = atol(arguments[1]) << 20;
  if (size == 0) return 0;
  int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  volatile char *at = mmap((void *)${AT}, size, PROT_READ | PROT_WRITE, how, -1, 0);
  if (at == MAP_FAILED) return 1;
  if (madvise((void *)at, size, atoi(arguments[2])) != 0 && atoi(arguments[2]) == 14) return 2;
  for (size_t byte = 0; byte < size; byte += 4096) at[byte] = 1;
  return 0;
}
`;

const folder = temporaryFolder();

function availableMib(): number {
  const text = process.platform === "linux" ? readFileSync("/proc/meminfo", "latin1") : "";
  return Number(/^MemAvailable: *(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
}

const noMemory =
  availableMib() < MEMORY_MIB ? ` (skipped: less than ${MEMORY_MIB} MiB of memory are left)` : "";
const hidden = NO_COUNTING + noMemory;

const THP = "/sys/kernel/mm/transparent_hugepage/enabled";
const FALLBACKS = /^thp_fault_fallback (\d+)$/m;
const noHuge = !("setThp" in instantiateCore(RELEASE))
  ? " (skipped: the engine has no large pages yet)"
  : !existsSync(THP) || /\[never\]/.test(readFileSync(THP, "latin1"))
    ? ` (skipped: ${THP} says never, or is not there)`
    : "";

/** How often the kernel found no large page when one was wanted. */
function fallbacks(): number {
  return Number(FALLBACKS.exec(readFileSync("/proc/vmstat", "latin1"))?.[1] ?? 0);
}

async function modelledFaults(calls: object[], sysctl: object): Promise<number> {
  const scenario = join(folder, "scenario.yaml");
  const text = { name: "touch", machine: { memory: `${MEMORY_MIB}MiB` }, sysctl, processes: [{ calls }] };
  writeFileSync(scenario, JSON.stringify(text));
  const [modelled] = (await system({ scenario })).processes;
  return modelled?.faults.minor ?? 0;
}

describe.skipIf(hidden !== "")(`minor faults of a program that touches ${TOUCHED_MIB} MiB${hidden}`, () => {
  const mmap = { mmap: { size: `${TOUCHED_MIB}MiB`, as: "memory", fixed: `0x${AT.toString(16)}` } };
  const touch = { touch: { area: "memory", write: true } };

  it("are the kernel's within 2%, page by page", async () => {
    const native = new NativeRuns(folder);
    const program = compileC(folder, "touch", PROGRAM);
    const nothing = native.minorFaults([program, "0", "15"]);
    const counted = native.minorFaults([program, `${TOUCHED_MIB}`, "15"]) - nothing;
    const modelled = await modelledFaults([mmap, touch], {});
    expect(modelled).toBe((TOUCHED_MIB * MIB) / 4096);
    expect(Math.abs(modelled / counted - 1), `counted ${counted}`).toBeLessThan(TOLERANCE);
  });

  it.skipIf(noHuge !== "")(`are the kernel's within 2%, in huge pages${noHuge}`, async ({ skip }) => {
    const native = new NativeRuns(folder);
    const program = compileC(folder, "touch", PROGRAM);
    const before = fallbacks();
    const nothing = native.minorFaults([program, "0", "14"], "any");
    const counted = native.minorFaults([program, `${TOUCHED_MIB}`, "14"], "any") - nothing;
    if (fallbacks() !== before) skip("this host's memory is too fragmented: thp_fault_fallback rose");
    const advise = { madvise: { area: "memory", advice: "hugepage" } };
    const sysctl = { transparent_hugepage: "madvise" };
    const modelled = await modelledFaults([mmap, advise, touch], sysctl);
    expect(modelled).toBe(TOUCHED_MIB / 2);
    expect(Math.abs(modelled / counted - 1), `counted ${counted}`).toBeLessThan(TOLERANCE);
  });
});
