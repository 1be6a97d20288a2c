/*
 * The modelled heap by worked examples. Addresses are relative to the program break at the start: a chunk has
 * 16 bytes of header, the first of them is the tcache's own, of 0x290 bytes.
 */

import { describe, expect, it } from "vitest";
import { type CallKind, type HeapCall, HeapEngine, type HeapOptions } from "../../src/engine/heap.ts";
import { BUILDS } from "../support/builds.ts";
import { engineCalls, PROFILES, randomCalls } from "../support/heap_calls.ts";
import { Random } from "../support/random.ts";

const START = 0x10000000;
const MAP_TOP = 0x7f0000000000;
const FIRST = 0x2a0;
const KIB = 1024;

describe.each(BUILDS)("the modelled heap of the %s Wasm", (_build, module) => {
  const heapOf = (options: HeapOptions = {}) => {
    const engine = new HeapEngine(module, options, { start: START, mapTop: MAP_TOP });
    let line = 0;
    const call = (kind: CallKind, block: number, size = 0, other = 0): number => {
      line += 1;
      const [address = 0] = engine.run([{ kind, block: BigInt(block), size, other: BigInt(other), line }]);
      return address === 0 ? -1 : address - START;
    };
    return {
      engine,
      malloc: (block: number, size: number) => call("malloc", block, size),
      free: (block: number) => call("free", block),
      realloc: (block: number, size: number, to = block) => call("realloc", block, size, to),
      memalign: (block: number, alignment: number, size: number) => call("memalign", block, size, alignment),
      call,
    };
  };

  it("gives 24 bytes of each chunk of 32, and 16 more for each 16", () => {
    const heap = heapOf();
    const sizes = [0, 24, 25, 40, 41];
    const addresses = sizes.map((size, index) => heap.malloc(index + 1, size));
    expect(addresses).toEqual([0, 0x20, 0x40, 0x70, 0xa0].map((offset) => FIRST + offset));
    expect(heap.engine.totals()).toMatchObject({ requested: 130, chunks: 32 + 32 + 48 + 48 + 64 });
  });

  it("gives the block freed last first, of seven in the tcache and more in a fastbin", () => {
    const heap = heapOf();
    const blocks = Array.from({ length: 9 }, (_, index) => index + 1);
    const addresses = blocks.map((block) => heap.malloc(block, 24));
    for (const block of blocks) heap.free(block);
    expect(heap.engine.info()).toMatchObject({ cachedChunks: 7, fastChunks: 2 });
    const again = blocks.map((block) => heap.malloc(block, 24));
    expect(again).toEqual([6, 5, 4, 3, 2, 1, 0, 8, 7].map((index) => addresses[index]));
  });

  it("joins free neighbours, and splits what is too large", () => {
    const heap = heapOf({ tcacheCount: 0 });
    const first = heap.malloc(1, 1000);
    heap.malloc(2, 1000);
    heap.malloc(3, 1000);
    heap.free(1);
    heap.free(2);
    expect(heap.engine.info()).toMatchObject({ binnedChunks: 1, binnedBytes: 2 * 1008 });
    expect(heap.malloc(4, 1500)).toBe(first);
    expect(heap.malloc(5, 400)).toBe(first + 1520);
  });

  it("takes the smallest chunk that is large enough", () => {
    const heap = heapOf({ tcacheCount: 0 });
    const sizes = [5000, 3000, 4000, 2000];
    const addresses = sizes.map((size, index) => {
      const address = heap.malloc(2 * index + 1, size);
      heap.malloc(2 * index + 2, 24);
      return address;
    });
    for (const index of sizes.keys()) heap.free(2 * index + 1);
    expect(heap.malloc(20, 2500)).toBe(addresses[1]);
    expect(heap.malloc(21, 3900)).toBe(addresses[2]);
  });

  it("grows by 132 KiB at first, and gives the top back from 128 KiB on", () => {
    const heap = heapOf();
    heap.malloc(1, 100);
    expect(heap.engine.info()).toMatchObject({
      systemBytes: 132 * KIB,
      brkGrowths: 1,
      topBytes: 132 * KIB - 0x290 - 112,
    });
    for (let block = 2; block <= 5; block++) heap.malloc(block, 100_000);
    for (let block = 5; block >= 2; block--) heap.free(block);
    const { brkShrinks, topBytes, systemBytes } = heap.engine.info();
    expect(brkShrinks).toBeGreaterThan(0);
    expect(topBytes).toBeLessThan(2 * 128 * KIB);
    expect(systemBytes).toBeLessThan(2 * 132 * KIB);
  });

  it("maps 128 KiB and more, page by page, until such a block has been freed", () => {
    const heap = heapOf();
    expect(heap.malloc(1, 200 * KIB)).toBe(MAP_TOP - 204 * KIB + 16 - START);
    expect(heap.engine.info()).toMatchObject({
      mappings: 1,
      mappedBytes: 204 * KIB,
      mmapThreshold: 128 * KIB,
    });
    heap.free(1);
    expect(heap.engine.info()).toMatchObject({
      mappings: 0,
      mmapThreshold: 204 * KIB,
      trimThreshold: 408 * KIB,
    });
    expect(heap.malloc(2, 200 * KIB)).toBe(FIRST);
    expect(heap.malloc(3, 204 * KIB)).toBe(MAP_TOP - 208 * KIB + 16 - START);
  });

  it("keeps thresholds that were set, and never moves them beyond 32 MiB", () => {
    const fixed = heapOf({ mmapThreshold: 64 * KIB });
    fixed.malloc(1, 200 * KIB);
    fixed.free(1);
    expect(fixed.engine.info()).toMatchObject({ mmapThreshold: 64 * KIB, trimThreshold: 128 * KIB });
    const moving = heapOf();
    moving.malloc(1, 33 * 2 ** 20);
    moving.free(1);
    expect(moving.engine.info()).toMatchObject({ mmapThreshold: 128 * KIB });
  });

  it("maps a multiple of 2 MiB on a boundary of 2 MiB", () => {
    const heap = heapOf();
    heap.malloc(1, 200 * KIB);
    expect(heap.malloc(2, 2 ** 21 - 24)).toBe(MAP_TOP - 2 ** 22 + 16 - START);
  });

  it("reallocates in place into the top, into a free neighbour, or by giving the rest back", () => {
    const heap = heapOf({ tcacheCount: 0 });
    const first = heap.malloc(1, 2000);
    expect(heap.realloc(1, 60_000)).toBe(first);
    heap.malloc(2, 2000);
    heap.malloc(3, 24);
    expect(heap.realloc(1, 100)).toBe(first);
    expect(heap.realloc(1, 50_000)).toBe(first);
    heap.free(2);
    expect(heap.realloc(1, 61_000)).toBe(first);
    expect(heap.realloc(1, 90_000)).toBeGreaterThan(first);
    expect(heap.engine.totals()).toMatchObject({ reallocs: 5, inPlace: 4 });
  });

  it("remaps a mapped block, and keeps it mapped when it gets small", () => {
    const heap = heapOf();
    heap.malloc(1, 200 * KIB);
    heap.realloc(1, 500 * KIB);
    heap.realloc(1, 100);
    expect(heap.engine.info()).toMatchObject({ mremapCalls: 2, mappings: 1, mappedBytes: 4096 });
  });

  it("frees with a realloc to nothing, and allocates with one of nothing", () => {
    const heap = heapOf();
    const first = heap.call("realloc", 0, 100, 1);
    expect(first).toBe(FIRST);
    expect(heap.call("realloc", 1, 0, 0)).toBe(-1);
    expect(heap.engine.liveBlocks()).toBe(0);
    expect(heap.malloc(2, 100)).toBe(first);
  });

  it("gives addresses that are multiples of an alignment", () => {
    const heap = heapOf();
    for (const [index, alignment] of [32, 64, 256, 4096, 65_536, 2 ** 20].entries()) {
      const address = heap.memalign(index + 1, alignment, 100) + START;
      expect(address % alignment).toBe(0);
    }
    expect(heap.engine.flaw()).toBe(0);
  });

  it("refuses what no machine has, and leaves a block that cannot grow out", () => {
    const heap = heapOf();
    expect(heap.malloc(1, 2 ** 63)).toBe(-1);
    expect(heap.malloc(2, 2 ** 47)).toBe(-1);
    expect(heap.malloc(3, 100)).toBe(FIRST);
    expect(heap.engine.totals()).toMatchObject({ refused: 2 });
    heap.free(1);
    expect(heap.engine.faults().counts).toMatchObject({ doubleFree: 0, unknownFree: 0 });
  });

  it("tells double frees, invalid and unknown ones, and leaves them out", () => {
    const heap = heapOf();
    heap.malloc(0x1000, 100);
    heap.free(0x1000);
    heap.free(0x1000);
    heap.malloc(0x2000, 100);
    heap.free(0x2010);
    heap.free(0x3008);
    heap.free(0x4000);
    heap.realloc(0x1000, 50, 0x5000);
    heap.malloc(0x2000, 30);
    const { counts, listed } = heap.engine.faults();
    expect(counts).toEqual({ doubleFree: 2, invalidFree: 2, unknownFree: 1, doubleAllocation: 1 });
    expect(listed.map(({ kind, line, address, earlier }) => [kind, line, address, earlier.line])).toEqual([
      ["doubleFree", 3, 0x1000n, 2],
      ["invalidFree", 5, 0x2010n, 4],
      ["invalidFree", 6, 0x3008n, 0],
      ["unknownFree", 7, 0x4000n, 0],
      ["doubleFree", 8, 0x1000n, 2],
      ["doubleAllocation", 9, 0x2000n, 4],
    ]);
    expect(listed.map(({ isRealloc }) => isRealloc)).toEqual([false, false, false, false, true, false]);
    expect(heap.engine.liveBlocks()).toBe(2);
    expect(heap.engine.flaw()).toBe(0);
  });

  it("lists the first 1,000 faults and counts all", () => {
    const heap = heapOf();
    const calls = Array.from(
      { length: 3000 },
      (_, index): HeapCall => ({
        kind: "free",
        block: BigInt(16 * (index + 1)),
        size: 0,
      }),
    );
    heap.engine.run(calls);
    const { counts, listed } = heap.engine.faults();
    expect([counts.unknownFree, listed.length]).toEqual([3000, 1000]);
  });

  it("remembers what was freed as long as there is room, and forgets the oldest first", () => {
    const heap = heapOf();
    const count = 50_000;
    const calls: HeapCall[] = [];
    for (let index = 1; index <= count; index++) {
      const block = BigInt(16 * index);
      calls.push({ kind: "malloc", block, size: 24, line: 2 * index - 1 });
      calls.push({ kind: "free", block, size: 0, line: 2 * index });
    }
    heap.engine.run(calls);
    heap.free(16 * count);
    heap.free(16);
    expect(heap.engine.faults().listed.map(({ kind }) => kind)).toEqual(["doubleFree", "unknownFree"]);
  });

  it("uses the tags of a heap that is gone again", () => {
    const { core } = new HeapEngine(module);
    const addresses = new Set<number>();
    for (let round = 0; round < 100; round++) {
      const at = core.createHeap(round, START, MAP_TOP);
      addresses.add(at);
      core.destroyHeap(at);
    }
    expect(addresses.size).toBe(1);
  });

  it("keeps many heaps apart in one engine", () => {
    const engine = new HeapEngine(module);
    const { core } = engine;
    const heaps = [1, 2, 3].map((space) => core.createHeap(space, START, MAP_TOP));
    const view = () => new DataView(core.memory.buffer);
    const results = heaps.map((heap, index) => {
      const at = core.callsAt();
      for (let byte = 0; byte < 48; byte += 4) view().setUint32(at + byte, 0, true);
      view().setBigUint64(at + 8, BigInt(16 * (index + 1)), true);
      view().setBigUint64(at + 16, 100n, true);
      core.replayCalls(heap, at, 1);
      return Number(view().getBigUint64(at + 40, true));
    });
    expect(results).toEqual([START + FIRST, START + FIRST, START + FIRST]);
    expect(heaps.map((heap) => core.heapFlaw(heap))).toEqual([0, 0, 0]);
  });

  it("is consistent after every call, and empty when all is freed", () => {
    for (const profile of PROFILES) {
      for (const tcacheCount of [0, 7]) {
        const seed = new Random(tcacheCount + profile.slots).below(1e6);
        const calls = engineCalls(randomCalls({ ...profile, calls: 600 }, seed));
        const engine = new HeapEngine(module, { tcacheCount }, { start: START, mapTop: MAP_TOP });
        const live = new Set<bigint>();
        for (const [index, call] of calls.entries()) {
          engine.run([call]);
          expect(engine.flaw(), `${profile.name}, seed ${seed}, call ${index}`).toBe(0);
          const { systemBytes, mappedBytes, topBytes, tcacheBytes, ...info } = engine.info();
          const free = info.binnedBytes + info.fastBytes + info.cachedBytes;
          const { chunks } = engine.totals();
          const lost = systemBytes + mappedBytes - topBytes - tcacheBytes - free - chunks;
          // Only memalign loses bytes, in front of a block in a mapping.
          if (profile.memalign === undefined) expect(lost, `${profile.name}, seed ${seed}`).toBe(0);
          else expect(lost).toBeGreaterThanOrEqual(0);
          if (call.kind === "free" || call.other === 0n) live.delete(call.block);
          if (call.kind !== "free" && !(call.kind === "realloc" && call.size === 0)) {
            live.add(call.kind === "realloc" ? (call.other as bigint) : call.block);
          }
        }
        engine.run([...live].map((block): HeapCall => ({ kind: "free", block, size: 0 })));
        expect(engine.liveBlocks()).toBe(0);
        expect(engine.totals()).toMatchObject({ requested: 0, chunks: 0 });
        expect(engine.info()).toMatchObject({ mappings: 0, mappedBytes: 0 });
        expect(engine.flaw()).toBe(0);
      }
    }
  });
});
