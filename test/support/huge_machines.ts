/*
 * Small machines with large pages for tests: a process touches pages, and what must always hold is counted
 * anew from the memory map, the page tables and the areas.
 */

import { zoneState } from "../../src/engine/physical.ts";
import { SystemEngine, type SystemSetup, type ThpSettings, VM } from "../../src/engine/system.ts";
import { physicalMemory } from "../../src/machine/physical.ts";
import type { TlbGeometry } from "../../src/types.ts";

export const HUGE = 512;
const LOAD = 1;
const STORE = 2;
const KILLED = 3;
const WAITING = 2;
const PRESENT = 1;
const PFN_SHIFT = 4;
const STATE = { free: 1, freeTail: 2, anon: 3, hugetlb: 8, tail: 9 };
const ZONES = 5;
const LISTS = 5;

const SECOND_LEVEL: TlbGeometry = { name: "L2", entries: 1536, ways: 12, policy: "lru" };

export interface MachineOptions {
  mib?: number;
  swapMib?: number;
  thp?: ThpSettings;
  chooser?: SystemSetup["chooser"];
}

export function hugeMachine(module: WebAssembly.Module, options: MachineOptions = {}): SystemEngine {
  const { mib = 64, swapMib = 0, chooser = "linux" } = options;
  const device = { isMemory: false, readLatency: 80_000, writeLatency: 20_000, request: 1000, page: 1500 };
  const engine = new SystemEngine(module, {
    physical: physicalMemory({ bytes: mib * 2 ** 20 }),
    tunables: { hugePages: false },
    pageTable: { levelBits: [9, 9, 9, 9], signExtended: true },
    rootInRegisters: false,
    cpus: 1,
    tlbs: [{ name: "L1", entries: 64, ways: 4, policy: "lru" }, SECOND_LEVEL],
    largeTlbs: [{ name: "L1", entries: 32, ways: 4, policy: "lru" }, SECOND_LEVEL],
    walkCaches: [0, 4, 32],
    accessedByWalk: false,
    swapPages: swapMib * 256,
    files: [],
    chooser,
    costs: {
      reference: 1,
      l2Tlb: 3,
      walkReference: 5,
      fault: 500,
      pageCopy: 300,
      map: 50,
      scan: 50,
      reclaim: 200,
      call: 200,
    },
    devices: { swap: device, disk: device },
    bufferRuns: 4096,
    buffers: 1,
    seed: 1,
  });
  if (options.thp !== undefined) engine.setThp(options.thp);
  return engine;
}

export function newProcess(engine: SystemEngine, group = 0): number {
  const asid = engine.core.newSystemProcess() >>> 0;
  engine.core.setProcess(asid, 0x7fffff000, 2048, 1 << 20, group, 0, 0, false, false);
  return asid;
}

/** An anonymous area that begins on 2 MiB, or `offset` pages behind that. */
export function mapAnon(
  engine: SystemEngine,
  asid: number,
  start: number,
  pages: number,
  flags: number = VM.READ | VM.WRITE,
): number {
  return engine.core.mmapPages(asid, start, pages, flags, 0x10, 0, 0, 1);
}

/** References to pages in turn; false when the process was killed. */
export function touch(engine: SystemEngine, asid: number, pages: readonly number[], write: boolean): boolean {
  for (let done = 0; done < pages.length; done += 4096) {
    const part = pages.slice(done, done + 4096);
    const { tagsAt, attrsAt } = engine.buffer(0);
    const { u8 } = engine.views();
    const tags = new BigUint64Array(u8.buffer, tagsAt, part.length);
    const attrs = new Uint16Array(u8.buffer, attrsAt, part.length);
    part.forEach((page, index) => {
      tags[index] = BigInt(page);
      attrs[index] = write ? STORE : LOAD;
    });
    for (let at = 0; at < part.length; ) {
      at = engine.run(asid, 0, at, part.length);
      if (at === part.length) break;
      const { state, wakeAt } = engine.factsOf(asid);
      if (state === KILLED) return false;
      if (state !== WAITING) throw new Error(`process ${asid} stopped in state ${state}`);
      engine.core.setClock(Math.max(engine.core.clockNow(), wakeAt));
      engine.core.wakeProcess(asid);
    }
  }
  return true;
}

export function range(start: number, pages: number, step = 1): number[] {
  return Array.from({ length: Math.ceil(pages / step) }, (_, index) => start + index * step);
}

/** Frees that all zones have, in pages. */
export function freePages(engine: SystemEngine): number {
  let pages = 0;
  for (let zone = 0; zone < ZONES; zone++) pages += zoneState(engine.core, engine.views(), zone).free;
  return pages;
}

export function frameOf(engine: SystemEngine, asid: number, vpn: number): number | undefined {
  const entry = engine.core.pageEntry(asid, vpn) >>> 0;
  return (entry & PRESENT) === 0 ? undefined : entry >>> PFN_SHIFT;
}

/** What does not hold of the machine; every area of every process is gone through. */
export function wrongs(engine: SystemEngine, asids: readonly number[]): string[] {
  const { core } = engine;
  const wrong: string[] = [];
  const is = (what: string, value: number, expected: number) => {
    if (value !== expected) wrong.push(`${what}: ${value}, counted ${expected}`);
  };
  const { u8 } = engine.views();
  const flagsAt = core.pageFlagsAt() >>> 0;
  const stateOf = (pfn: number) => u8[flagsAt + 2 * pfn] as number;
  const orderOf = (pfn: number) => u8[flagsAt + 2 * pfn + 1] as number;

  let free = 0;
  let anon = 0;
  let large = 0;
  let hugetlb = 0;
  const frames = core.mappedFrames() >>> 0;
  for (let pfn = 0; pfn < frames; pfn++) {
    const state = stateOf(pfn);
    if (state === STATE.free) free += 2 ** orderOf(pfn);
    if (state === STATE.hugetlb) hugetlb++;
    if (state !== STATE.anon) continue;
    anon += 2 ** orderOf(pfn);
    if (orderOf(pfn) > 0) large++;
  }
  is("free pages", freePages(engine), free);
  const used = engine.setup.physical.managed.reduce((sum, { start, end }) => {
    for (let pfn = start; pfn < end; pfn++) {
      if (stateOf(pfn) !== STATE.free && stateOf(pfn) !== STATE.freeTail) sum++;
    }
    return sum;
  }, 0);
  is("managed pages", engine.managedPages, free + used);
  is("pages of the pool", engine.hugePages().total, hugetlb);

  const counters = engine.counters();
  is("nr_anon_transparent_hugepages", counters.nr_anon_transparent_hugepages, large);
  if (engine.setup.chooser === "linux") {
    let listed = 0;
    for (let list = 0; list < LISTS; list++) listed += core.listPages(list) >>> 0;
    is("pages in lists", listed, anon);
  }

  let mapped = 0;
  for (const asid of asids) {
    const process = engine.factsOf(asid);
    let anonymous = 0;
    let ofPool = 0;
    for (let index = 0; index < process.areas; index++) {
      const area = engine.area(asid, index);
      anonymous += area.anonymous;
      ofPool += area.hugetlb;
      for (let vpn = area.start; vpn < area.end; vpn++) {
        const pfn = frameOf(engine, asid, vpn);
        if (pfn === undefined) continue;
        mapped++;
        if (![STATE.anon, STATE.hugetlb, 7].includes(stateOf(pfn))) {
          wrong.push(`page ${vpn} of ${asid} is mapped to frame ${pfn} of state ${stateOf(pfn)}`);
        }
      }
    }
    is(`anonymous pages of ${asid}`, process.anonPages, anonymous);
    is(`pool pages of ${asid}`, process.hugetlbPages, ofPool);
  }
  if (mapped === 0) is("anonymous pages left", anon, 0);
  return wrong.slice(0, 5);
}
