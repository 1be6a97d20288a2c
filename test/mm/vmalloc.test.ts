/* vmalloc: addresses, guards, page tables, and when freed addresses come back. */

import { describe, expect, it } from "vitest";
import type { KernelMemory } from "../../src/engine/kernel_memory.ts";
import { BUILDS } from "../support/builds.ts";
import { kernelMemory } from "../support/kernel_memory.ts";
import { Random } from "../support/random.ts";

const PAGE = 4096;
const START = 0xffffc90000000000;
/** A page table and a page directory map so many pages. */
const TABLE_PAGES = 512;
const DIRECTORY_PAGES = 512 * 512;

/** The page of the range that an address is in. */
function pageOf(address: number): number {
  return (address - START) / PAGE;
}

/** Free ranges as a list: lowest fit, with freed addresses held back. */
class Model {
  areas: { start: number; pages: number }[] = [];
  lazy: { start: number; pages: number }[] = [];
  readonly #end: number;
  readonly #lazyMax: number;

  constructor(end: number, lazyMax: number) {
    this.#end = end;
    this.#lazyMax = lazyMax;
  }

  alloc(frames: number): number | undefined {
    const found = this.#lowest(frames + 1);
    if (found === undefined && this.lazy.length > 0) {
      this.lazy = [];
      return this.alloc(frames);
    }
    if (found !== undefined) this.areas.push({ start: found, pages: frames + 1 });
    return found;
  }

  free(start: number): void {
    const at = this.areas.findIndex((area) => area.start === start);
    this.lazy.push(...this.areas.splice(at, 1));
    if (this.lazy.reduce((sum, { pages }) => sum + pages, 0) > this.#lazyMax) this.lazy = [];
  }

  #lowest(pages: number): number | undefined {
    const taken = [...this.areas, ...this.lazy].sort((a, b) => a.start - b.start);
    let start = 0;
    for (const area of [...taken, { start: this.#end, pages: 0 }]) {
      if (area.start - start >= pages) return start;
      start = area.start + area.pages;
    }
    return undefined;
  }
}

function state(memory: KernelMemory) {
  const { core } = memory;
  return {
    areas: core.vmallocAreas(),
    mapped: core.vmallocMappedPages(),
    lazy: core.vmallocLazyPages(),
    purges: core.vmallocPurges(),
  };
}

describe.each(BUILDS)("vmalloc, %s Wasm", (_build, module) => {
  it("begins at VMALLOC_START and leaves a page between areas", () => {
    const memory = kernelMemory(module);
    const addresses = [1, PAGE, PAGE + 1, 10 * PAGE].map((bytes) => memory.vmalloc(bytes));
    expect(addresses.map(pageOf)).toEqual([0, 2, 4, 7]);
    expect(memory.vmallocRows()).toEqual([
      { start: START, size_bytes: 2 * PAGE, pages: 1, tag: 0 },
      { start: START + 2 * PAGE, size_bytes: 2 * PAGE, pages: 1, tag: 0 },
      { start: START + 4 * PAGE, size_bytes: 3 * PAGE, pages: 2, tag: 0 },
      { start: START + 7 * PAGE, size_bytes: 11 * PAGE, pages: 10, tag: 0 },
    ]);
  });

  it("takes page tables where it maps first, and keeps them", () => {
    const memory = kernelMemory(module, { mebibytes: 512 });
    const small = memory.vmalloc(PAGE);
    expect(memory.core.vmallocTablePages()).toBe(2);
    memory.vmalloc((TABLE_PAGES - 3) * PAGE);
    expect(memory.core.vmallocTablePages()).toBe(2);
    memory.vmalloc(3 * TABLE_PAGES * PAGE);
    // Three for it, one for the array of its 1,536 pages, which comes behind it.
    expect(memory.core.vmallocTablePages()).toBe(2 + 4);
    memory.vfree(small);
    expect(memory.core.vmallocTablePages()).toBe(2 + 4);
  });

  it("has a directory for each GiB", () => {
    const memory = kernelMemory(module, { mebibytes: 2048 });
    const pages = DIRECTORY_PAGES + 100;
    memory.vmalloc(pages * PAGE);
    const [area, array] = memory.vmallocRows().map(({ start, pages }) => ({ start: pageOf(start), pages }));
    expect(area).toEqual({ start: 0, pages });
    const last = array!.start + array!.pages - 1;
    expect(memory.core.vmallocTablePages()).toBe(Math.floor(last / TABLE_PAGES) + 1 + 2);
  });

  it("gives page frames back at once, and addresses after a flush", () => {
    const memory = kernelMemory(module);
    memory.vfree(memory.vmalloc(100 * PAGE));
    const before = memory.freePages();
    const area = memory.vmalloc(100 * PAGE);
    expect(before - memory.freePages()).toBe(100);
    expect(memory.vfree(area)).toBe("freed");
    expect(memory.vfree(area)).toBe("invalid");
    expect(memory.freePages()).toBe(before);
    expect(state(memory)).toEqual({ areas: 0, mapped: 0, lazy: 202, purges: 0 });
    expect(pageOf(memory.vmalloc(PAGE))).toBe(202);
    memory.core.purgeVmalloc(0);
    expect(state(memory)).toEqual({ areas: 1, mapped: 1, lazy: 0, purges: 1 });
    expect(pageOf(memory.vmalloc(PAGE))).toBe(0);
  });

  it("flushes when 32 MiB for each power of two of processors wait", () => {
    const memory = kernelMemory(module, { cpus: 2 });
    expect(memory.core.lazyPagesMax()).toBe(2 * 8192);
    const areas = [0, 1, 2].map(() => memory.vmalloc(8000 * PAGE));
    memory.vfree(areas[0]!);
    memory.vfree(areas[1]!);
    expect(state(memory).purges).toBe(0);
    memory.vfree(areas[2]!);
    expect(state(memory)).toMatchObject({ purges: 1, areas: 0 });
  });

  it("fails, with nothing taken, for what there are no pages or addresses for", () => {
    const memory = kernelMemory(module, { mebibytes: 64, vmallocPages: 1000 });
    memory.vfree(memory.vmalloc(PAGE));
    memory.core.purgeVmalloc(0);
    const before = memory.freePages();
    for (const bytes of [0, -1, Number.NaN, 2 ** 52, 1000 * PAGE, 64 * 2 ** 20]) {
      expect(memory.vmalloc(bytes), `${bytes}`).toBe(0);
    }
    expect(memory.core.vmallocLongestFree()).toBe(1000);
    expect(memory.freePages()).toBe(before);
    const area = memory.vmalloc(900 * PAGE);
    expect(memory.vmalloc(100 * PAGE)).toBe(0);
    memory.vfree(area);
    expect(memory.vmalloc(990 * PAGE)).toBeGreaterThan(0);
    expect(state(memory).purges).toBeGreaterThan(0);
  });

  it("fails, with nothing taken, when pages run out in the middle", () => {
    const memory = kernelMemory(module, { mebibytes: 64 });
    memory.vfree(memory.vmalloc(PAGE));
    memory.core.purgeVmalloc(0);
    const before = memory.freePages();
    expect(memory.vmalloc(63 * 2 ** 20)).toBe(0);
    memory.core.purgeVmalloc(0);
    const kept = memory.slabRows().reduce((sum, row) => sum + row.num_slabs * row.pagesperslab, 0);
    expect(before - memory.freePages()).toBeLessThanOrEqual(kept + memory.core.vmallocTablePages());
    expect(state(memory)).toMatchObject({ areas: 0, mapped: 0 });
  });

  it.each([1, 2, 3, 4, 5])("finds the lowest addresses that fit, seed %i", (seed) => {
    const random = new Random(seed);
    const vmallocPages = 3000;
    const memory = kernelMemory(module, { cpus: 1, vmallocPages });
    const model = new Model(vmallocPages, memory.core.lazyPagesMax());
    for (let step = 0; step < 1500; step++) {
      const about = `seed ${seed}, step ${step}`;
      if (random.chance(0.55) || model.areas.length === 0) {
        const frames = 1 + Math.floor(random.next() ** 3 * 300);
        const address = memory.vmalloc(frames * PAGE);
        const expected = model.alloc(frames);
        expect(address === 0 ? undefined : pageOf(address), about).toBe(expected);
      } else {
        const { start } = random.pick(model.areas);
        model.free(start);
        expect(memory.vfree(START + start * PAGE), about).toBe("freed");
      }
      if (random.chance(0.01)) {
        memory.core.purgeVmalloc(0);
        model.lazy = [];
      }
    }
    const starts = model.areas.map(({ start }) => start).sort((a, b) => a - b);
    expect(memory.vmallocRows().map(({ start }) => pageOf(start))).toEqual(starts);
  });
});
