/* Small modelled machines for tests: set up, driven by calls and references, and recounted frame by frame. */

import { type DeviceTimes, SystemEngine, type SystemSetup, VM } from "../../src/engine/system.ts";
import { physicalMemory } from "../../src/machine/physical.ts";

export const FETCH = 0;
export const LOAD = 1;
export const STORE = 2;
export const ADVICE = {
  random: 1,
  sequential: 2,
  willNeed: 3,
  dontNeed: 4,
  free: 8,
  dontFork: 10,
  cold: 20,
  pageOut: 21,
  populateRead: 22,
};

/** States of processes; see assembly/mm/virtual/process.ts. */
export const STATE = { unused: 0, runnable: 1, waiting: 2, killed: 3 };
export const KILLED_BY = { segmentationFault: 1, busError: 2, outOfMemory: 3 };
export const PRIVATE = VM.READ | VM.WRITE;

export const FLASH: DeviceTimes = {
  isMemory: false,
  readLatency: 80_000,
  writeLatency: 20_000,
  request: 1000,
  page: 1500,
};

const RUNS = 1024;
const MIB = 2 ** 20;

export interface Options {
  mib: number;
  swapMib: number;
  files: SystemSetup["files"];
  chooser: SystemSetup["chooser"];
  swap: DeviceTimes;
  isAccessedByWalk: boolean;
}

/** A machine of a processor with two levels of TLB. */
export class Machine {
  readonly engine: SystemEngine;
  readonly core: SystemEngine["core"];

  constructor(module: WebAssembly.Module, options: Partial<Options> = {}) {
    const { mib = 64, swapMib = 64, files = [], chooser = "linux", swap = FLASH } = options;
    const setup: SystemSetup = {
      physical: physicalMemory({ bytes: mib * MIB }),
      tunables: { hugePages: false },
      pageTable: { levelBits: [9, 9, 9, 9], signExtended: true },
      rootInRegisters: false,
      cpus: 1,
      tlbs: [
        { name: "L1", entries: 16, ways: 4, policy: "lru" },
        { name: "L2", entries: 128, ways: 4, policy: "lru" },
      ],
      largeTlbs: [],
      walkCaches: [0, 4, 8],
      accessedByWalk: options.isAccessedByWalk ?? false,
      swapPages: (swapMib * MIB) / 4096,
      files,
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
      devices: { swap, disk: FLASH },
      bufferRuns: RUNS,
      buffers: 1,
      seed: 1,
    };
    this.engine = new SystemEngine(module, setup);
    this.core = this.engine.core;
    this.core.setOom(this.engine.managedPages, false, false);
  }

  /** A process with room for 64 GiB of mappings, in a group. */
  start(
    group = 0,
    { lockedLimit = 2048, stackLimit = 2048, oomScoreAdj = 0, privileged = false } = {},
  ): number {
    const asid = this.core.newSystemProcess() >>> 0;
    if (asid === 0xffffffff) return asid;
    const flag = privileged ? 1 : 0;
    this.core.setProcess(
      asid,
      0x1000000,
      stackLimit,
      lockedLimit,
      group,
      oomScoreAdj,
      0,
      flag as never,
      0 as never,
    );
    return asid;
  }

  map(
    asid: number,
    pages: number,
    vmFlags: number = PRIVATE,
    { file = 0, offset = 0, at = 0, how = 0 } = {},
  ): number {
    return this.core.mmapPages(asid, at, pages, vmFlags, how, file, offset, 0);
  }

  /** References pages in a row, waiting where the process waits; how many it got to before it was killed. */
  touch(asid: number, start: number, pages: number, kind: number, references = 1): number {
    for (let done = 0; done < pages; ) {
      const runs = Math.min(RUNS, pages - done);
      const { tags, attrs } = this.engine.buffer(0);
      const tagView = new BigUint64Array(tags.buffer, tags.byteOffset, RUNS);
      const attrView = new Uint16Array(attrs.buffer, attrs.byteOffset, RUNS);
      for (let run = 0; run < runs; run++) {
        tagView[run] = BigInt(start + done + run);
        attrView[run] = kind | ((references - 1) << 2);
      }
      for (let at = 0; at < runs; ) {
        at = this.engine.run(asid, 0, at, runs);
        if (at < runs && !this.goesOn(asid)) return done + at;
      }
      done += runs;
    }
    return pages;
  }

  /** Waits for what the process waits for; false when it is no more. */
  goesOn(asid: number): boolean {
    const { state, wakeAt } = this.engine.factsOf(asid);
    if (state === STATE.killed) return false;
    if (state === STATE.waiting) {
      this.core.setClock(Math.max(this.core.clockNow(), wakeAt));
      this.core.wakeProcess(asid);
    }
    return true;
  }

  /** read(2) or write(2), to the end. */
  transfer(asid: number, file: number, from: number, to: number, isWrite: boolean): void {
    for (let at = from, tries = 0; at < to && tries < 10_000; tries++) {
      const call = isWrite ? this.core.writeFilePages : this.core.readFilePages;
      at = call(asid, file, at, to) >>> 0;
      if (at < to && (this.engine.factsOf(asid).state !== STATE.waiting || !this.goesOn(asid))) return;
    }
  }

  get faults(): (asid: number) => { minor: number; major: number } {
    return (asid) => {
      const { minorFaults, majorFaults } = this.engine.factsOf(asid);
      return { minor: minorFaults, major: majorFaults };
    };
  }
}
