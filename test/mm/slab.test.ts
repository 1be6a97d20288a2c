/*
 * Slabs and kmalloc: what a caller sees, what must always hold, and what the kernel's documentation says. The
 * slow model of every list is in test/differential/slab.test.ts.
 */

import { describe, expect, it } from "vitest";
import {
  CACHE_FLAGS,
  GFP,
  GFP_KERNEL,
  KERNEL_CACHE_NAMES,
  type KernelMemory,
  KMALLOC_CLASSES,
  KMALLOC_TYPES,
} from "../../src/engine/kernel_memory.ts";
import { ZONE_COUNT } from "../../src/engine/physical.ts";
import { BUILDS } from "../support/builds.ts";
import { kernelMemory } from "../support/kernel_memory.ts";
import { Random } from "../support/random.ts";

const PAGE = 4096;
const CLASS_BYTES = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192];
const KMALLOC_MAX = 4 * 2 ** 20;

function ownCache(memory: KernelMemory, bytes: number, flags = 0): number {
  return memory.createCache("own", bytes, 0, flags | CACHE_FLAGS.noMerge);
}

/** Takes all pages that there are, to the last: no watermark keeps any. */
function exhaust({ core }: KernelMemory): number[] {
  core.setupWatermarks(0, 0);
  for (let zone = 0; zone < ZONE_COUNT; zone++) core.setupLowmemReserve(zone, 0);
  const taken: number[] = [];
  for (;;) {
    const pfn = core.allocPages(0, GFP_KERNEL) >>> 0;
    if (pfn === 0xffffffff) return taken;
    taken.push(pfn);
  }
}

describe.each(BUILDS)("slabs, %s Wasm", (_build, module) => {
  it("hold objects that never overlap, in pages of their own", () => {
    const seed = 7;
    const random = new Random(seed);
    const memory = kernelMemory(module);
    const caches = [8, 40, 192, 700, 2112, 5000].map((bytes) => ownCache(memory, bytes));
    const owners = new Map<number, number>();
    const live: { cache: number; address: number }[] = [];
    for (let step = 0; step < 6000; step++) {
      if (live.length === 0 || random.chance(0.53)) {
        const cache = random.pick(caches);
        const { size } = memory.facts(cache);
        const address = memory.alloc(cache, random.below(2));
        for (let word = address; word < address + size; word += 8) {
          if (owners.has(word)) expect.fail(`seed ${seed}, step ${step}: ${word} is in two objects`);
          owners.set(word, cache);
        }
        live.push({ cache, address });
      } else {
        const [{ cache, address }] = live.splice(random.below(live.length), 1) as [(typeof live)[number]];
        const { size } = memory.facts(cache);
        for (let word = address; word < address + size; word += 8) owners.delete(word);
        expect(memory.free(cache, address, random.below(2))).toBe("freed");
      }
    }
    for (const cache of caches) {
      const { active, busy, slab_objects: total, slabs, objects } = memory.facts(cache);
      expect(active).toBe(live.filter((object) => object.cache === cache).length);
      expect(active).toBeLessThanOrEqual(busy);
      expect(busy).toBeLessThanOrEqual(total);
      expect(total).toBe(slabs * objects);
    }
  });

  it("give every page back when their cache is destroyed, and not before it is empty", () => {
    const memory = kernelMemory(module, { cpus: 4 });
    const before = memory.freePages();
    const cache = ownCache(memory, 192);
    const objects = Array.from({ length: 5000 }, (_, index) => memory.alloc(cache, index % 4));
    expect(before - memory.freePages()).toBe(memory.facts(cache).pages);
    expect(memory.destroyCache(cache)).toBe(false);
    for (const [index, address] of objects.entries()) memory.free(cache, address, (index * 7) % 4);
    expect(memory.freePages()).toBeLessThan(before);
    expect(memory.destroyCache(cache)).toBe(true);
    expect(memory.freePages()).toBe(before);
  });

  it("refuse what is no object of the cache, and what is free", () => {
    const memory = kernelMemory(module);
    const cache = ownCache(memory, 192);
    const other = ownCache(memory, 192);
    const address = memory.alloc(cache, 0);
    for (const wrong of [0, 1, address + 1, address + 8, address - 192, 2 ** 52, -1, 0.5, Number.NaN]) {
      expect(memory.free(cache, wrong, 0), `${wrong}`).not.toBe("freed");
    }
    expect(memory.free(other, address, 0)).toBe("invalid");
    expect(memory.free(cache, address + 192, 0)).toBe("double");
    expect(memory.free(cache, address, 1)).toBe("freed");
    expect(memory.free(cache, address, 0)).toBe("double");
    expect(memory.facts(cache).active).toBe(0);
  });

  it("hand out last what was freed last", () => {
    const memory = kernelMemory(module);
    const cache = ownCache(memory, 64);
    const [first, second, third] = [0, 1, 2].map(() => memory.alloc(cache, 0)) as [number, number, number];
    expect([second - first, third - second]).toEqual([64, 64]);
    memory.free(cache, first, 0);
    memory.free(cache, third, 0);
    expect([memory.alloc(cache, 0), memory.alloc(cache, 0)]).toEqual([third, first]);
  });

  it("take smaller slabs when no block of their order is left, and fail without pages", () => {
    const memory = kernelMemory(module, { mebibytes: 64 });
    const cache = ownCache(memory, 1128);
    expect(memory.facts(cache)).toMatchObject({ order: 2, objects: 14 });
    const pages = exhaust(memory);
    expect(memory.alloc(cache, 0)).toBe(0);
    // Every fourth page: no two beside each other.
    for (const pfn of pages.filter((pfn) => pfn % 4 === 1).slice(0, 3)) memory.core.freePages(pfn, 0);
    const free = memory.freePages();
    const addresses = Array.from({ length: 9 }, () => memory.alloc(cache, 0));
    expect(addresses.every((address) => address > 0)).toBe(true);
    expect(free - memory.freePages()).toBe(3);
    expect(memory.facts(cache)).toMatchObject({ slabs: 3, pages: 3, slab_objects: 9 });
    for (const address of addresses) expect(memory.free(cache, address, 0)).toBe("freed");
  });

  it("are shared by like caches, as mergeable ones are", () => {
    const memory = kernelMemory(module);
    const first = memory.createCache("first", 100);
    expect(memory.createCache("second", 104)).toBe(first);
    expect(memory.createCache("third", 97)).toBe(first);
    expect(memory.createCache("aligned", 100, 64)).not.toBe(first);
    expect(memory.createCache("charged", 104, 0, CACHE_FLAGS.account)).not.toBe(first);
    expect(memory.createCache("alone", 104, 0, CACHE_FLAGS.noMerge)).not.toBe(first);
    expect(memory.namesOf(first)).toEqual(["first", "second", "third"]);
    const address = memory.alloc(first, 0);
    expect(memory.destroyCache(first)).toBe(true);
    expect(memory.facts(first)).toMatchObject({ users: 2, active: 1 });
    memory.free(first, address, 0);
  });

  it("refuse sizes that no slab holds", () => {
    const memory = kernelMemory(module);
    for (const bytes of [0, KMALLOC_MAX + 1, 2 ** 31]) {
      expect(() => memory.createCache("x", bytes)).toThrow("no cache can be made");
    }
    const largest = memory.createCache("x", KMALLOC_MAX);
    expect(memory.facts(largest)).toMatchObject({ order: 10, objects: 1 });
  });

  it("of the kernel's own objects are there from the start, in the table's order", () => {
    const memory = kernelMemory(module);
    const rows = new Map(memory.slabRows().map((row) => [row.name, row]));
    expect([...rows.keys()].reverse()).toEqual([
      ...KMALLOC_TYPES.flatMap((type) => KMALLOC_CLASSES.map((size) => `${type}-${size}`)),
      ...KERNEL_CACHE_NAMES,
    ]);
    expect(rows.get("task_struct")).toMatchObject({ objsize: 5888, objperslab: 5, pagesperslab: 8 });
    KERNEL_CACHE_NAMES.forEach((name, index) => {
      expect(memory.namesOf(memory.core.kernelCache(index))).toEqual([name]);
    });
  });

  it("are counted as reclaimable where their cache says so", () => {
    const memory = kernelMemory(module);
    const dentry = memory.core.kernelCache(KERNEL_CACHE_NAMES.indexOf("dentry"));
    const filp = memory.core.kernelCache(KERNEL_CACHE_NAMES.indexOf("filp"));
    for (let count = 0; count < 100; count++) memory.alloc(dentry, 0);
    for (let count = 0; count < 50; count++) memory.alloc(filp, 0);
    expect([memory.core.slabPages(true), memory.core.slabPages(false)]).toEqual([5, 3]);
  });
});

describe.each(BUILDS)("kmalloc, %s Wasm", (_build, module) => {
  it("serves every size from the smallest class that holds it", () => {
    const memory = kernelMemory(module);
    for (let bytes = 1; bytes <= 8192; bytes++) {
      const address = memory.kmalloc(bytes);
      const given = CLASS_BYTES.find((size) => size >= bytes);
      if (memory.core.ksizeOf(address) !== given) expect.fail(`${bytes} bytes: not from ${given}`);
      expect(memory.core.requestedAt(address)).toBe(bytes);
      memory.kfree(address);
    }
  });

  it.each([
    [8193, 4],
    [16_384, 4],
    [16_385, 8],
    [KMALLOC_MAX, 1024],
  ])("serves %i bytes with %i pages in a row", (bytes, pages) => {
    const memory = kernelMemory(module);
    const before = memory.freePages();
    const address = memory.kmalloc(bytes);
    expect(address % (pages * PAGE)).toBe(0);
    expect(before - memory.freePages()).toBe(pages);
    expect(memory.core.ksizeOf(address)).toBe(pages * PAGE);
    expect([memory.core.largeKmallocs(), memory.core.largeKmallocPages()]).toEqual([1, pages]);
    expect(memory.kfree(address + PAGE)).toBe("invalid");
    expect(memory.kfree(address)).toBe("freed");
    expect(memory.kfree(address)).toBe("invalid");
    expect(memory.freePages()).toBe(before);
  });

  it("gives nothing beyond 4 MiB, and a pointer to nothing for no bytes", () => {
    const memory = kernelMemory(module);
    expect(memory.kmalloc(KMALLOC_MAX + 1)).toBe(0);
    expect(memory.core.kmallocFailures()).toBe(1);
    expect(memory.kmalloc(0)).toBe(16);
    expect([memory.kfree(16), memory.kfree(0)]).toEqual(["freed", "freed"]);
  });

  it.each([
    [GFP_KERNEL, "kmalloc"],
    [GFP_KERNEL | GFP.ACCOUNT, "kmalloc-cg"],
    [GFP_KERNEL | GFP.RECLAIMABLE | GFP.ACCOUNT, "kmalloc-rcl"],
    [GFP_KERNEL | GFP.DMA | GFP.RECLAIMABLE, "dma-kmalloc"],
  ])("chooses the type by the flags %i: %s", (gfp, type) => {
    const memory = kernelMemory(module);
    memory.kmalloc(100, gfp);
    const used = memory.slabRows().filter(({ num_objs: total }) => total > 0);
    expect(used.map(({ name }) => name)).toEqual([`${type}-128`]);
  });

  it("knows how much of every class was asked for", () => {
    const seed = 11;
    const random = new Random(seed);
    const memory = kernelMemory(module);
    const live = new Map<number, number>();
    for (let step = 0; step < 5000; step++) {
      const bytes = 1 + random.below(8192);
      if (random.chance(0.6) || live.size === 0) {
        live.set(memory.kmalloc(bytes, GFP_KERNEL, random.below(2)), bytes);
        continue;
      }
      const [address] = random.pick([...live.entries()]);
      live.delete(address);
      if (random.chance(0.5)) memory.kfree(address, random.below(2));
      else live.set(memory.core.kreallocBytes(address, bytes, GFP_KERNEL, random.below(2)), bytes);
    }
    CLASS_BYTES.forEach((size, index) => {
      const sizes = [...live].filter(([address]) => memory.core.ksizeOf(address) === size);
      const facts = memory.facts(memory.core.kmallocCache(0, index));
      expect(facts.active, `seed ${seed}, class ${size}`).toBe(sizes.length);
      expect(facts.requested_bytes).toBe(sizes.reduce((sum, [, bytes]) => sum + bytes, 0));
    });
  });

  it("krealloc stays where there is room, and moves where there is none", () => {
    const { core } = kernelMemory(module);
    const address = core.kmallocBytes(100, GFP_KERNEL, 0);
    expect(core.kreallocBytes(address, 128, GFP_KERNEL, 0)).toBe(address);
    expect(core.requestedAt(address)).toBe(128);
    const moved = core.kreallocBytes(address, 129, GFP_KERNEL, 0);
    expect([core.ksizeOf(moved), core.ksizeOf(address)]).toEqual([192, 0]);
    expect(core.kreallocBytes(moved, 0, GFP_KERNEL, 0)).toBe(16);
    expect(core.ksizeOf(core.kreallocBytes(0, 64, GFP_KERNEL, 0))).toBe(64);
  });

  it("fails when memory is in pieces, though much is free, and vmalloc does not", () => {
    const memory = kernelMemory(module, { mebibytes: 64 });
    const pages = exhaust(memory);
    for (const pfn of pages.filter((pfn) => pfn % 2 === 0)) memory.core.freePages(pfn, 0);
    const free = memory.freePages();
    expect(free).toBeGreaterThan(3000);
    expect(memory.kmalloc(64 * 1024, GFP_KERNEL | GFP.NORETRY)).toBe(0);
    expect(memory.freePages()).toBe(free);
    const area = memory.vmalloc(64 * 1024);
    expect(area).toBeGreaterThan(0);
    const either = memory.core.kvmalloc(64 * 1024, GFP_KERNEL, 0, 0);
    expect(either).toBeGreaterThan(area);
    expect(memory.core.kvfree(either, 0)).toBe(0);
    expect(memory.core.kvmalloc(100, GFP_KERNEL, 0, 0)).toBeLessThan(2 ** 32);
  });
});

it("does the same in both builds", () => {
  const rows = BUILDS.map(([, module]) => {
    const random = new Random(3);
    const memory = kernelMemory(module);
    const live: number[] = [];
    for (let step = 0; step < 3000; step++) {
      if (random.chance(0.6)) live.push(memory.kmalloc(random.below(20_000), GFP_KERNEL, random.below(2)));
      else if (live.length > 0) memory.kfree(live.splice(random.below(live.length), 1)[0]!, random.below(2));
    }
    return { live, rows: memory.slabRows() };
  });
  expect(rows[0]).toEqual(rows[1]);
});
