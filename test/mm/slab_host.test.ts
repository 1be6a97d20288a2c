/*
 * The geometry of slabs against the kernel that runs the tests: /proc/slabinfo, readable by root, and
 * /sys/kernel/slab. Every cache is compared, by the size of its objects with alignment, which depends on the
 * kernel's version and configuration and is taken from the host: how many are in a slab, of how many pages,
 * and how many partial slabs are kept. No tolerance is needed, and none is given; kernels that add to objects
 * for debugging are left out.
 */

import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { describe, expect, it } from "vitest";
import { CACHE_FLAGS } from "../../src/engine/kernel_memory.ts";
import { RELEASE } from "../support/builds.ts";
import { kernelMemory } from "../support/kernel_memory.ts";

const SLABINFO = "/proc/slabinfo";
const SYSFS = "/sys/kernel/slab";

const text = readable(SLABINFO);
const processors = presentProcessors();
const rows = (text ?? "")
  .split("\n")
  .slice(2)
  .map((line) => line.trim().split(/\s+/))
  .filter((words) => words.length > 6)
  .map(([name = "", , , size, objects, pages]) => ({
    name,
    size: Number(size),
    objects: Number(objects),
    pages: Number(pages),
  }));
/**
 * kmalloc-8 with 512 objects a page: nothing was added to objects for debugging, and slabs are not
 * randomised.
 */
const isPlain = rows.some(({ name, objects, size }) => name === "kmalloc-8" && size === 8 && objects === 512);

describe.skipIf(!isPlain)(
  `slabs of this host (skipped where ${SLABINFO} is hidden or debugging is on)`,
  () => {
    const memory = kernelMemory(RELEASE, { cpus: processors });

    it("have as many objects in as many pages", () => {
      const wrong = rows.filter(({ size, objects, pages }) => {
        const cache = memory.createCache("x", size, 0, CACHE_FLAGS.noMerge);
        const facts = memory.facts(cache);
        memory.destroyCache(cache);
        return facts.size !== size || facts.objects !== objects || 2 ** facts.order !== pages;
      });
      expect(rows.length).toBeGreaterThan(50);
      expect(wrong).toEqual([]);
    });

    it("have kmalloc's size classes", () => {
      const own = memory
        .slabRows()
        .filter(({ name }) => name.startsWith("kmalloc-") && !/-(cg|rcl)-/.test(name));
      const theirs = rows.filter(({ name }) => /^kmalloc-\d+k?$/.test(name));
      const shape = ({ name, size }: { name: string; size: number }) => `${name} ${size}`;
      expect(own.map(({ name, objsize: size }) => shape({ name, size })).sort()).toEqual(
        theirs.map(shape).sort(),
      );
    });

    it.skipIf(!existsSync(`${SYSFS}/dentry/min_partial`))(
      `keep as many partial slabs (skipped where ${SYSFS} is hidden)`,
      () => {
        const compared = rows.flatMap(({ name, size }) => {
          const [min, cpu] = [
            numberIn(`${SYSFS}/${name}/min_partial`),
            numberIn(`${SYSFS}/${name}/cpu_partial`),
          ];
          if (min === undefined || cpu === undefined) return [];
          const cache = memory.createCache("x", size, 0, CACHE_FLAGS.noMerge);
          const { min_partial, cpu_partial_slabs, objects } = memory.facts(cache);
          memory.destroyCache(cache);
          const theirs = { name, min, slabs: Math.ceil((cpu * 2) / objects) };
          return [{ theirs, ours: { name, min: min_partial, slabs: cpu_partial_slabs } }];
        });
        expect(compared.length).toBeGreaterThan(50);
        expect(compared.map(({ ours }) => ours)).toEqual(compared.map(({ theirs }) => theirs));
      },
    );
  },
);

function readable(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

function numberIn(path: string): number | undefined {
  const content = readable(path);
  return content === undefined ? undefined : Number(content);
}

/** num_present_cpus(), or, where that is one, nr_cpu_ids. */
function presentProcessors(): number {
  const list = (name: string) => readable(`/sys/devices/system/cpu/${name}`)?.trim();
  const count = (ranges: string | undefined) =>
    ranges
      ?.split(",")
      .map((range) => range.split("-").map(Number))
      .reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
  const present = count(list("present")) ?? cpus().length;
  return present > 1 ? present : Math.max(1, count(list("possible")) ?? 1);
}
